"""Classes of torchvision and timm as subjects of the analyser, without weights and usually on the meta device."""

from typing import Any

import torch
from torch import nn

from oracles import timm, torchvision


def torchvision_net(name: str, size: int = 224, *, device: str = "meta") -> nn.Module:
    """A class of torchvision; with the head for `size` where it depends on it."""
    models = torchvision().models
    _work_regnet_out_on_cpu(models.regnet.BlockParams)
    options: dict[str, Any] = {}
    if name.startswith("vit"):
        options["image_size"] = size
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    if name == "googlenet":
        options["aux_logits"] = False
    with torch.device(device):
        return models.get_model(name, **options)


def timm_net(name: str, *, device: str = "meta") -> nn.Module:
    """A model of timm."""
    with torch.device(device):
        return timm().create_model(name, pretrained=False)


def _work_regnet_out_on_cpu(params: Any) -> None:
    """RegNet works its widths out with tensors and reads them back, which the meta device cannot."""
    original = params.from_init_params.__func__
    if original.__name__ == "from_init_params":

        def on_cpu(cls: type, *args: Any, **kwargs: Any) -> Any:
            with torch.device("cpu"):
                return original(cls, *args, **kwargs)

        params.from_init_params = classmethod(on_cpu)
