"""stem -> stages -> head: the shape of every classifier in the zoo."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.fx import wrap

from receptron.blocks.chain import chain
from receptron.errors import ImageTooSmall


class Classifier(nn.Module):
    """(N, C, H, W) -> (N, classes).

    `stem` and `stages` make maps, `head` turns the last map into class scores; the layer that names the classes is always `head.fc`.
    `name`, `min_pixels` and `fitted`, what was changed of pretrained weights, are filled in by `zoo.build`; `patch` is the side of a
    patch where stages hand on tokens instead of maps.
    """

    fitted: tuple[str, ...] = ()
    __jit_ignored_attributes__: ClassVar[list[str]] = ["fitted"]  # these two are TorchScript's
    __jit_unused_properties__: ClassVar[list[str]] = ["embedding_width"]

    def __init__(self, stem: nn.Module, stages: Sequence[nn.Module], head: nn.Module) -> None:
        super().__init__()
        self.stem, self.stages, self.head = stem, nn.Sequential(*stages), head
        self.name, self.min_pixels, self.patch = "", 1, 0

    def features(self, x: Tensor) -> Tensor:
        """Last map before the head. Raises: ImageTooSmall."""
        return self.stages(self.stem(checked(x, self.min_pixels, self.name)))

    def embed(self, x: Tensor) -> Tensor:
        """What the class layer `head.fc` sees, as one vector for each image: (N, C, H, W) -> (N, width). Raises: ImageTooSmall."""
        x = self.before_classes(x)
        return x.mean((2, 3)) if x.ndim == 4 else x

    def before_classes(self, x: Tensor) -> Tensor:
        """What `head.fc` sees: (N, C, H, W) -> (N, width), or (N, width, H', W') where it is a convolution. Raises: ImageTooSmall."""
        x = self.features(x)
        for name, part in self.head.named_children():
            if name == "fc":
                break
            x = part(x)
        return x

    @property
    def embedding_width(self) -> int:
        """Length of the vectors that `embed` makes."""
        return next(iter(self.head.get_submodule("fc").state_dict().values())).shape[1]  # its weight, or the codes of 1998

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """Maps (N, C, H, W) after the stem and after each stage, finest first. Raises: ImageTooSmall."""
        maps = [self.stem(checked(x, self.min_pixels, self.name))]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return [self._as_map(m, x) for m in maps] if self.patch else maps

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))

    def _as_map(self, tokens: Tensor, x: Tensor) -> Tensor:
        """Tokens (N, 1 + H W / patch^2, width) without the class token -> (N, width, H/patch, W/patch)."""
        return tokens[:, 1:].transpose(1, 2).unflatten(2, [x.shape[-2] // self.patch, x.shape[-1] // self.patch])


@wrap  # a call of its own where a network is traced symbolically
def checked(x: Tensor, least: int, name: str) -> Tensor:
    """`x` as it is. Raises: ImageTooSmall, before some inner layer complains in its own words."""
    if not torch.jit.is_scripting():  # pyright: ignore[reportPrivateImportUsage], which knows no errors of ours
        check_size(x, least, name)
    return x


def check_size(x: Tensor, least: int, name: str) -> None:
    """Raises: ImageTooSmall for sides below `least` pixels."""
    height, width = x.shape[-2:]
    if height < least or width < least:
        raise ImageTooSmall(
            f"{name or 'this network'} needs images of {least}x{least} pixels or more, got {height}x{width}.",
            why="its strides would leave no whole pixel in the last map",
            mend=f"resize the images to {least}x{least} or more, or choose a net for small images such as lenet5 or cifar_resnet20",
        )


def linear_head(c_in: int, classes: int, *, dropout: float = 0.0) -> nn.Sequential:
    """Global average pool and one linear layer: (N, c_in, H, W) -> (N, classes); (c_in + 1) * classes parameters."""
    return chain(
        pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(1), dropout=nn.Dropout(dropout) if dropout else None, fc=nn.Linear(c_in, classes)
    )


def mlp_head(c_in: int, pixels: int, classes: int, *, width: int = 4096) -> nn.Sequential:
    """Three linear layers on a map pooled to side x side, as AlexNet and VGG end: (N, c_in, H, W) -> (N, classes)."""
    return chain(
        pool=nn.AdaptiveAvgPool2d(pixels), flatten=nn.Flatten(1),
        fc1=nn.Linear(c_in * pixels**2, width), act1=nn.ReLU(inplace=True), drop1=nn.Dropout(0.5),
        fc2=nn.Linear(width, width), act2=nn.ReLU(inplace=True), drop2=nn.Dropout(0.5),
        fc=nn.Linear(width, classes),
    )  # fmt: skip
