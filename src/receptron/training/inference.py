"""What a network says of images, in eval mode, batch by batch."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from receptron.blocks.classifier import Classifier
from receptron.data.preprocessing.normalize import prepare
from receptron.training.context import Images, TrainingContext
from receptron.training.hardware.device import Engine


def answers(net: nn.Module, inputs: Tensor, engine: Engine, batch: int = 64) -> NDArray[np.float64]:
    """Class scores (N, classes) of a network in eval mode, on what it takes."""
    net.eval()
    parts: list[Tensor] = []
    with torch.inference_mode(), engine.autocast():
        for start in range(0, len(inputs), batch):
            parts.append(net(engine.place(inputs[start : start + batch])).float().cpu())
    return torch.cat(parts).double().numpy()


def embeddings(net: Classifier, context: TrainingContext, device: str, batch: int = 64) -> NDArray[np.float32]:
    """What the class layer sees of the centre view of every training image (N, D), in float32, as when the network answers later."""
    engine, parts = Engine(device), list[Tensor]()
    net.eval().to(device)
    with torch.inference_mode():
        for start in range(0, len(context.images), batch):
            rows = np.arange(start, min(start + batch, len(context.images)))
            pictures = prepare(context.pictures(context.images.part(rows)), context.spec, context.channels)
            parts.append(net.embed(engine.place(pictures)).cpu())
    return torch.cat(parts).numpy()


def answers_on_canvases(net: nn.Module, context: TrainingContext, images: Images, engine: Engine, batch: int = 64) -> NDArray[np.float64]:
    """Class scores (N, classes) on the centre view of each image."""
    parts: list[NDArray[np.float64]] = []
    for start in range(0, len(images), batch):
        rows = np.arange(start, min(start + batch, len(images)))
        parts.append(answers(net, prepare(context.pictures(images.part(rows)), context.spec, context.channels), engine, batch))
    return np.concatenate(parts)
