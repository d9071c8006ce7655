"""No failed write, kill or flipped bit loses the last good checkpoint or passes for a new one."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from faults import CODES, Strike, killing, raising, struck
from receptron.errors import BadValue, NonFinite, StorageFault
from receptron.training.checkpointing.checkpoint import Checkpoint, Checkpoints

TEMPS = (".receptron-*",)


def tensors(step: int) -> dict[str, dict[str, torch.Tensor]]:
    return {"model": {"w": torch.full((3, 4), float(step)), "n": torch.tensor(step)}, "optimiser": {"0.m": torch.arange(5.0) + step}}


def is_whole(found: Checkpoint | None, step: int) -> bool:
    if found is None or found.step != step or found.record(dict) != {"epoch": step}:
        return False
    expected = tensors(step)
    same_names = {group: set(named) for group, named in found.tensors.items()} == {g: set(n) for g, n in expected.items()}
    return same_names and all(torch.equal(found.tensors[group][name], t) for group, named in expected.items() for name, t in named.items())


def leftovers(folder: Path) -> list[Path]:
    return [path for pattern in TEMPS for path in folder.glob(pattern)]


def test_what_was_saved_comes_back(tmp_path: Path):
    store = Checkpoints(tmp_path)
    assert store.newest() is None
    store.save(7, tensors(7), {"epoch": 7})
    assert is_whole(Checkpoints(tmp_path).newest(), 7)


def test_every_type_and_layout_of_tensor_comes_back_bit_for_bit(tmp_path: Path):
    shared = torch.randn(4, 3, 5, 5)
    kinds = {
        "half": torch.randn(3).half(),
        "brain": torch.randn(3).bfloat16(),
        "bytes": torch.get_rng_state(),
        "flag": torch.tensor([True, False]),
        "nothing": torch.empty(0, 3),
        "channels_last": shared.to(memory_format=torch.channels_last),
        "view": shared[1:3, :, ::2],
        "same storage": shared[1:3],
        "parameter": torch.nn.Parameter(torch.randn(2)),
        "tiny": torch.tensor([1e-45, -0.0]),
    }
    Checkpoints(tmp_path).save(1, {"model": kinds}, {})
    found = Checkpoints(tmp_path).newest()
    assert found is not None
    for name, tensor in kinds.items():
        back = found.tensors["model"][name]
        assert back.dtype == tensor.dtype and torch.equal(back, tensor.detach()), name


def test_only_the_newest_are_kept_and_the_highest_number_wins(tmp_path: Path):
    store = Checkpoints(tmp_path, keep=2)
    for step in (1, 2, 10, 9999999999):
        store.save(step, tensors(step), {"epoch": step})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000000010", "step-9999999999"]
    assert is_whole(store.newest(), 9999999999)
    store.clear()
    assert not list(tmp_path.iterdir())


def test_a_step_can_be_saved_again(tmp_path: Path):
    store = Checkpoints(tmp_path)
    store.save(3, tensors(1), {"epoch": 1})
    store.save(3, tensors(3), {"epoch": 3})
    assert is_whole(store.newest(), 3) and not leftovers(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "optimiser.safetensors", "state.json", "MANIFEST.json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "gone"])
def test_a_damaged_checkpoint_is_passed_over_and_told(tmp_path: Path, name: str, harm: str):
    store = Checkpoints(tmp_path)
    for step in (1, 2):
        store.save(step, tensors(step), {"epoch": step})
    victim = tmp_path / "step-000000002" / name
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 4
    victim.unlink() if harm == "gone" else victim.write_bytes(data if harm == "flip" else data[:-1])
    assert is_whole(store.newest(), 1)
    assert len(store.skipped) == 1 and "step-000000002 is passed over" in store.skipped[0] and name in store.skipped[0]


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("place", ["tensor", "state"])
def test_nan_and_infinity_never_become_a_checkpoint(tmp_path: Path, poison: float, place: str):
    store = Checkpoints(tmp_path)
    store.save(1, tensors(1), {"epoch": 1})
    bad = tensors(2)
    if place == "tensor":
        bad["optimiser"]["0.m"][3] = poison
    with pytest.raises(NonFinite, match=r"optimiser: 0\.m" if place == "tensor" else r"state\.best\.1\.loss"):
        store.save(2, bad, {"epoch": 2, "best": [{"loss": 0.5}, {"loss": poison if place == "state" else 0.0}]})
    assert is_whole(store.newest(), 1) and len(list(tmp_path.iterdir())) == 1


def operations(folder: Path) -> int:
    """How many operations one save asks for."""
    counter = Strike(-1, killing)
    with struck(counter, folder):
        Checkpoints(folder).save(2, tensors(2), {"epoch": 2})
    return counter.count


@pytest.fixture(scope="module")
def count(tmp_path_factory: pytest.TempPathFactory) -> int:
    folder = tmp_path_factory.mktemp("count")
    Checkpoints(folder).save(1, tensors(1), {"epoch": 1})
    found = operations(folder)
    assert found >= 16  # four files: open, write, fsync; two folders: fsync; mkdir; rename
    return found


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("code", CODES, ids=os.strerror)
def test_a_failure_of_any_operation_leaves_the_last_checkpoint_good(tmp_path: Path, count: int, code: int, lasting: bool):
    for n in range(1, count + 1):
        folder = tmp_path / str(n)
        store = Checkpoints(folder, keep=1)
        store.save(1, tensors(1), {"epoch": 1})
        with struck(Strike(n, raising(code), lasting), folder):
            try:
                store.save(2, tensors(2), {"epoch": 2})
                succeeded = True
            except StorageFault as error:
                succeeded = False
                assert str(folder) in error.what and os.strerror(code) in error.why
        again = Checkpoints(folder)
        newest = again.newest()
        assert is_whole(newest, 2) or (is_whole(newest, 1) and not succeeded), n
        assert not again.skipped and not leftovers(folder), n


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_saving_the_same_step_again_survives_any_failure(tmp_path: Path, lasting: bool):
    n, count = 0, 1
    while (n := n + 1) <= count:
        folder = tmp_path / str(n)
        Checkpoints(folder).save(2, tensors(2), {"epoch": 2})
        strike = Strike(n, raising(5), lasting)
        with struck(strike, folder), suppress(StorageFault):
            Checkpoints(folder).save(2, tensors(2), {"epoch": 2})
        count = max(count, strike.count + 1 if strike.count >= n else 0)
        assert is_whole(Checkpoints(folder).newest(), 2) and not leftovers(folder), n
    assert n > 17


def test_too_little_room_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = Checkpoints(tmp_path)
    store.save(1, tensors(1), {"epoch": 1})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 5, 4000))
    strike = Strike(1, raising(28))
    with struck(strike, tmp_path), pytest.raises(StorageFault, match="no room") as caught:
        store.save(2, tensors(2), {"epoch": 2})
    assert "4,000 bytes free" in caught.value.why and strike.count == 0
    assert is_whole(store.newest(), 1)


def test_a_checkpoint_that_reads_back_wrong_does_not_push_out_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from receptron.bundle import manifest

    store = Checkpoints(tmp_path, keep=1)
    store.save(1, tensors(1), {"epoch": 1})
    honest = manifest.write

    def lying(folder: Path, contents: dict[str, bytes]) -> None:
        honest(folder, contents)
        (folder / "model.safetensors").write_bytes(b"\0" * len(contents["model.safetensors"]))

    monkeypatch.setattr(manifest, "write", lying)
    with pytest.raises(StorageFault, match="reads back wrong"):
        store.save(2, tensors(2), {"epoch": 2})
    assert is_whole(store.newest(), 1) and "step-000000002" in store.skipped[0]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("a small disk cannot be mounted here: needs root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.skipif(not shutil.which("mount") or sys.platform != "linux", reason="mounts a small tmpfs, which needs Linux")
@pytest.mark.parametrize("blind", [False, True], ids=["told before", "found out while writing"])
def test_a_really_full_disk_leaves_the_last_checkpoint_good(small_disk: Path, blind: bool, monkeypatch: pytest.MonkeyPatch):
    store = Checkpoints(small_disk / "run")
    store.save(1, tensors(1), {"epoch": 1})
    big = {"model": {"w": torch.zeros(100_000)}}
    if blind:
        monkeypatch.setattr(Checkpoints, "_room", lambda *_: None)
    with pytest.raises(StorageFault, match="step-000000002") as caught:
        store.save(2, big, {})
    assert "bytes free" in caught.value.why
    again = Checkpoints(small_disk / "run")
    assert is_whole(again.newest(), 1) and not leftovers(again.folder)
    again.save(3, tensors(3), {"epoch": 3})
    assert is_whole(again.newest(), 3)


KILLED = """
import os, sys
from pathlib import Path
from faults import Strike, killing, struck
from test_checkpoint import Checkpoints, is_whole, leftovers, tensors

root, ended, n = Path(sys.argv[1]), False, 0
while not ended:
    n += 1
    folder = root / str(n)
    Checkpoints(folder, keep=1).save(1, tensors(1), {"epoch": 1})
    child = os.fork()
    if not child:
        with struck(Strike(n, killing), folder):
            Checkpoints(folder, keep=1).save(2, tensors(2), {"epoch": 2})
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    ended = status == 0
    again = Checkpoints(folder)
    found = again.newest()
    if not (is_whole(found, 2) or (is_whole(found, 1) and not ended)) or again.skipped or leftovers(folder):
        sys.exit(f"kill at operation {n}: found {found}, skipped {again.skipped}, left {leftovers(folder)}")
print(n - 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children, which needs fork")
def test_a_kill_at_any_operation_of_a_save_loses_nothing(tmp_path: Path, count: int):
    here = Path(__file__).parent
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= count


SAVING = """
import sys
from itertools import count
from pathlib import Path
from test_checkpoint import Checkpoints, tensors

store = Checkpoints(Path(sys.argv[1]))
for step in count(1 + (store.newest().step if store.newest() else 0)):
    store.save(step, tensors(step), {"epoch": step})
    print(step, flush=True)
"""


@pytest.mark.campaign
def test_twenty_kills_at_random_moments_lose_no_finished_checkpoint(tmp_path: Path):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])}
    draw, swept = random.Random(0), 0
    for _ in range(20):
        child = subprocess.Popen([sys.executable, "-c", SAVING, str(tmp_path)], env=env, stdout=subprocess.PIPE)
        assert child.stdout is not None
        finished = int(child.stdout.readline())
        with suppress(subprocess.TimeoutExpired):
            child.wait(draw.uniform(0, 0.3))
        child.kill()
        finished = max([finished, *(int(line) for line in child.communicate()[0].split(b"\n")[:-1] if line)])
        swept += len(leftovers(tmp_path))
        found = Checkpoints(tmp_path).newest()
        assert found is not None and found.step >= finished and is_whole(found, found.step) and not leftovers(tmp_path)
    assert swept, "not one kill fell inside a save: the campaign proved nothing"


def test_at_least_one_checkpoint_is_kept(tmp_path: Path):
    with pytest.raises(BadValue, match="keep=0"):
        Checkpoints(tmp_path, keep=0)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFault, match="cannot hold checkpoints"):
        Checkpoints(tmp_path / "file" / "run")


@pytest.mark.parametrize("harm", ["no state", "pickled tensors", "no tensors"])
def test_a_checkpoint_that_was_edited_together_with_its_manifest_is_passed_over(tmp_path: Path, harm: str):
    from receptron.bundle import manifest

    store = Checkpoints(tmp_path)
    for step in (1, 2):
        store.save(step, tensors(step), {"epoch": step})
    victim = tmp_path / "step-000000002"
    contents = manifest.read(victim)
    if harm == "no state":
        del contents["state.json"]
        (victim / "state.json").unlink()
    else:
        contents["model.safetensors"] = b"\x80\x04." if harm == "pickled tensors" else b""
    manifest.write(victim, contents)
    assert is_whole(store.newest(), 1) and "step-000000002" in store.skipped[0]


@pytest.mark.parametrize("lost", ["net", "optimiser"])
def test_a_checkpoint_of_another_network_is_refused_with_its_place(tmp_path: Path, lost: str):
    from receptron.errors import BundleCorrupt
    from receptron.training.callbacks.signals import StopSignals
    from receptron.training.checkpointing.training_state import Keeper, Position

    def keeper(net: torch.nn.Module) -> Keeper:
        return Keeper(net, torch.optim.SGD(net.parameters(), 0.1, momentum=0.9), Checkpoints(tmp_path), 0.0, StopSignals())

    keeper(torch.nn.Linear(3, 2)).save(Position(), 1)
    with pytest.raises(BundleCorrupt, match="does not fit this run"):
        keeper(torch.nn.Linear(4, 2) if lost == "net" else torch.nn.Sequential(torch.nn.Linear(3, 2))).restore()
