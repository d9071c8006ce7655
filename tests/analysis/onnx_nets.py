"""Networks of different families that are exported to ONNX: of the zoo, torchvision and timm, and small ones of kinds that these lack."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oracles import timm, torchvision
from receptron.zoo import build


class Exported(NamedTuple):
    """A network and the shape of its input, batch included."""

    make: Callable[[], nn.Module]
    shape: tuple[int, ...] = (1, 3, 224, 224)
    tokens: bool = False

    def example(self) -> Tensor:
        """An input: zeros, whole ones for token numbers."""
        return torch.zeros(self.shape, dtype=torch.int64 if self.tokens else torch.float32)


class Generator(nn.Sequential):
    """A DCGAN generator: transposed convolutions from a vector to 64 x 64 pixels."""

    def __init__(self) -> None:
        widths = [100, 256, 128, 64, 32]
        rows: list[nn.Module] = []
        for i, (before, after) in enumerate(pairwise(widths)):
            rows += [nn.ConvTranspose2d(before, after, 4, 2 if i else 1, 1 if i else 0, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        super().__init__(*rows, nn.ConvTranspose2d(32, 3, 4, 2, 1), nn.Tanh())


class StyleTransfer(nn.Module):
    """After Johnson's and CycleGAN's generators: reflection padding, instance norms, strided and transposed convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(3, 16, 7), nn.InstanceNorm2d(16, affine=True), nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1), nn.InstanceNorm2d(32), nn.ReLU(),
        )  # fmt: skip
        self.block = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(32, 32, 3), nn.InstanceNorm2d(32), nn.ReLU())
        self.up = nn.Sequential(
            nn.ConvTranspose2d(32, 16, 3, 2, 1, output_padding=1),
            nn.InstanceNorm2d(16),
            nn.ReLU(),
            nn.ReflectionPad2d(3),
            nn.Conv2d(16, 3, 7),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        return torch.tanh(self.up(x + self.block(x)))


class SuperResolution(nn.Sequential):
    """After ESPCN: convolutions at low resolution, then a pixel shuffle."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 32, 5, padding=2), nn.Tanh(), nn.Conv2d(32, 16, 3, padding=1), nn.PReLU(16), nn.Conv2d(16, 27, 3, padding=1),
            nn.PixelShuffle(3),
        )  # fmt: skip


class TextReader(nn.Module):
    """After CRNN: convolutions, then a bidirectional LSTM along the width."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ELU())
        self.read = nn.LSTM(32 * 16, 48, num_layers=2, bidirectional=True)
        self.say = nn.Linear(96, 37)

    def forward(self, x: Tensor) -> Tensor:
        x = self.look(x)  # (N, 32, 16, width / 2)
        out, _ = self.read(x.flatten(1, 2).permute(2, 0, 1))
        return self.say(out)


class Spotter(nn.Module):
    """Words in sound: 1-d convolutions, then a GRU whose last state answers."""

    def __init__(self) -> None:
        super().__init__()
        self.hear = nn.Sequential(nn.Conv1d(40, 64, 5, stride=2, padding=2), nn.BatchNorm1d(64), nn.SELU(), nn.AvgPool1d(2))
        self.keep = nn.GRU(64, 32, batch_first=True)
        self.say = nn.Linear(32, 12)

    def forward(self, x: Tensor) -> Tensor:
        _, last = self.keep(self.hear(x).transpose(1, 2))
        return self.say(last[-1])


class Wave(nn.Module):
    """After WaveNet: gated dilated convolutions that look back only."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Conv1d(1, 16, 1)
        self.gates = nn.ModuleList([nn.Conv1d(16, 32, 2, dilation=2**i) for i in range(6)])
        self.ways = nn.ModuleList([nn.Conv1d(16, 16, 1) for _ in range(6)])
        self.end = nn.Conv1d(16, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.start(x)
        for i, (gate, way) in enumerate(zip(self.gates, self.ways, strict=True)):
            one, two = gate(F.pad(x, (2**i, 0))).chunk(2, 1)
            x = x + way(torch.tanh(one) * torch.sigmoid(two))
        return self.end(F.softplus(x))


class Words(nn.Module):
    """Token numbers through an embedding and an encoder layer."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(1000, 64)
        self.layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, activation="gelu", dropout=0.0)
        self.end = nn.Linear(64, 5)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.end(self.layer(self.table(tokens)).mean(1))


def _zoo(name: str, **settings: Any) -> Callable[[], nn.Module]:
    return lambda: build(name, **settings)


def _torchvision(name: str, **settings: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        return torchvision().models.get_model(name, weights=None, **settings)

    return make


def _timm(name: str) -> Callable[[], nn.Module]:
    return lambda: timm().create_model(name, pretrained=False)


NETS: dict[str, Exported] = {
    "alexnet (zoo)": Exported(_zoo("alexnet")),
    "resnet18 (zoo)": Exported(_zoo("resnet18")),
    "densenet121 (zoo)": Exported(_zoo("densenet121")),
    "mobilenet_v2 (zoo)": Exported(_zoo("mobilenet_v2")),
    "efficientnet_b0 (zoo)": Exported(_zoo("efficientnet_b0")),
    "unet (zoo)": Exported(_zoo("unet", channels=3), (1, 3, 192, 192)),
    "vgg11_bn (torchvision)": Exported(_torchvision("vgg11_bn")),
    "googlenet (torchvision)": Exported(_torchvision("googlenet", init_weights=False)),
    "inception_v3 (torchvision)": Exported(_torchvision("inception_v3", init_weights=False), (1, 3, 299, 299)),
    "squeezenet1_1 (torchvision)": Exported(_torchvision("squeezenet1_1")),
    "shufflenet_v2_x1_0 (torchvision)": Exported(_torchvision("shufflenet_v2_x1_0")),
    "mobilenet_v3_small (torchvision)": Exported(_torchvision("mobilenet_v3_small")),
    "regnet_y_400mf (torchvision)": Exported(_torchvision("regnet_y_400mf")),
    "convnext_tiny (torchvision)": Exported(_torchvision("convnext_tiny")),
    "vit_b_16 (torchvision)": Exported(_torchvision("vit_b_16")),
    "swin_t (torchvision)": Exported(_torchvision("swin_t")),
    "lraspp_mobilenet_v3_large (torchvision)": Exported(_torchvision("lraspp_mobilenet_v3_large", weights_backbone=None)),
    "deeplabv3_mobilenet_v3_large (torchvision)": Exported(_torchvision("deeplabv3_mobilenet_v3_large", weights_backbone=None)),
    "r3d_18 (torchvision)": Exported(_torchvision("r3d_18"), (1, 3, 8, 64, 64)),
    "ghostnet_100 (timm)": Exported(_timm("ghostnet_100")),
    "res2net50_14w_8s (timm)": Exported(_timm("res2net50_14w_8s")),
    "mixer_s32_224 (timm)": Exported(_timm("mixer_s32_224")),
    "levit_128s (timm)": Exported(_timm("levit_128s")),
    "mobilevit_xxs (timm)": Exported(_timm("mobilevit_xxs"), (1, 3, 256, 256)),
    "poolformer_s12 (timm)": Exported(_timm("poolformer_s12")),
    "nf_resnet26 (timm)": Exported(_timm("nf_resnet26")),
    "hrnet_w18_small (timm)": Exported(_timm("hrnet_w18_small")),
    "coatnet_pico_rw_224 (timm)": Exported(_timm("coatnet_pico_rw_224")),
    "edgenext_xx_small (timm)": Exported(_timm("edgenext_xx_small"), (1, 3, 256, 256)),
    "DCGAN generator": Exported(Generator, (1, 100, 1, 1)),
    "style transfer": Exported(StyleTransfer, (1, 3, 64, 64)),
    "super-resolution": Exported(SuperResolution, (1, 3, 32, 32)),
    "text reader": Exported(TextReader, (1, 1, 32, 96)),
    "word spotter": Exported(Spotter, (1, 40, 64)),
    "words": Exported(Words, (1, 24), tokens=True),
    "wave": Exported(Wave, (1, 1, 256)),
}
