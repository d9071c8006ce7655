"""Every kind of file that a command opens, with a payload: nothing in it runs; and the watch sees what unsafe readers do."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What happened in one process of its own, since an audit hook cannot be taken away."""
    folder = tmp_path_factory.mktemp("canary")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RECEPTRON_CACHE": str(folder / "caches"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, FOLDER / "openings.py", folder], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_nothing_that_a_file_holds_is_run(told: list[Any]):
    assert len(told) > 190
    assert [(name, seen) for name, seen, *_ in told if seen] == []
    assert [name for name, *_, sang in told if sang] == []


def test_no_such_file_ends_in_a_traceback(told: list[Any]):
    assert [(name, code, err) for name, _, code, err, _ in told if "Traceback" in err or code not in (0, 1, 2)] == []


UNSAFE = """
import io, pickle, runpy, sys, subprocess
sys.path[:0] = [sys.argv[2]]
from pathlib import Path
import torch, payloads
from watch import Watch
folder = Path(sys.argv[1])
watch = Watch(folder)
canary = Path(watch.canary)
sys.path.insert(0, str(folder))
(folder / f"{payloads.MODULE}.py").write_text("x = 1")
(folder / "weights.bin").write_bytes(b"x")
unsafe = {
    "pickle": lambda: pickle.loads(payloads.pickled(canary)),
    "torch zip": lambda: torch.load(io.BytesIO(payloads.saved(canary)), weights_only=False),
    "torch stream": lambda: torch.load(io.BytesIO(payloads.saved_flat(canary)), weights_only=False),
    "npy": lambda: __import__("numpy").load(io.BytesIO(payloads.array(canary)), allow_pickle=True),
    "exported": lambda: torch.export.load(next(p for p in payloads.exported(folder, canary) if p.name == "inputs.pt2")),
    "import": lambda: __import__(payloads.MODULE),
    "code": lambda: exec(payloads.code(canary).decode()),
    "outside": lambda: (folder / "weights.bin").read_bytes(),
    "shell": lambda: subprocess.run(["true"]),
}
for name, run in unsafe.items():
    watch.seen.clear()
    with watch.watching():
        try:
            run()
        except Exception:
            pass
    print(name, bool(watch.seen), sep="=")
    if name == "pickle":
        print("sang", canary.exists(), sep="=")
"""


def test_the_watch_sees_what_an_unsafe_reader_does(tmp_path: Path):
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", UNSAFE, tmp_path, FOLDER], capture_output=True, text=True, check=False)
    seen = dict(line.split("=") for line in done.stdout.splitlines() if "=" in line)
    assert len(seen) == 10 and set(seen.values()) == {"True"}, (seen, done.stderr[-2000:])
