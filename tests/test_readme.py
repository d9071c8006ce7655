"""Everything that the README shows runs, in order, in a folder with small images under the same names."""

import io
import re
import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import typer.main
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))

import readme  # noqa: E402

from receptron import atomic_write, zoo  # noqa: E402
from receptron.cli.app import commands  # noqa: E402
from receptron.weights import store  # noqa: E402
from shell import run  # noqa: E402

TEXT = (ROOT / "README.md").read_text()
BLOCKS = readme.blocks(TEXT)
PIXELS = 32  # of the small backbone's input, instead of the README's 224


def draw(folder: Path, count: int, side: int, seed: int) -> None:
    """Images of one class: noise about a stripe whose place is the class."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(seed)
    for number in range(count):
        pixels = noise.integers(0, 120, (side, side), np.uint8)
        pixels[:, seed * side // 3 : (seed + 1) * side // 3] += 120
        Image.fromarray(pixels).save(folder / f"{number}.png")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the README speaks of, small."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECEPTRON_CACHE", str(tmp_path / "cache"))
    for number in range(3):
        draw(tmp_path / f"digits/{number}", 16, 8, number)
    for number, animal in enumerate(("cat", "dog")):
        draw(tmp_path / f"photos/{animal}", 12, 64, number)
    (tmp_path / "scans").mkdir()
    for name, source in (("first", "0/0"), ("second", "1/0")):
        (tmp_path / f"scans/{name}.png").write_bytes((tmp_path / f"digits/{source}.png").read_bytes())
    (tmp_path / "scans/third.png").write_bytes(b"no picture")
    store.write(tmp_path / "backbone.safetensors", zoo.build("mobilenet_v2").state_dict())
    return tmp_path


def test_the_set_up_is_two_commands():
    main, tests = readme.set_up(TEXT)
    assert main.endswith("receptron train digits")
    assert "venv" in main and "venv " not in tests
    assert ".venv/bin/pytest" in tests
    assert all("-c constraints.txt" in command for command in (main, tests))


@pytest.mark.usefixtures("quick")
def test_every_snippet_runs(desk: Path):
    names: dict[str, object] = {}
    for block in BLOCKS:
        if block.kind == "console":
            for command in block.commands:
                program, *arguments = shlex.split(command)
                assert program == "receptron"
                done = run(*arguments)
                assert done.code == 0, f"{command}\n{done.out}\n{done.err}"
                assert done.out
        elif block.kind == "python":
            with redirect_stdout(io.StringIO()) as printed:
                exec(compile(block.text, "README.md", "exec"), names)  # noqa: S102
            assert printed.getvalue()
        elif block.kind == "toml":
            atomic_write.write_file(desk / "backbone.toml", block.text.replace("224", str(PIXELS)))
    assert (desk / "digits-model/report.html").is_file()
    assert (desk / "pets/model").is_dir()


def test_every_command_of_the_program_is_shown():
    shown = {shlex.split(command)[1] for block in BLOCKS for command in block.commands}
    assert shown == set(typer.main.get_command(commands()).commands)


def test_every_block_is_of_a_kind_that_is_run():
    assert {block.kind for block in BLOCKS} == {"sh", "console", "python", "toml"}
    assert TEXT.count("```") == 2 * len(BLOCKS)


def test_links_lead_to_files():
    targets = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert targets
    assert all((ROOT / target).is_file() for target in targets)


def test_the_gate_takes_its_test_command_from_the_readme():
    gate = (ROOT / ".ci/run").read_text()
    assert "docs/readme.py tests" in gate
    assert ".venv/bin/pytest" not in gate, "the command stands in the README only"
