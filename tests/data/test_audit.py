"""Every finding, from files made to have that one fault, and none where there is none."""

from pathlib import Path

import numpy as np
import pytest
from malformed import encoded, malformed, photo
from PIL import Image, ImageOps

from receptron.data.records import Audit, Finding
from receptron.jobs.audit import audit, obstacle
from receptron.records import from_json, to_json

EXIF = Image.Exif()
EXIF[0x0112] = 6


def put(root: Path, name: str, data: bytes) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(data)


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """Two classes of 12 good images each."""
    for index in range(24):
        put(tmp_path, f"{'ab'[index % 2]}/{index:02d}.png", encoded("PNG", photo(64, index)))
    return tmp_path


def one(found: Audit, kind: str) -> Finding:
    """The finding of that kind."""
    (wanted,) = [finding for finding in found.findings if finding.kind == kind]
    return wanted


def test_nothing_is_found_where_nothing_is_wrong(clean: Path):
    found = audit(clean)
    assert found.findings == ()
    assert (found.images, found.broken, found.classes) == (24, 0, {"a": 12, "b": 12})


BAD = photo(64, 99)
SINGLE = {
    "wrong extension": ("a/x.jpg", encoded("PNG", BAD)),
    "EXIF-rotated": ("a/x.png", encoded("PNG", BAD, exif=EXIF)),
    "CMYK": ("a/x.jpg", encoded("JPEG", BAD.convert("CMYK"))),
    "palette": ("a/x.gif", encoded("GIF", BAD)),
    "alpha": ("a/x.png", encoded("PNG", Image.merge("RGBA", (*BAD.split(), BAD.getchannel(0))))),
    "16-bit": ("a/x.png", encoded("PNG", Image.fromarray(np.asarray(BAD.convert("L")).astype(np.uint16) * 257))),
    "grey among colour": ("a/x.png", encoded("PNG", BAD.convert("L"))),
    "blank": ("a/x.png", encoded("PNG", Image.new("RGB", (64, 64), "white"))),
    "tiny": ("a/x.png", encoded("PNG", BAD.resize((16, 16)))),
    "several frames": ("a/x.gif", encoded("GIF", BAD, save_all=True, append_images=[photo(64, 98)])),
    "truncated files": ("a/x.png", encoded("PNG", BAD)[:500]),
    "empty files": ("a/x.png", b""),
    "no images": ("a/x.jpg", b"<html></html>"),
    "over the limit": ("a/x.png", malformed()["bomb.png"][0]),
    "formats that are not read": ("a/x.jxl", b"\xff\x0a" + b"\0" * 16),
    "stray images": ("x.png", encoded("PNG", BAD)),
}


@pytest.mark.parametrize("kind", SINGLE)
def test_a_file_with_one_fault_is_named_with_a_cure(kind: str, clean: Path):
    name, data = SINGLE[kind]
    put(clean, name, data)
    finding = one(audit(clean), kind)
    assert finding.files == (name,)
    assert finding.cure and "{" not in finding.message
    assert not finding.notes or all(finding.notes)


def test_every_malformed_file_gets_a_kind_of_fault(clean: Path):
    for name, (data, _) in malformed().items():
        put(clean, f"a/{name}", data)
    found = audit(clean)
    told = [file for finding in found.findings if finding.severity == "error" for file in finding.files]
    assert sorted(told) == sorted(f"a/{name}" for name in malformed())
    assert found.broken == len(malformed())


COPY = encoded("PNG", photo(64, 0))
LIGHTER = encoded("PNG", photo(64, 0).point(lambda value: value * 0.85))


@pytest.mark.parametrize(
    ("name", "data", "kind", "severity"),
    [
        ("a/x.png", COPY, "exact duplicates", "warning"),
        ("b/x.png", COPY, "exact duplicates across classes", "error"),
        ("a/x.png", LIGHTER, "near duplicates", "note"),
        ("b/x.png", LIGHTER, "near duplicates across classes", "warning"),
    ],
)
def test_copies_are_told_by_kind(name: str, data: bytes, kind: str, severity: str, clean: Path):
    put(clean, name, data)
    found = audit(clean)
    finding = one(found, kind)
    assert finding.severity == severity
    assert set(finding.files) == {"a/00.png", name}
    assert len(found.findings) == 1


@pytest.mark.parametrize(("data", "kind"), [(COPY, "exact duplicates across given sides"), (LIGHTER, "near duplicates across given sides")])
def test_copies_across_given_sides_are_errors(data: bytes, kind: str, tmp_path: Path):
    for index in range(40):
        side = "train" if index < 20 else "val"
        put(tmp_path, f"{side}/{'ab'[index % 2]}/{index:02d}.png", encoded("PNG", photo(64, index)))
    put(tmp_path, "val/a/x.png", data)
    finding = one(audit(tmp_path), kind)
    assert (finding.severity, set(finding.files)) == ("error", {"train/a/00.png", "val/a/x.png"})


def test_groups_on_both_sides_are_errors(clean: Path):
    rows = [
        f"{'ab'[i % 2]}/{i:02d}.png,{'ab'[i % 2]},{'train' if i < 16 else 'test'},{'p' if i in (2, 20) else f'g{i}'}" for i in range(24)
    ]
    put(clean, "labels.csv", "\n".join(["path,label,split,group", *rows]).encode())
    finding = one(audit(clean / "labels.csv"), "groups across given sides")
    assert finding.files == ("a/02.png", "a/20.png")
    assert finding.notes == ("group p on train", "group p on test")


def test_classes_that_one_side_lacks_are_told(tmp_path: Path):
    for index in range(60):
        put(tmp_path, f"{('train', 'test')[index % 2]}/{'ab'[index % 4 // 2]}/{index}.png", encoded("PNG", photo(40, index)))
    for index in range(60, 70):
        put(tmp_path, f"train/only-train/{index}.png", encoded("PNG", photo(40, index)))
        put(tmp_path, f"test/only-test/{index}.png", encoded("PNG", photo(40, index + 100)))
    found = audit(tmp_path)
    assert one(found, "class without training images").labels == ("only-test",)
    assert one(found, "class without test images").labels == ("only-train",)


def test_classes_small_unequal_empty_and_alike_are_told(clean: Path):
    put(clean, "single/1.png", encoded("PNG", photo(64, 50)))
    for index in range(5):
        put(clean, f"A/{index}.png", encoded("PNG", photo(64, 60 + index)))
    (clean / "empty").mkdir()
    put(clean, "broken/1.png", b"")
    found = audit(clean)
    small = {finding.severity: finding.labels for finding in found.findings if finding.kind == "class too small"}
    assert small == {"error": ("single",), "warning": ("A (5)",)}
    assert one(found, "empty class").labels == ("broken", "empty")
    assert one(found, "imbalance").labels == ("a", "single")
    assert one(found, "class names alike").labels == ("A and a",)
    assert [finding.severity for finding in found.findings] == sorted(
        (f.severity for f in found.findings), key=["error", "warning", "note"].index
    )


def test_one_class_is_an_error(tmp_path: Path):
    for index in range(12):
        put(tmp_path, f"a/{index}.png", encoded("PNG", photo(64, index)))
    assert one(audit(tmp_path), "one class").severity == "error"


def test_a_format_that_gives_a_class_away_is_told(clean: Path):
    for index in range(12):
        put(clean, f"c/{index}.jpg", encoded("JPEG", photo(64, 200 + index)))
    finding = one(audit(clean), "telltale")
    assert finding.labels == ("c",) and "JPEG" in finding.message


def test_the_record_survives_json(clean: Path):
    put(clean, "a/x.png", b"")
    found = audit(clean)
    assert from_json(to_json(found), Audit) == found


def test_names_that_are_no_text_survive_json(clean: Path):
    path = (bytes(clean) + b"/a/\xff.png").decode(errors="surrogateescape")
    Path(path).write_bytes(b"")
    assert "\\udcff" in to_json(audit(clean)).replace("\\\\", "\\")


def test_one_per_cent_may_be_broken(clean: Path):
    assert not obstacle(audit(clean), allow_broken=False)
    put(clean, "a/x.png", b"")
    found = audit(clean)
    assert obstacle(found, allow_broken=False)
    assert not obstacle(found, allow_broken=True)


TURNED = encoded("PNG", photo(64, 0).transpose(Image.Transpose.ROTATE_90))
MIRRORED = encoded("PNG", ImageOps.mirror(photo(64, 0)))


@pytest.mark.parametrize(
    ("data", "of_first", "of_copy"),
    [
        (MIRRORED, "mirrored", "mirrored"),
        (TURNED, "turned by 90 degrees clockwise", "turned by 90 degrees counterclockwise"),
        (encoded("PNG", photo(64, 0).rotate(180)), "turned by 180 degrees", "turned by 180 degrees"),
        (encoded("PNG", ImageOps.flip(photo(64, 0))), "mirrored top to bottom", "mirrored top to bottom"),
    ],
)
def test_how_a_turned_copy_lies_is_said_of_both(data: bytes, of_first: str, of_copy: str, clean: Path):
    put(clean, "a/x.png", data)
    finding = one(audit(clean), "near duplicates")
    assert finding.message == "1 pair of near duplicates"
    notes = dict(zip(finding.files, finding.notes, strict=True))
    # What is named first in a note, the other image, is followed by how the image of that line differs from it.
    assert notes["a/00.png"].startswith(f"= a/x.png ({of_first}, ")
    assert notes["a/x.png"].startswith(f"= a/00.png ({of_copy}, ")


@pytest.mark.parametrize("data", [MIRRORED, TURNED])
def test_turned_copies_across_classes_may_be_meant(data: bytes, clean: Path):
    put(clean, "b/x.png", data)
    finding = one(audit(clean), "near duplicates across classes")
    assert "unless mirroring or turning is what tells these classes apart" in finding.cure


@pytest.mark.parametrize("many", [3, 40])
@pytest.mark.parametrize("exact", [True, False])
def test_a_large_set_is_told_with_its_size_and_three_examples(many: int, exact: bool, clean: Path):
    rng = np.random.default_rng(0)
    for number in range(many):
        noisy = np.clip(np.asarray(photo(64, 0), int) + rng.normal(0, 4, (64, 64, 3)), 0, 255).astype(np.uint8)
        put(clean, f"a/x{number:02d}.png", COPY if exact else encoded("PNG", Image.fromarray(noisy)))
    put(clean, "a/y.png", encoded("PNG", photo(64, 3)) if exact else encoded("PNG", photo(64, 2).point(lambda value: value * 0.85)))
    found = audit(clean)
    kind = "exact duplicates" if exact else "near duplicates"
    finding = next(finding for finding in found.findings if finding.kind == kind)
    beside = "" if exact else ", and 1 pair"
    assert finding.message == f"1 set of {kind} ({many + 1} images){beside}"
    assert len(finding.files) == 2 * (3 if exact else 4)
    assert f"1 of 3 examples from a set of {many + 1}" in finding.notes[0]


def test_one_frame_of_many_in_training_is_shown_among_the_examples(tmp_path: Path):
    """Of a set that lies across sides, the pairs told are those that cross."""
    rng = np.random.default_rng(0)
    for number in range(30):
        noisy = np.clip(np.asarray(photo(64, 0), int) + rng.normal(0, 4, (64, 64, 3)), 0, 255).astype(np.uint8)
        put(tmp_path, f"{'train' if number == 17 else 'test'}/a/{number:02d}.png", encoded("PNG", Image.fromarray(noisy)))
    for number in range(20):
        put(tmp_path, f"{('train', 'test')[number % 2]}/{'ab'[number // 2 % 2]}/s{number}.png", encoded("PNG", photo(64, 100 + number)))
    finding = one(audit(tmp_path), "near duplicates across given sides")
    assert finding.message == "1 set of near duplicates across given sides (30 images)"
    sides = [file.split("/")[0] for file in finding.files]
    assert all({one, other} == {"train", "test"} for one, other in zip(sides[::2], sides[1::2], strict=True))


def test_what_is_not_searched_for_is_said(clean: Path):
    found = audit(clean)
    assert any("other angles than quarters" in kind and "more than 5 %" in kind for kind in found.not_searched)
    assert any("under 30 px" in kind for kind in found.not_searched)


BLANK = {
    "black.jpg": encoded("JPEG", Image.new("RGB", (640, 480))),
    "white.png": encoded("PNG", Image.new("L", (64, 64), 255)),
    "sky.webp": encoded("WEBP", Image.new("RGB", (300, 200), (31, 116, 250)), quality=80),
    "one.gif": encoded("GIF", Image.new("P", (64, 64), 7)),
    "clear.png": encoded("PNG", Image.new("RGBA", (64, 64), (9, 90, 200, 0))),
    "deep.png": encoded("PNG", Image.fromarray(np.full((64, 64), 40_000, np.uint16))),
    "large.png": encoded("PNG", Image.new("RGB", (2100, 2100), (7, 200, 99))),
    "print.tif": encoded("TIFF", Image.new("CMYK", (64, 64), (10, 20, 30, 40))),
}


def dotted(side: int, ground: int, dot: int) -> Image.Image:
    picture = Image.new("L", (side, side), ground)
    picture.putpixel((side // 3, side // 2), dot)
    return picture


PICTURES = {
    "dot.png": encoded("PNG", dotted(64, 255, 0)),
    "star.png": encoded("PNG", dotted(2100, 0, 255)),
    "fog.png": encoded("PNG", Image.fromarray(np.linspace(120, 135, 64 * 64).reshape(64, 64).astype(np.uint8))),
    "board.png": encoded("PNG", Image.fromarray((np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8))),
    "channel.png": encoded("PNG", Image.merge("RGB", [Image.new("L", (64, 64), 9), dotted(64, 9, 60), Image.new("L", (64, 64), 9)])),
}


def test_pictures_of_one_colour_are_named_and_faint_ones_are_not(clean: Path):
    for name, data in (BLANK | PICTURES).items():
        put(clean, f"a/{name}", data)
    finding = one(audit(clean), "blank")
    assert finding.severity == "warning" and sorted(finding.files) == sorted(f"a/{name}" for name in BLANK)


@pytest.mark.shared
def test_of_real_photos_none_is_called_blank_that_is_not(shared: Path):
    """Pillow's own extremes are the truth."""
    for root in ("flowers", "chest_xray"):
        found = audit(shared / "data" / root)
        told = {file for finding in found.findings if finding.kind == "blank" for file in finding.files}
        for file in told:
            extremes = Image.open(shared / "data" / root / file).convert("RGB").getextrema()
            assert all(high - low <= 2 for low, high in extremes), file


def test_classes_are_counted_in_the_order_of_their_numbers(tmp_path: Path):
    names = ["1", "2", "10", "11", "20", "b2", "b10", "class 3", "class 12"]
    for place, name in enumerate(sorted(names)):
        put(tmp_path, f"{name}/x.png", encoded("PNG", photo(64, place)))
    assert list(audit(tmp_path).classes) == names
