"""Room on the disk: looked at before features and models are written; without room for the cache a run goes on, and says so."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from photos import folder

from receptron.errors import StorageFault
from receptron.jobs.options import Extras
from receptron.jobs.training.train import train
from receptron.progress import Silent
from receptron.training.features import cache
from receptron.training.features.cache import prune
from receptron.training.hardware import disk_room

pytestmark = pytest.mark.usefixtures("quick")


class Told(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def tell(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("photos") / "photos", 12)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """Makes one folder lie on a disk with so many bytes free."""
    usage, small = shutil.disk_usage, dict[Path, int]()

    def found(place: os.PathLike[str]) -> object:
        free = next((free for folder, free in small.items() if folder in (Path(place), *Path(place).parents)), None)
        return usage(place) if free is None else shutil._ntuple_diskusage(10**12, 10**12 - free, free)

    monkeypatch.setattr(shutil, "disk_usage", found)
    return small.__setitem__


def blocks(place: Path) -> list[Path]:
    return sorted(place.rglob("*.safetensors"))


def extras(tmp_path: Path, told: Told, **more: object) -> Extras:
    return Extras(precision="float32", cache=tmp_path / "cache", progress=told, **more)


@pytest.mark.parametrize("free", [0, 1000, 50_000])
def test_without_room_for_features_the_same_model_is_made_and_the_disk_is_named(
    photos: Path, weights: Path, tmp_path: Path, disk: Callable[[Path, int], None], free: int
):
    (tmp_path / "cache").mkdir()
    usual = train(photos, tmp_path / "usual", None, weights, extras=extras(tmp_path, Told()))
    size = sum(file.stat().st_size for file in blocks(tmp_path / "cache"))
    assert size > free
    shutil.rmtree(tmp_path / "cache")
    disk(tmp_path / "cache", free)
    told = Told()
    (tmp_path / "cache").mkdir()
    found = train(photos, tmp_path / "small", None, weights, extras=extras(tmp_path, told))
    assert not blocks(tmp_path / "cache") and found.ladder[2].accuracy == usual.ladder[2].accuracy
    line = next(line for line in told.lines if "not kept" in line)
    for part in (str(tmp_path / "cache"), disk_room.shown(free), "needed", "--cache", "free some room"):
        assert part in line, line
    assert (tmp_path / "small/model/model.safetensors").read_bytes() == (tmp_path / "usual/model/model.safetensors").read_bytes()


def test_what_is_said_to_be_needed_is_what_is_written(photos: Path, weights: Path, tmp_path: Path, disk: Callable[[Path, int], None]):
    """A tenth more than is written suffices, a tenth less does not."""
    train(photos, tmp_path / "usual", None, weights, extras=extras(tmp_path, Told()))
    written = sum(file.stat().st_size for file in blocks(tmp_path / "cache"))
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").mkdir()
    disk(tmp_path / "cache", int(written * 1.1))
    train(photos, tmp_path / "again", None, weights, extras=extras(tmp_path, told := Told()))
    assert blocks(tmp_path / "cache") and not any("not kept" in line for line in told.lines)
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").mkdir()
    disk(tmp_path / "cache", int(written * 0.9))
    train(photos, tmp_path / "third", None, weights, extras=extras(tmp_path, told := Told()))
    assert not blocks(tmp_path / "cache") and any("not kept" in line for line in told.lines)


@pytest.mark.parametrize(("net", "given"), [("lenet5", "none"), (None, "weights")])
def test_without_room_for_the_model_nothing_is_learnt(
    photos: Path, weights: Path, tmp_path: Path, disk: Callable[[Path, int], None], net: str | None, given: str
):
    disk(tmp_path / "out", 10_000)
    (tmp_path / "out").mkdir()
    with pytest.raises(StorageFault, match="no room for this run") as caught:
        train(photos, tmp_path / "out", net, "none" if given == "none" else weights, "5s", extras=extras(tmp_path, Told()))
    assert str(tmp_path / "out") in caught.value.what and "10 kB are free" in caught.value.why and "--out" in caught.value.mend
    assert ("checkpoints" in caught.value.why) == (given == "none")
    assert not (tmp_path / "out/model").exists() and not blocks(tmp_path / "out")


def test_what_goes_of_a_full_cache_is_told_with_its_size(photos: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    old = tmp_path / "cache" / ("b" * 32) / f"{'1' * 64}.safetensors"
    old.parent.mkdir(parents=True)
    old.write_bytes(bytes(70_000))
    os.utime(old, (1_000_000, 1_000_000))
    monkeypatch.setattr(cache, "LIMIT", 10**9)
    train(photos, tmp_path / "a", None, weights, extras=extras(tmp_path, told := Told()))
    assert old.exists() and not any("over its limit" in line for line in told.lines)
    mine = [file for file in blocks(tmp_path / "cache") if file != old]
    size = sum(file.stat().st_size for file in mine)
    for file in mine:
        file.unlink()
    monkeypatch.setattr(cache, "LIMIT", size + 69_999)
    train(photos, tmp_path / "b", None, weights, extras=extras(tmp_path, told := Told()))
    assert not old.exists() and sum(file.stat().st_size for file in blocks(tmp_path / "cache")) == size
    line = next(line for line in told.lines if "over its limit" in line)
    assert "1 block" in line and "70 kB" in line and str(tmp_path / "cache") in line


def test_a_cache_within_its_limit_loses_nothing_and_says_nothing(tmp_path: Path):
    (tmp_path / ("a" * 32)).mkdir()
    for digit in "0123":
        (tmp_path / ("a" * 32) / f"{digit * 64}.safetensors").write_bytes(bytes(100))
    assert prune(tmp_path, 400) is None and len(blocks(tmp_path)) == 4
    gone = prune(tmp_path, 399)
    assert gone and (gone.blocks, gone.size) == (1, 100) and len(blocks(tmp_path)) == 3


@pytest.mark.parametrize(("free", "needed", "short"), [(100, 101, True), (100, 100, False), (0, 1, True), (5, 0, False)])
def test_a_shortage_is_fewer_bytes_than_needed(tmp_path: Path, disk: Callable[[Path, int], None], free: int, needed: int, short: bool):
    disk(tmp_path, free)
    assert (disk_room.shortage(tmp_path / "not" / "yet" / "there", needed) is not None) == short


def test_a_disk_that_does_not_say_hinders_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def silent(place: object) -> object:
        raise OSError("no such call")

    monkeypatch.setattr(shutil, "disk_usage", silent)
    assert disk_room.shortage(tmp_path, 10**18) is None
