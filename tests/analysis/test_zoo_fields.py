"""Every image net of the zoo: its windows against gradient impulses, and its costs against torch's own counter."""

from itertools import product

import pytest
import torch
from impulse import averaging_pools, made_positive, pixels_reaching
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from receptron.analysis.cost import cost
from receptron.analysis.receptive_field.field import Fields
from receptron.analysis.recording import record
from receptron.zoo import ZOO, build

DEFAULT = ["lenet5", "resnet18", "resnet18_v2", "mobilenet_v2", "squeezenet1_1", "efficientnet_b0", "convnext_tiny", "googlenet"]
FAMILIES = [name for name in DEFAULT if name in ZOO]
REST = sorted(set(ZOO) - set(FAMILIES))


@pytest.mark.parametrize("name", [*FAMILIES, *(pytest.param(name, marks=pytest.mark.campaign) for name in REST)])
def test_the_stages_of_a_net_see_what_gradients_say(name: str):
    torch.manual_seed(0)
    row = ZOO[name]
    size = max(row.least, 33 if row.least <= 33 else row.least)
    pixels = None if row.pixels > 64 else row.pixels
    size = row.pixels if row.pixels <= 64 else size
    net = made_positive(build(name, pixels=pixels if pixels else None))
    tape = record(net, (row.channels, size, size))
    fields = Fields(tape)
    seen: dict[str, Tensor] = {}
    for path, module in net.named_modules():
        module.register_forward_hook(lambda m, a, out, path=path: seen.__setitem__(path, out) if isinstance(out, Tensor) else None)
    x = (1 + torch.rand(1, row.channels, size, size, dtype=torch.double)).requires_grad_()
    with averaging_pools():
        net(x)
    layers = [
        path for path in seen if path.count(".") <= 1 and path and seen[path].dim() == 4 and path in {s.path for s in tape.module_calls}
    ]
    assert layers
    for layer in layers[:: max(1, len(layers) // 4)]:
        out, value = seen[layer], tape.output_of(layer)
        for unit in set(product({0, out.shape[2] // 2, out.shape[2] - 1}, {out.shape[3] // 3})):
            assert tuple(map(set, fields.reach.seen_by(value, unit))) == pixels_reaching(x, out, unit), (layer, unit)


@pytest.mark.parametrize("name", [*FAMILIES, *(pytest.param(name, marks=pytest.mark.campaign) for name in REST)])
def test_costs_are_those_of_torchs_counter(name: str):
    row = ZOO[name]
    size = (row.channels, row.pixels, row.pixels)
    with torch.device("meta"):
        net = build(name)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        net.eval().requires_grad_(False)(torch.empty(1, *size, device="meta"))
    found = cost(net, size)
    assert (2 * found.macs, found.unknown) == (counter.get_total_flops(), {})
