"""`receptron audit`: words for people, one record for programs, exit codes for scripts."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from receptron.cli.app import commands
from receptron.data.records import Audit
from receptron.errors import BadValue, UnclearLayout
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


@pytest.mark.parametrize("case", ["one class", "one image", "two folders, one of them empty"])
def test_images_that_training_would_refuse_end_with_an_error_and_no_next_step(case: str, photos: Path):
    for file in sorted((photos / "class [red]1").iterdir()):
        file.unlink()
    if case == "one class":
        (photos / "class [red]1").rmdir()
    if case == "one image":
        for file in sorted((photos / "class [red]0").iterdir())[1:]:
            file.unlink()
    done = CliRunner().invoke(commands(), ["audit", str(photos), "--allow-broken"])
    assert done.exit_code == 1
    assert "all images are of one class" in done.stdout
    assert "Next" not in done.stdout
    assert not re.search(r"\b1 images\b", done.stdout + done.stderr)


def test_folders_that_can_be_read_in_two_ways_are_misuse_until_the_flag_says_which(photos: Path):
    (photos / "class [red]0").rename(photos / "train")
    (photos / "class [red]1").rename(photos / "test")
    done = CliRunner().invoke(commands(), ["audit", str(photos)])
    assert isinstance(done.exception, UnclearLayout)
    assert done.exception.exit_code == 2
    done = CliRunner().invoke(commands(), ["audit", str(photos), "--layout", "classes"])
    assert done.exit_code == 0
    assert f"receptron train {photos} --layout classes" in done.stdout
    assert "taken as classes" not in done.stdout  # the user said so


def test_what_is_not_used_is_printed_with_its_reason(photos: Path):
    (photos / "notes.txt").write_text("hello")
    (photos / "class [red]0/a\n\x1b[31mb.txt").write_text("hello")
    done = CliRunner().invoke(commands(), ["audit", str(photos)])
    assert "2 files not used: no images" in done.stdout
    assert "notes.txt  a text file" in done.stdout
    assert "a\\n\\x1b[31mb.txt" in done.stdout


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_a_pair_of_copies_takes_one_line_and_any_other_finding_one_a_file(copies: int, photos: Path):
    for index in range(copies):
        place = photos / f"class [red]{index % 2}"
        (place / f"copy {index}.png").write_bytes((place / f"{index}.png").read_bytes())
        (place / f"duplicates {index}.jpg").write_bytes(b"")  # a name like that of another finding
    told = CliRunner().invoke(commands(), ["audit", str(photos), "--allow-broken"]).stdout.splitlines()
    assert sum(" = " in line and "copy" in line for line in told) == copies
    assert sum(line.startswith("    ") and "duplicates" in line and ".jpg" in line for line in told) == copies
    record = from_json(CliRunner().invoke(commands(), ["audit", str(photos), "--allow-broken", "--json"]).stdout, Audit)
    paired = [one for one in record.findings if one.paired]
    assert paired and all(len(one.files) == 2 * copies for one in paired)
    assert {one.kind for one in record.findings if not one.paired and "duplicates" in one.kind} == set()
