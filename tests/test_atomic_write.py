"""Reading writes nothing, recovering touches only what this program marked, and saves, reads and recoveries do not disturb each other."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receptron import atomic_write, checksummed_record
from receptron.bundle import manifest
from receptron.errors import BundleFault, DataFault, NotABundle, StorageFault
from shell import run


def tree(root: Path) -> dict[str, bytes | None]:
    """Every name below `root`, with the bytes of files."""
    return {str(p.relative_to(root)): p.read_bytes() if p.is_file() else None for p in sorted(root.rglob("*"))}


NEIGHBOURS = {
    "a folder of old photos": {".old-photos/keep.jpg": b"x"},
    "a folder with a temporary name": {".tmp-photos/keep.jpg": b"x", ".tmp-photos-1-ab/keep.jpg": b"x"},
    "a folder that bears the name of staging": {".receptron-staging-photos/old/keep.jpg": b"x"},
    "staging with somebody's lock": {".receptron-staging-photos/lock": b"mine", ".receptron-staging-photos/old/keep.jpg": b"x"},
    "staging with somebody's mark": {".receptron-staging-photos/mark": b"mine", ".receptron-staging-photos/old/keep.jpg": b"x"},
    "a run's work without its marks": {"photos/.receptron-run/keep.jpg": b"x"},
    "a new file that is none of ours": {".receptron-new-photos/keep.jpg": b"x", "photos/.receptron-new-notes.txt": b"x"},
    "hidden work": {"photos/.work/fingerprint": b"mine", "photos/.work/checkpoints/keep": b"x"},
}


@pytest.fixture(params=NEIGHBOURS, ids=str)
def neighbours(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for name, data in NEIGHBOURS[request.param].items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "img.png").write_bytes(b"no picture")
    return tmp_path


@pytest.mark.parametrize("gone", [False, True], ids=["photos there", "photos missing"])
def test_commands_that_read_leave_every_neighbour_alone(neighbours: Path, gone: bool):
    photos = neighbours / "photos"
    if not gone:
        photos.mkdir(exist_ok=True)
    before = tree(neighbours)
    for command in (
        ("predict", photos, neighbours / "img.png"),
        ("evaluate", photos, neighbours),
        ("audit", photos),
        ("inspect", photos),
        ("train", photos, "--out", neighbours / "elsewhere"),
    ):
        assert run(*command).code in (1, 2), command
        assert tree(neighbours) == before, command


def test_a_writer_refuses_what_bears_its_names_and_is_not_its_own(neighbours: Path):
    before = tree(neighbours)
    try:
        atomic_write.write_folder(neighbours / "photos/model", lambda folder: manifest.write(folder, {}))
        atomic_write.write_folder(neighbours / "photos", lambda folder: manifest.write(folder, {}))
    except StorageFault as error:
        assert "in the way" in str(error)
    atomic_write.recover(neighbours / "photos")
    atomic_write.sweep(neighbours)
    after = tree(neighbours)
    assert {name: data for name, data in before.items() if not name.startswith("photos")}.items() <= after.items()


def killed_between_the_renames(path: Path, locks: str) -> None:
    """A save in another process that ends where the old folder is aside and the new one not yet in its place."""
    code = (
        "import errno, fcntl, os, sys; from pathlib import Path; from receptron import atomic_write as a\n"
        "def missing(*_): raise OSError(errno.ENOSYS, 'Function not implemented')\n"
        "if sys.argv[2] != 'of the disk': fcntl.flock = missing\n"
        "real, moves = Path.rename, []\n"
        "def rename(self, to):\n"
        "    moves.append(to); moved = real(self, to)\n"
        "    if Path(to).name == 'old': os._exit(9)\n"
        "    return moved\n"
        "Path.rename = rename\n"
        "a.write_folder(Path(sys.argv[1]), lambda folder: (folder / 'a').write_bytes(b'2'))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path), locks], check=False).returncode == 9


@pytest.mark.parametrize("locks", ["of the disk", "that are files"])
def test_what_a_killed_save_moved_aside_is_read_and_comes_back(tmp_path: Path, locks: str, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "model"
    atomic_write.write_folder(path, lambda folder: manifest.write(folder, {"a": b"1"}))
    killed_between_the_renames(path, locks)
    if locks == "that are files":  # as on network disks: the lock's own content is another program's business

        def missing(*_: object) -> None:
            raise OSError(38, "Function not implemented")

        monkeypatch.setattr("fcntl.flock", missing)
    assert not path.exists() and atomic_write.read_folder(path, manifest.read) == {"a": b"1"}
    atomic_write.write_folder(path, lambda folder: manifest.write(folder, {"a": b"3"}))
    assert atomic_write.read_folder(path, manifest.read) == {"a": b"3"} and [p.name for p in tmp_path.iterdir()] == ["model"]


def test_sweeping_spares_what_a_living_process_is_writing(tmp_path: Path):
    def chunks() -> Iterator[bytes]:
        yield b"1"
        atomic_write.sweep(tmp_path)
        yield b"2"

    atomic_write.write_chunks(tmp_path / "page.html", chunks())
    assert (tmp_path / "page.html").read_bytes() == b"12"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f".receptron-new-page.html-{dead.pid}-0123abcd").touch()
    atomic_write.sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_links_stay_links_and_what_they_lead_to_is_replaced(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    atomic_write.write_folder(tmp_path / "link", lambda folder: manifest.write(folder, {"a": b"1"}))
    (tmp_path / "page.html").symlink_to("elsewhere.html")
    atomic_write.write_file(tmp_path / "page.html", "new")
    assert (tmp_path / "link").is_symlink() and manifest.read(tmp_path / "real") == {"a": b"1"}
    assert (tmp_path / "page.html").is_symlink() and (tmp_path / "elsewhere.html").read_text() == "new"


BUSY = """
import sys
from pathlib import Path
from receptron import atomic_write
from receptron.bundle import manifest

path, times = Path(sys.argv[2]), int(sys.argv[3])
if sys.argv[1] == "save":
    for n in range(times):
        data = b"%d" % n * (n % 7 * 1000)
        atomic_write.write_folder(path, lambda folder: manifest.write(folder, {"a": data, "b": data}))
else:
    for n in range(times):
        found = atomic_write.read_folder(path, manifest.read)
        if found["a"] != found["b"]:
            sys.exit("two saves were mixed")
        if n % 3 == 0:
            atomic_write.recover(path)
"""


def meet(path: Path, saves: int, reads: int, readers: int) -> list[str]:
    """What two savers and some readers that all work at once complain of."""
    atomic_write.write_folder(path, lambda folder: manifest.write(folder, {"a": b"", "b": b""}))
    parts = [("save", saves // 2)] * 2 + [("read", reads // readers)] * readers
    children = [
        subprocess.Popen([sys.executable, "-c", BUSY, part, str(path), str(times)], stderr=subprocess.PIPE, text=True)
        for part, times in parts
    ]
    return [told for child in children if (told := child.communicate(timeout=900)[1]) or child.returncode]


def test_saves_reads_and_recoveries_do_not_disturb_each_other(tmp_path: Path):
    assert meet(tmp_path / "model", 60, 600, 2) == []
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_a_thousand_saves_beside_ten_thousand_reads_and_recoveries(tmp_path: Path):
    assert meet(tmp_path / "model", 1000, 10_000, 4) == []
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_reader_that_does_not_look_again_is_told_corrupt(tmp_path: Path):
    """The mutated twin: the very reads that succeed above fail without the second look."""
    path, reads = tmp_path / "model", 0

    def disturbed(folder: Path) -> dict[str, bytes]:
        nonlocal reads
        reads += 1
        if reads == 1:
            listed = manifest.read(folder)
            atomic_write.write_folder(path, lambda new: manifest.write(new, {"a": b"2"}))
            if manifest.read(folder) != listed:
                raise BundleFault("changed under the reader")
        return manifest.read(folder)

    atomic_write.write_folder(path, lambda folder: manifest.write(folder, {"a": b"1"}))
    with pytest.raises(BundleFault):
        disturbed(path)
    reads = 0
    atomic_write.write_folder(path, lambda folder: manifest.write(folder, {"a": b"1"}))
    assert atomic_write.read_folder(path, disturbed) == {"a": b"2"} and reads == 2


def test_what_stands_still_is_told_as_it_is(tmp_path: Path):
    with pytest.raises(NotABundle):
        atomic_write.read_folder(tmp_path, manifest.read)
    with pytest.raises(OSError):
        atomic_write.read_folder(tmp_path / "nowhere", lambda folder: {"": next(folder.iterdir()).read_bytes()})


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9), max_size=4),
    st.integers(0, 10**6),
)
def test_a_sealed_record_survives_any_flipped_bit(tmp_path_factory: pytest.TempPathFactory, record: dict[str, object], bit: int):
    path = tmp_path_factory.getbasetemp() / "sealed.json"
    checksummed_record.write(path, record)
    for name in (path, path.with_name("sealed.json.copy")):
        data = bytearray(name.read_bytes())
        data[bit // 8 % len(data)] ^= 1 << bit % 8
        whole, name_bytes = name.read_bytes(), bytes(data)
        name.write_bytes(name_bytes)
        assert checksummed_record.read(path, dict) == record
        name.write_bytes(whole)


def test_a_sealed_record_whose_copy_is_damaged_too_is_refused(tmp_path: Path):
    checksummed_record.write(tmp_path / "a.json", {"n": 1})
    for name in ("a.json", "a.json.copy"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes().replace(b"1", b"2"))
    with pytest.raises(DataFault, match="damaged, and so is its copy"):
        checksummed_record.read(tmp_path / "a.json", dict)
    assert checksummed_record.read(tmp_path / "none.json", dict) is None
