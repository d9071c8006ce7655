"""Exported programs for tests: written by torch, then changed member by member."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn


def exported(net: nn.Module, path: Path, *size: int, dynamic: Any = None) -> Path:
    """`net` exported for one input of `size`."""
    program = torch.export.export(net.eval(), (torch.zeros(*size),), dynamic_shapes=dynamic)
    torch.export.save(program, path)
    return path


def rewritten(source: Path, path: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """The archive with its members changed: `change` gets them by name below the archive's folder."""
    with zipfile.ZipFile(source) as archive:
        root = archive.namelist()[0].partition("/")[0]
        members = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{root}/{name}", content)
    return path


def with_graph(source: Path, path: Path, change: Callable[[Any], object]) -> Path:
    """The archive with its graph changed in place."""

    def edit(members: dict[str, bytes]) -> None:
        model = json.loads(members["models/model.json"])
        change(model)
        members["models/model.json"] = json.dumps(model).encode()

    return rewritten(source, path, edit)
