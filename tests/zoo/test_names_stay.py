"""Names, order and shapes of parameters are what saved models know: rewriting a file of the zoo may not change them."""

from hashlib import sha256

import pytest
import torch

from receptron import zoo

WRITTEN = {  # beginning of the sha256 of (name, shape) in order, as first released
    "cifar_resnet20": "9ff675b04153",
    "densenet121": "7b4a33eab23b",
    "efficientnet_b0": "7527b140800e",
    "efficientnet_v2_s": "77302d712e60",
    "inception_v3": "7b4b3035daf4",
    "mobilenet_v1": "c0a8a91605e9",
    "mobilenet_v2": "d9672ff42fec",
    "resnet18": "66155fffa63a",
    "resnet50d_plain": "97fb63481fbb",
    "resnet50_v2": "a5b8ed43c22c",
    "se_resnet50": "e1ca1688df8f",
    "se_resnet101_v1": "04256cc22e02",
    "senet154": "5cff2a709915",
}


def digest(net: torch.nn.Module) -> str:
    return sha256(repr([(name, tuple(tensor.shape)) for name, tensor in net.state_dict().items()]).encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", WRITTEN)
def test_the_names_of_a_nets_parameters_stay(name: str):
    with torch.device("meta"):
        assert digest(zoo.build(name)) == WRITTEN[name]


def test_another_name_would_be_seen():
    with torch.device("meta"):
        net = zoo.build("resnet18")
        net.head.add_module("layer", net.head.fc)
        del net.head.fc
    assert digest(net) != WRITTEN["resnet18"]
