"""A sample of timm's models against torch's own counter; benchmarks/timm_sweep.py does all of them."""

import pytest
import torch
from reference_nets import timm_net
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from receptron.analysis.cost import cost

MODELS = [
    "resnet18",
    "resnetv2_50",
    "regnety_008",
    "efficientnet_lite0",
    "mobilenetv4_conv_small",
    "convnext_atto",
    "convnextv2_atto",
    "mobileone_s0",
    "repvgg_a0",
    "ghostnet_100",
    "rexnet_100",
    "hrnet_w18_small",
    "dla34",
    "cspresnet50",
    "vovnet39a",
    "xcit_nano_12_p16_224",
    "vit_tiny_patch16_224",
    "deit_tiny_patch16_224",
    "mixer_s32_224",
    "poolformer_s12",
    "edgenext_xx_small",
    "levit_128s",
    "pvt_v2_b0",
    "mobilevit_xxs",
    "tiny_vit_5m_224",
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_totals_are_those_of_torchs_counter_and_nothing_is_unknown(name: str):
    net = timm_net(name)
    size = net.default_cfg["input_size"]
    found = cost(net, size)
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            net.eval().requires_grad_(False)(torch.empty(1, *size, device="meta"))
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    assert (2 * found.macs, found.unknown) == (counter.get_total_flops(), {})
