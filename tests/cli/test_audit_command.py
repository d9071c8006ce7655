"""`receptron audit`: words for people, one record for programs, exit codes for scripts."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from receptron.cli.app import commands
from receptron.data.records import Audit
from receptron.errors import BadValue
from receptron.records import from_json


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of ten different pictures, one file name with markup in it."""
    rng = np.random.default_rng(0)
    for index in range(20):
        folder = tmp_path / f"class [red]{index % 2}"
        folder.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8).astype(np.uint8)).save(folder / f"{index}.png")
    return tmp_path


def test_a_clean_folder_exits_with_zero_and_tells_what_comes_next(photos: Path):
    done = CliRunner().invoke(commands(), ["audit", str(photos)])
    assert done.exit_code == 0
    assert "20 images in class folders, 0 unreadable" in done.stdout
    assert "class [red]0" in done.stdout
    assert "Nothing wrong was found." in done.stdout
    assert f"receptron train {photos}" in done.stdout


def test_broken_images_exit_with_one_unless_allowed(photos: Path):
    (photos / "class [red]0/bad.jpg").write_bytes(b"")
    for flags, code in (([], 1), (["--allow-broken"], 0)):
        done = CliRunner().invoke(commands(), ["audit", str(photos), *flags])
        assert done.exit_code == code
        assert "class [red]0/bad.jpg  the file is empty" in done.stdout
        assert "cure: copy or download them again" in done.stdout


def test_json_is_the_record_and_nothing_else(photos: Path):
    (photos / "class [red]0/bad.jpg").write_bytes(b"")
    done = CliRunner().invoke(commands(), ["audit", str(photos), "--json", "--allow-broken"])
    found = from_json(done.stdout, Audit)
    assert (found.images, found.broken) == (21, 1)


def test_nowhere_is_misuse(tmp_path: Path):
    done = CliRunner().invoke(commands(), ["audit", str(tmp_path / "none")])
    assert isinstance(done.exception, BadValue)
    assert done.exception.exit_code == 2
