"""What is not used is named with its reason: rights, links, hidden files, what is no image; and uncommon endings are no reason."""

import os
import resource
import struct
from collections.abc import Generator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from malformed import encoded, photo
from PIL import Image
from rights import place_of_nobody, without_rights
from trees import PNG, found, grow, sides

from receptron.data.audit.preconditions import check_broken
from receptron.data.dataset.scan import find_images, scan
from receptron.data.dataset.tree import ONE_BY_ONE, look
from receptron.data.foreign_formats import stranger
from receptron.data.ingest import read
from receptron.data.unused import Unused, UnusedKind, sentences
from receptron.errors import BadTable, BrokenImages, UnreadableFolder
from receptron.fault_kind import FaultKind
from receptron.jobs.audit import audit, obstacle


def told(root: Path) -> dict[str, tuple[UnusedKind, str]]:
    """Kind and reason of all that is not used, by path."""
    return {one.path: (one.kind, one.reason) for one in scan(root).unused}


@pytest.fixture
def open_place() -> Generator[Path]:
    """A folder with two classes, which nobody can get to."""
    with place_of_nobody() as folder:
        grow(folder, "photos/{cat,dog,owl}/3", "photos/owl/far/1")
        read(scan(folder / "photos"))  # all that is imported late is imported now
        audit(folder / "photos")
        yield folder / "photos"


@pytest.mark.parametrize("mode", [0o000, 0o111, 0o333])
@pytest.mark.parametrize("folder", ["owl", "owl/far", "."])
def test_a_folder_that_may_not_be_listed_is_an_error_that_names_it(mode: int, folder: str, open_place: Path):
    (open_place / folder).chmod(mode)
    with without_rights(), pytest.raises(UnreadableFolder, match="not allowed to read it") as raised:
        scan(open_place)
    assert raised.value.folders == [(str(open_place / folder), "not allowed to read it")]
    assert raised.value.kind == FaultKind.NOT_ALLOWED
    assert "chmod" in str(raised.value)


def test_a_folder_behind_one_that_may_not_be_entered_is_no_missing_one(open_place: Path):
    open_place.parent.chmod(0o600)
    for act in (lambda: scan(open_place), lambda: find_images([open_place]), lambda: scan(open_place / "t.csv")):
        with without_rights(), pytest.raises(UnreadableFolder, match=r"not allowed|can be looked into"):
            act()


def test_a_table_that_may_not_be_read_says_so(open_place: Path):
    table = open_place / "t.csv"
    table.write_text("path,label\ncat/0.png,cat\n")
    table.chmod(0)
    with without_rights(), pytest.raises(BadTable, match=r"(?s)not allowed to read it.*chmod"):
        scan(table)


def test_files_that_may_not_be_read_are_told_as_such_and_stop_training_however_few(open_place: Path):
    (open_place / "cat/0.png").chmod(0)
    with without_rights():
        found = audit(open_place)
    grow(open_place, *(f"cat/more{index}.png" for index in range(300)))
    with without_rights():
        reading = read(scan(open_place))
    assert [(e.item.path.name, e.fault_kind) for e in reading.entries if not e.good] == [("0.png", FaultKind.NOT_ALLOWED)]
    with pytest.raises(BrokenImages, match=r"(?s)may be sound.*0.png: not allowed to read it.*chmod.*--allow-broken"):
        check_broken(reading.entries)
    check_broken(reading.entries, allow_broken=True)
    (finding,) = [one for one in found.findings if one.files == ("cat/0.png",)]
    assert "damaged" not in finding.message and "chmod" in finding.cure
    assert "may not read" in obstacle(replace(found, broken=0), allow_broken=False)
    assert not obstacle(replace(found, broken=0), allow_broken=True)


def test_a_folder_whose_files_may_be_named_but_not_opened(open_place: Path):
    (open_place / "owl").chmod(0o444)
    with without_rights(), pytest.raises((UnreadableFolder, BrokenImages)) as raised:
        check_broken(read(scan(open_place)).entries)
    assert "not allowed to read it" in str(raised.value)


def test_an_odd_file_that_may_not_be_looked_at_is_told(open_place: Path):
    (open_place / "cat/odd.bin").write_bytes(PNG)
    (open_place / "cat/odd.bin").chmod(0)
    with without_rights():
        assert told(open_place) == {"cat/odd.bin": (UnusedKind.UNREADABLE, "not allowed to read it")}


def test_too_many_open_files_is_no_damage(tmp_path: Path):
    grow(tmp_path, "{cat,dog}/3")
    read(scan(tmp_path), workers=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (held[0] + 1, hard))
    try:
        with pytest.raises(UnreadableFolder) as raised:
            scan(tmp_path)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        catalog = scan(tmp_path)
        resource.setrlimit(resource.RLIMIT_NOFILE, (held[0] + 1, hard))
        kinds = {entry.fault_kind for entry in read(catalog, workers=1).entries}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(held[0])
    assert raised.value.kind == FaultKind.TOO_MANY_OPEN_FILES
    assert kinds == {FaultKind.TOO_MANY_OPEN_FILES}


@pytest.mark.parametrize("where", ["receptron.data.ingest.read_bytes", "receptron.data.ingest.decode", "receptron.data.ingest.look"])
def test_too_little_memory_is_no_damage(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    grow(tmp_path, "{cat,dog}/3")

    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(where, full)
    assert {entry.fault_kind for entry in read(scan(tmp_path)).entries} == {FaultKind.OUT_OF_MEMORY}


def test_links_in_circles_and_links_to_what_is_read_anyway_are_told_and_not_followed(tmp_path: Path):
    grow(tmp_path, "{cat,dog}/1", "cat/far/1")
    (tmp_path / "cat/again").symlink_to(tmp_path / "cat")
    (tmp_path / "dog/up").symlink_to(tmp_path)
    (tmp_path / "dog/other").symlink_to(tmp_path / "cat/far")
    (tmp_path / "kitten").symlink_to(tmp_path / "cat")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert found(tmp_path).keys() == {"cat/0.png", "cat/far/0.png", "dog/0.png"}
    reasons = told(tmp_path)
    assert set(reasons) == {"cat/again", "dog/up", "dog/other", "kitten", "loop", "a", "b"}
    assert {kind for kind, _ in reasons.values()} == {UnusedKind.LINK}
    assert reasons["cat/again"][1] == "a link that leads in a circle, to cat"
    assert reasons["dog/other"][1] == "a link to cat/far, which is read there"


def test_many_links_across_do_not_multiply(tmp_path: Path):
    names = [f"class{index}" for index in range(12)]
    grow(tmp_path, *(f"{name}/1" for name in names))
    for name in names:
        for other in names:
            (tmp_path / name / f"to {other}").symlink_to(tmp_path / other)
    assert len(look(tmp_path).below()) == 12


def test_linked_folders_outside_are_read_once(tmp_path: Path):
    grow(tmp_path, "store/{cats,dogs}/2")
    (tmp_path / "photos").mkdir()
    for name, where in (("cat", "cats"), ("dog", "dogs"), ("hound", "dogs")):
        (tmp_path / "photos" / name).symlink_to(tmp_path / "store" / where)
    assert {label for label, _ in found(tmp_path / "photos").values()} == {"cat", "dog"}
    assert told(tmp_path / "photos")["hound"][0] == UnusedKind.LINK


def test_hidden_images_and_folders_are_told_and_so_are_images_that_systems_keep(tmp_path: Path):
    grow(tmp_path, "{cat,dog}/1", "cat/.secret.png", ".owl/3", "__MACOSX/cat/1", ".git/1", ".ipynb_checkpoints/1")
    for name in ("cat/.DS_Store", "cat/Thumbs.db", "Desktop.ini", ".gitkeep", "cat/.note"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "cat/._0.png").write_bytes(b"\x00\x05\x16\x07" + b"\0" * 90)
    assert found(tmp_path).keys() == {"cat/0.png", "dog/0.png"}
    assert {path: kind for path, (kind, _) in told(tmp_path).items()} == {
        "cat/.secret.png": UnusedKind.HIDDEN,
        ".owl/": UnusedKind.HIDDEN,
        ".git/": UnusedKind.SYSTEM,
        ".ipynb_checkpoints/": UnusedKind.SYSTEM,
        "__MACOSX/": UnusedKind.SYSTEM,
        "cat/._0.png": UnusedKind.SYSTEM,
    }


@pytest.mark.parametrize(
    "kept, count",
    [(("cat/.ipynb_checkpoints/2",), 2), (("__MACOSX/{cat,dog}/3",), 6), ((".thumbnails/a/1", "dog/@eaDir/deep/er/1"), 2), ((), 0)],
)
def test_images_in_folders_of_systems_are_counted_in_one_finding(kept: tuple[str, ...], count: int, tmp_path: Path):
    grow(tmp_path, "{cat,dog}/1", *kept)
    for name in (".git/objects", "cat/.DS_Store", "cat/Thumbs.db", "__pycache__/a.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    findings = [one for one in audit(tmp_path).findings if one.kind == UnusedKind.SYSTEM.heading]
    assert [(one.severity, one.message) for one in findings] == (
        [("note", f"{count} files not used: kept by systems and programs")] if count else []
    )


STRANGERS = {
    "scan.txt": (b"P3\n2 1\n255\n0 0 0 255 255 255\n", UnusedKind.UNSUPPORTED, "PPM, a format that is not read"),
    "notes.txt": (b"hello", UnusedKind.NO_IMAGE, "a text file"),
    "more.zip": (b"PK\x03\x04....", UnusedKind.NO_IMAGE, "a zip archive"),
    "nothing.log": (b"", UnusedKind.NO_IMAGE, "the file is empty"),
    "clip.mp4": (b"\0\0\0\x18ftypisom" + b"\0" * 16, UnusedKind.UNSUPPORTED, "film"),
    "paper.pdf": (b"%PDF-1.7", UnusedKind.NO_IMAGE, "PDF"),
    "scan.jpeg2000": (b"\x00\x00\x00\x0cjP  \r\n\x87\n", UnusedKind.UNSUPPORTED, "JPEG 2000"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_no_image_is_named_with_what_it_is(name: str, tmp_path: Path):
    data, kind, words = STRANGERS[name]
    grow(tmp_path, "{cat,dog}/1")
    (tmp_path / "cat" / name).write_bytes(data)
    (path, (found, reason)) = next(iter(told(tmp_path).items()))
    assert (path, found) == (f"cat/{name}", kind)
    assert words in reason
    (finding,) = [one for one in audit(tmp_path).findings if one.files == (f"cat/{name}",)]
    assert words in finding.notes[0]
    assert [one.path for one in find_images([tmp_path]).unused] == [f"cat/{name}"]


def test_a_pipe_is_not_opened(tmp_path: Path):
    grow(tmp_path, "{cat,dog}/1")
    os.mkfifo(tmp_path / "cat/pipe")
    os.mkfifo(tmp_path / "cat/pipe.png")
    assert {reason for _, reason in told(tmp_path).values()} == {"a pipe, a socket or a device"}


@pytest.mark.parametrize("number", [1, ONE_BY_ONE, ONE_BY_ONE + 1, 1000])
def test_many_of_a_kind_are_told_as_one(number: int, tmp_path: Path):
    grow(tmp_path, "{cat,dog}/1")
    for index in range(number):
        (tmp_path / f"cat/{index}.xml").write_text("<a/>")
    unused = scan(tmp_path).unused
    assert sum(one.count for one in unused) == number
    assert (len(unused) == number) == (number <= ONE_BY_ONE)
    (line,) = sentences(unused)
    assert f"{number:,} file" in line and ".xml (a text file" in line


def test_names_of_strangers_are_text(tmp_path: Path):
    grow(tmp_path, "{cat,dog}/1")
    for name in (b"a\nb.txt", b"\xff.txt", "‮txt.gpj".encode()):
        (tmp_path / "cat" / os.fsdecode(name)).write_bytes(b"hello")
    for one in scan(tmp_path).unused:
        assert one.path.encode()
    assert len(scan(tmp_path).unused) == 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP", "AVIF"])
@pytest.mark.parametrize("ending", [".jif", ".HIF", ".dat", ".image", ".old", ".txt", "", ".1", ".jpg_large"])
def test_images_of_any_ending_are_read(kind: str, ending: str, tmp_path: Path):
    grow(tmp_path, "dog/1")
    (tmp_path / "cat").mkdir()
    (tmp_path / f"cat/photo{ending}").write_bytes(encoded(kind))
    (first, _) = read(scan(tmp_path)).entries
    assert first.facts and first.facts.format == kind


@pytest.mark.parametrize("turn", [1, 3, 6, 8])
@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_avif_and_heic_are_read_upright(kind: str, turn: int, tmp_path: Path):
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    picture = photo(96).crop((0, 0, 96, 64))
    exif = Image.Exif()
    exif[274] = turn
    buffer = BytesIO()
    turned = picture.copy()
    turned.info["exif"] = exif.tobytes()  # as phones do: the writer puts the turn into the container, where readers of HEIF look for it
    turned.save(buffer, kind, quality=95, **({"exif": exif} if kind == "AVIF" else {}))
    grow(tmp_path, "dog/1")
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat/IMG_1.HIF").write_bytes(buffer.getvalue())
    reading = read(scan(tmp_path), 64)
    (entry, _) = reading.entries
    upright = {1: picture, 3: picture.rotate(180), 6: picture.rotate(-90, expand=True), 8: picture.rotate(90, expand=True)}[turn]
    assert entry.facts and (entry.facts.width, entry.facts.height) == upright.size
    canvas = Image.fromarray(reading.canvases[entry.sha256])
    differences = [abs(a - b) for a, b in zip(canvas.resize(upright.size).tobytes(), upright.tobytes(), strict=True)]
    assert sum(differences) / len(differences) < 12  # another turn differs by 50 and more


def test_a_heic_of_more_than_eight_bits_is_read_and_its_depth_told(tmp_path: Path):
    heif = pytest.importorskip("pillow_heif")
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    pixels = np.repeat(ramp[..., None], 3, axis=2)
    grow(tmp_path, "dog/1")
    (tmp_path / "cat").mkdir()
    heif.encode("RGB;16", (64, 64), pixels.tobytes(), tmp_path / "cat/0.heic", quality=95)
    reading = read(scan(tmp_path), 64)
    (entry, _) = reading.entries
    assert entry.facts and entry.facts.bits == heif.open_heif(tmp_path / "cat/0.heic", convert_hdr_to_8bit=False).info["bit_depth"] > 8
    assert abs(reading.canvases[entry.sha256][..., 1].astype(float) - ramp / 257).mean() < 4


@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
def test_a_cut_avif_is_truncated(share: float, tmp_path: Path):
    data = encoded("AVIF")
    grow(tmp_path, "dog/1")
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat/0.avif").write_bytes(data[: int(share * len(data))])
    assert read(scan(tmp_path)).entries[0].fault_kind == FaultKind.TRUNCATED


def test_heic_without_its_extra_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    grow(tmp_path, "dog/1")
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat/0.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (entry, _) = read(scan(tmp_path)).entries
    assert (entry.fault_kind, "receptron[heic]" in str(entry.fault)) == (FaultKind.UNSUPPORTED, True)


@pytest.mark.parametrize(
    ("count", "noun", "told"),
    [
        (1, "file", "a text file"),
        (21, "file", "a text file; 21 files"),
        (1, "image", "a text file; 1 image"),
        (1_200, "image", "a text file; 1,200 images"),
    ],
)
def test_one_line_that_stands_for_many_says_for_how_many(count: int, noun: str, told: str):
    assert Unused("labels/", UnusedKind.NO_IMAGE, "a text file", count, noun).told == told


def test_unused_files_count_in_words():
    one = Unused("a.txt", UnusedKind.NO_IMAGE, "a text file")
    assert sentences([one]) == ["Not used: 1 file (no images): a.txt (a text file)"]


def test_sides_are_told_of_linked_folders(tmp_path: Path):
    grow(tmp_path, "store/{cat,dog}/2", "photos/train/{cat,dog}/1")
    (tmp_path / "photos/test").symlink_to(tmp_path / "store")
    assert sides(tmp_path / "photos") == {"train": {"cat", "dog"}, "test": {"cat", "dog"}}


def tga(kind: int = 2, depth: int = 24, palette: int = 0) -> bytes:
    """A header of TGA 2.0 by hand, and some pixels."""
    entries, bits = (4, 24) if palette else (0, 0)
    return struct.pack("<BBBHHBHHHHBB", 0, palette, kind, 0, entries, bits, 0, 0, 3, 2, depth, 0) + bytes(range(200, 230))


PICTURES = {
    "PBM": (b"P1\n# by hand\n2 1\n0 1\n", b"P4\n8 1\n\xaa"),
    "PGM": (b"P2 2 1 255 0 9", b"P5\r\n2 1\n255\n\0\xff"),
    "PPM": (b"P3\n2 1\n255\n0 0 0 9 9 9\n", b"P6 2 1 255\n......", encoded("PPM")),
    "PAM": (b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 1\n",),
    "PFM": (b"PF\n2 1\n-1.0\n" + b"\0" * 24, b"Pf 2 1 1.0\n" + b"\0" * 8),
    "TGA": (tga(), tga(10, 32), tga(3, 8), tga(1, 8, 1), tga(9, 8, 1), encoded("TGA"), encoded("TGA", photo().convert("L"))),
    "PCX": (encoded("PCX"),),
    "DDS": (encoded("DDS"),),
    "JPEG 2000": (encoded("JPEG2000"), encoded("JPEG2000", no_jp2=True)),
    "an SGI image": (encoded("SGI"),),
    "a Windows icon": (encoded("ICO"),),
    "an icon of a Mac": (encoded("ICNS"),),
    "a PostScript file": (encoded("EPS"),),
    "OpenEXR": (b"\x76\x2f\x31\x01\2\0\0\0",),
    "Radiance HDR": (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n",),
    "DICOM": (b"\0" * 128 + b"DICM\2\0",),
    "QOI": (b"qoif\0\0\0\2\0\0\0\1\3\0",),
    "a film": (b"RIFF\0\1\0\0AVI LIST", b"\x1a\x45\xdf\xa3\1"),
}


@pytest.mark.parametrize("ending", ["jpg", "img", "txt"])
@pytest.mark.parametrize("what", PICTURES)
def test_a_picture_in_a_format_that_is_not_read_is_to_be_converted(what: str, ending: str, tmp_path: Path):
    """Under its own ending, under another, and under that of an image that is read."""
    grow(tmp_path, "{cat,dog}/1")
    for place, data in enumerate(PICTURES[what]):
        (tmp_path / f"cat/x{place}.{ending}").write_bytes(data)
    wanted = [one for one in audit(tmp_path).findings if one.kind == FaultKind.UNSUPPORTED.heading]
    assert [len(one.files) for one in wanted] == [len(PICTURES[what])]
    assert "convert them to JPEG or PNG" in wanted[0].cure and "download" not in wanted[0].cure
    assert all(note == f"{what}, a format that is not read" for note in wanted[0].notes)


@pytest.mark.parametrize(
    "data", [b"P1 is the first plan", b"P6", b"\0\0\2\0", bytes(range(128, 200)), b"\1\2\3" + b"\xff" * 40, struct.pack("<9I", *range(9))]
)
def test_what_only_begins_like_a_picture_is_not_called_one(data: bytes):
    assert stranger(data)[1] == FaultKind.NO_IMAGE
