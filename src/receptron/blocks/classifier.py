"""stem -> stages -> head: the shape of every classifier in the zoo."""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.fx import wrap

from receptron.blocks.chain import chain
from receptron.blocks.class_layers import classes_of, replace_class_layers, width_of
from receptron.blocks.feature_shapes import FAR, NEAR, picture_for, strides_between, without_numbers
from receptron.blocks.gradient_checkpointing import checkpointed
from receptron.blocks.parameter_groups import parameter_groups
from receptron.errors import BadValue, ImageTooSmall
from receptron.records import short


class Input(Protocol):
    """What a network expects of an image, and how an image becomes that."""

    @property
    def pixels(self) -> int:
        """px of the side of the square that the network sees."""
        ...

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of each channel, on the 0..1 scale."""
        ...

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation of each channel, on the 0..1 scale."""
        ...

    @property
    def interpolation(self) -> str:
        """How images are resized."""
        ...

    @property
    def crop(self) -> float:
        """`pixels` over the shorter side after resizing."""
        ...

    def prepare(self, images: Any, channels: int) -> Tensor:
        """Images -> (N, channels, pixels, pixels)."""
        ...


class Classifier(nn.Module):
    """(N, C, H, W) -> (N, classes).

    `stem` and `stages` make maps, `head` turns the last map into class scores; the layer that names the classes is always `head.fc`.
    `name`, `min_pixels`, `input`, what is expected of an image, and `fitted`, what was changed of pretrained weights, are filled in by
    `zoo.build`; `patch` is the side of a patch where stages hand on tokens instead of maps.
    """

    fitted: tuple[str, ...] = ()
    input: Input | None = None
    __jit_ignored_attributes__: ClassVar[list[str]] = ["fitted", "input"]  # these two are TorchScript's
    __jit_unused_properties__: ClassVar[list[str]] = ["classes", "embedding_width", "feature_channels", "feature_strides"]

    def __init__(self, stem: nn.Module, stages: Sequence[nn.Module], head: nn.Module) -> None:
        super().__init__()
        self.stem, self.stages, self.head = stem, nn.Sequential(*stages), head
        self.name, self.min_pixels, self.patch = "", 1, 0
        self.frozen_stages, self.checkpointing = -1, False

    def features(self, x: Tensor) -> Tensor:
        """Last map before the head. Raises: ImageTooSmall."""
        x = self.stem(checked(x, self.min_pixels, self.name))
        if not torch.jit.is_scripting() and self.checkpointing and self.training:  # pyright: ignore[reportPrivateImportUsage]
            return checkpointed(self.stages, x)
        return self.stages(x)

    def embed(self, x: Tensor) -> Tensor:
        """What the class layer `head.fc` sees, as one vector for each image: (N, C, H, W) -> (N, width). Raises: ImageTooSmall."""
        return as_vectors(self.before_classes(x))

    def scores_and_embedding(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What the network answers (N, classes), and what `embed` gives (N, width), from one pass. Raises: ImageTooSmall."""
        x = self.before_classes(x)
        embedding, parts = as_vectors(x), dict(self.head.named_children())
        for name in list(parts)[list(parts).index("fc") :]:
            x = parts[name](x)
        return x, embedding

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
        return width_of(self.head.get_submodule("fc"))

    @property
    def classes(self) -> int:
        """Classes that it tells apart; 0 without a class layer."""
        return classes_of(self.head.get_submodule("fc"))

    def pyramid(self, x: Tensor, levels: list[int] | None = None) -> list[Tensor]:
        """Maps (N, C, H, W) after the stem, level 0, and after each stage, finest first; of `levels` only, if given, and not run beyond.

        Raises: ImageTooSmall, BadValue for a level that is not there.
        """
        maps = [self.stem(checked(x, self.min_pixels, self.name))]
        last = deepest(levels, len(self.stages))
        for i, stage in enumerate(self.stages):
            if i < last:
                if not torch.jit.is_scripting() and self.checkpointing and self.training:  # pyright: ignore[reportPrivateImportUsage]
                    maps.append(checkpointed(stage, maps[-1]))
                else:
                    maps.append(stage(maps[-1]))
        if self.patch:
            maps = [self._as_map(m, x) for m in maps]
        return maps if levels is None else [maps[level] for level in levels]

    @property
    def feature_channels(self) -> list[int]:
        """Channels of each map of `pyramid`."""
        ghost = without_numbers(self)
        with torch.no_grad():
            return [m.shape[1] for m in ghost.pyramid(picture_for(ghost, NEAR))]

    @property
    def feature_strides(self) -> list[int]:
        """px of the image from one position of a map to the next, for each map of `pyramid`."""
        ghost = without_numbers(self)
        with torch.no_grad():
            return strides_between(*(ghost.pyramid(picture_for(ghost, pixels)) for pixels in (NEAR, FAR)))

    def reset_head(self, classes: int) -> None:
        """Class layers for other `classes`, afresh and in place; 0 takes them away: scores are then what `head.fc` would see.

        Optimisers made before do not know the new layers. Raises: BadValue for what is no whole number of 0 or more.
        """
        if not isinstance(classes, int) or isinstance(classes, bool) or classes < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise BadValue(
                f"classes is {short(classes)}.", why="it must be a whole number of 0 or more", mend="give the number of classes; 0 for none"
            )
        replace_class_layers(self, classes)

    def freeze(self, stages: int | None = None) -> None:
        """Hold the stem and the first `stages` stages (None: all) still, in place: no gradients, and norms and dropout as in eval mode,
        after `train()` too. What was frozen further on learns again; -1 frees everything.

        Raises: BadValue for stages that are not there.
        """
        most = len(self.stages)
        wanted = most if stages is None else stages
        if not isinstance(wanted, int) or isinstance(wanted, bool) or not -1 <= wanted <= most:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise BadValue(
                f"stages to freeze: {short(stages)}.", why=f"{self.name or 'this network'} has {most}", mend=f"give -1 to {most}"
            )
        self.frozen_stages = wanted
        for level, part in enumerate((self.stem, *self.stages)):
            part.requires_grad_(level > wanted)
        self.train(self.training)

    def train(self, mode: bool = True) -> "Classifier":
        """Train mode, or eval mode; frozen parts stay in eval mode."""
        super().train(mode)
        for level, part in enumerate((self.stem, *self.stages)):
            if level <= self.frozen_stages:
                part.eval()
        return self

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Keep only what goes into each block of the stages while training, and run blocks again for their gradients: the same gradients
        and statistics from less memory, for about a third more work. Source: Chen et al. 2016, arXiv:1604.06174.
        """
        self.checkpointing = enable

    def parameter_groups(self, lr: float, weight_decay: float = 0.0, layer_decay: float = 1.0) -> list[dict[str, Any]]:
        """Groups for any optimiser of torch: `lr` for the head, times `layer_decay` for each stage further from it; norms, biases, gains,
        tokens and positions are spared from `weight_decay`, frozen parameters are left out.

        >>> from receptron.zoo import build
        >>> groups = build("resnet18").parameter_groups(lr=0.1, weight_decay=1e-4, layer_decay=0.5)
        >>> sorted({group["lr"] for group in groups}, reverse=True)[:3]
        [0.1, 0.05, 0.025]
        """
        return parameter_groups(self, lr, weight_decay, layer_decay)

    def prepare(self, images: Any) -> Tensor:
        """Photos as this network expects them, on its device: paths, Pillow images, arrays or tensors, one or a list of them ->
        (N, C, pixels, pixels). It is what training, evaluation and prediction do: see `input`.

        Raises: UnreadableImage, BadValue for what is no image and for a network without an input specification.
        """
        if self.input is None:
            raise BadValue("this network does not say what it expects of an image.", mend="build it with zoo.build, or set its `input`")
        weight = next(self.parameters())
        channels = next(module.in_channels for module in self.modules() if isinstance(module, nn.Conv2d))
        return self.input.prepare(images, channels).to(weight.device, weight.dtype)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))

    def _as_map(self, tokens: Tensor, x: Tensor) -> Tensor:
        """Tokens (N, 1 + H W / patch^2, width) without the class token -> (N, width, H/patch, W/patch)."""
        return tokens[:, 1:].transpose(1, 2).unflatten(2, [x.shape[-2] // self.patch, x.shape[-1] // self.patch])


def as_vectors(x: Tensor) -> Tensor:
    """What a class layer sees as one vector for each image: maps (N, width, H, W) are averaged."""
    return x.mean((2, 3)) if x.ndim == 4 else x


def deepest(levels: list[int] | None, stages: int) -> int:
    """Stages to run for `levels` of a pyramid: all of them, or as many as the last level needs. Raises: BadValue."""
    if levels is None:
        return stages
    if not torch.jit.is_scripting():  # pyright: ignore[reportPrivateImportUsage]
        check_levels(levels, stages)
    return max(levels)


def check_levels(levels: list[int], stages: int) -> None:
    """Raises: BadValue for a level that is not there, and for none."""
    if not levels or any(not 0 <= level <= stages for level in levels):
        raise BadValue(f"levels are {short(levels)}.", why=f"this network has levels 0 to {stages}", mend="choose among these")


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
