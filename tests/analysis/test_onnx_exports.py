"""What torch's two exporters write: the same counts, shapes and fields as the network that was exported. The benchmark has 36 nets."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from onnx_nets import NETS, Exported
from torch.utils.flop_counter import FlopCounterMode

from oracles import torchvision
from receptron.analysis.inspection import InspectionOptions, examine
from receptron.jobs.networks import NetworkRequest, find
from receptron.zoo import build

onnx = pytest.importorskip("onnx")


def small_transformer() -> Any:
    return torchvision().models.VisionTransformer(image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=64)


SMALL = {name: net for name, net in NETS.items() if "(" not in name} | {
    "lenet5": Exported(lambda: build("lenet5"), (1, 1, 28, 28)),
    "ViT": Exported(small_transformer, (1, 3, 32, 32)),
    "two images": Exported(lambda: build("cifar_resnet20"), (2, 3, 32, 32)),
}


LONG = {("text reader", True), ("two images", True), ("DCGAN generator", True), ("words", True)}
"""Exports that take long and hold operators that others hold as well: part of a campaign."""
CASES = [
    pytest.param(
        name, current, id=f"{name}-{'current' if current else 'old'}", marks=pytest.mark.campaign if (name, current) in LONG else ()
    )
    for name in SMALL
    for current in (False, True)
]


@pytest.mark.parametrize(("name", "current"), CASES)
def test_a_file_has_the_counts_shapes_and_fields_of_its_original(name: str, current: bool, tmp_path: Path):
    if current:
        pytest.importorskip("onnxscript")
    wanted = SMALL[name]
    net, x = wanted.make().eval(), wanted.example()
    path = tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own old ways
        if current:
            torch.onnx.export(net, (x,), path, dynamo=True, external_data=False, verbose=False)
        else:
            torch.onnx.export(net, (x,), path, dynamo=False)
    read, inputs = find(NetworkRequest(str(path)))
    (there, to), (here, way) = (examine(one, given, InspectionOptions(field="")) for one, given in ((read, inputs), (net, x.to("meta"))))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.to("meta")(x.to("meta"))
    assert there.cost.macs == here.cost.macs == counter.get_total_flops() // 2 > 0
    assert there.cost.unknown == {} and there.unknown == {}
    assert [to.values[v].shape for v in to.outputs] == [way.values[v].shape for v in way.outputs]
    assert there.inputs == here.inputs == (tuple(wanted.shape),)
    assert there.field is not None and here.field is not None and there.field.field == here.field.field
