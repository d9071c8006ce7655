"""Folders as people have them: hidden ones, links in circles, images where none should be. What they mean: test_layouts.py."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from malformed import encoded
from sklearn.datasets import load_digits

from receptron.data.audit.preconditions import LONGEST_LABEL, MOST_CLASSES, check_classes
from receptron.data.dataset.scan import find_images, scan
from receptron.data.ingest import read
from receptron.data.records import Entry, ImageFacts, Item
from receptron.data.unused import UnusedKind
from receptron.errors import BadValue, DataFault, NoImages

PNG = encoded("PNG")


def grow(root: Path, *names: str) -> Path:
    """Make image files of these names below `root`."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(PNG)
    return root


def found(root: Path) -> dict[str, tuple[str, str | None]]:
    """Label and side by path below the root."""
    return {item.path.relative_to(root).as_posix(): (item.label, item.split) for item in scan(root).items}


def test_class_folders(tmp_path: Path):
    grow(tmp_path, "cat/1.png", "cat/2.JPG", "dog/x.tiff")
    assert found(tmp_path) == {"cat/1.png": ("cat", None), "cat/2.JPG": ("cat", None), "dog/x.tiff": ("dog", None)}


def test_system_folders_and_files_are_neither_classes_nor_images(tmp_path: Path):
    grow(
        tmp_path, "cat/1.png", "dog/1.png", "__MACOSX/cat/._1.png", ".ipynb_checkpoints/1.png", ".git/1.png", "cat/.ipynb_checkpoints/1.png"
    )
    grow(tmp_path, "cat/.DS_Store", "cat/Thumbs.db", "cat/._1.png", "dog/desktop.ini", ".DS_Store")
    assert found(tmp_path).keys() == {"cat/1.png", "dog/1.png"}
    assert scan(tmp_path).empty == ()


def test_folders_below_a_class_belong_to_it(tmp_path: Path):
    grow(tmp_path, "cat/indoors/1.png", "cat/outdoors/far/2.png", "dog/1.png")
    assert {label for label, _ in found(tmp_path).values()} == {"cat", "dog"}
    assert len(found(tmp_path)) == 3


def test_an_empty_folder_beside_the_sides_does_no_harm(tmp_path: Path):
    grow(tmp_path, "train/cat/1.png", "test/cat/1.png")
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/boxes.json").write_text("{}")
    assert scan(tmp_path).layout == "split folders"


def test_empty_classes_and_strays_are_told(tmp_path: Path):
    grow(tmp_path, "cat/1.png", "lonely.png")
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog/notes.txt").write_text("none yet")
    catalog = scan(tmp_path)
    assert (catalog.empty, len(catalog.items)) == (("dog",), 1)
    told = [(one.path, one.kind) for one in catalog.unused]
    assert told == [("lonely.png", UnusedKind.OUTSIDE), ("dog/notes.txt", UnusedKind.NO_IMAGE)]


def test_images_without_folders_are_refused_with_the_cure(tmp_path: Path):
    grow(tmp_path, "1.png", "2.png")
    with pytest.raises(NoImages, match=r"(?s)2 images but no class folders.*CLASS/image.jpg"):
        scan(tmp_path)


def test_nothing_and_nowhere_are_refused(tmp_path: Path):
    with pytest.raises(NoImages, match="no image"):
        scan(tmp_path)
    with pytest.raises(BadValue, match="does not exist"):
        scan(tmp_path / "none")
    grow(tmp_path, "1.png")
    with pytest.raises(BadValue, match="one file, and no table"):
        scan(tmp_path / "1.png")


def test_links_in_circles_end(tmp_path: Path):
    grow(tmp_path, "cat/1.png", "dog/1.png")
    (tmp_path / "cat/again").symlink_to(tmp_path / "cat")
    (tmp_path / "dog/up").symlink_to(tmp_path)
    paths = [item.path.relative_to(tmp_path).as_posix() for item in scan(tmp_path).items]
    assert paths.count("cat/1.png") == 1
    assert not any("again" in path for path in paths)


def test_a_linked_class_folder_and_a_broken_link_are_seen(tmp_path: Path):
    grow(tmp_path, "store/far/1.png", "photos/cat/1.png")
    (tmp_path / "photos/dog").symlink_to(tmp_path / "store/far")
    (tmp_path / "photos/cat/gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert found(tmp_path / "photos").keys() == {"cat/1.png", "cat/gone.jpg", "dog/1.png"}


def test_files_without_an_ending_are_known_by_their_first_bytes(tmp_path: Path):
    grow(tmp_path, "cat/IMG0001", "cat/scan.2024", "dog/1.png")
    (tmp_path / "cat/README").write_text("hello")
    (tmp_path / "cat/labels.json").write_text("{}")
    assert found(tmp_path).keys() == {"cat/IMG0001", "cat/scan.2024", "dog/1.png"}


def test_formats_that_are_not_read_are_not_passed_over_in_silence(tmp_path: Path):
    grow(tmp_path, "cat/1.png")
    (tmp_path / "cat/2.jxl").write_bytes(b"\xff\x0a" + b"\0" * 16)
    assert "JPEG XL" in str(read(scan(tmp_path)).entries[1].fault)


def test_names_that_are_no_text_are_read(tmp_path: Path):
    grow(tmp_path, "dog/1.png")
    folder = bytes(tmp_path) + b"/l\xf6we"
    Path(folder.decode(errors="surrogateescape")).mkdir()
    Path((folder + b"/\xff.png").decode(errors="surrogateescape")).write_bytes(PNG)
    assert all(entry.good for entry in read(scan(tmp_path)).entries)


def test_one_class_is_refused_with_a_hint_at_the_folder_inside(tmp_path: Path):
    grow(tmp_path, "photos/cat/1.png", "photos/dog/1.png", "cover.png")
    with pytest.raises(DataFault, match=r"(?s)one class, 'photos'.*photos has the folders cat, dog"):
        check_classes(read(scan(tmp_path)).entries)
    check_classes(read(scan(tmp_path / "photos")).entries)


def test_digits_are_the_ones_of_scikit_learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("RECEPTRON_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    catalog = scan("digits")
    flat, labels = load_digits(return_X_y=True)
    reading = read(catalog, 8)
    assert catalog.classes == tuple("0123456789")
    for entry in reading.entries:
        index = int(entry.item.path.stem)
        pixels = reading.canvases[entry.sha256][..., 0]
        assert str(labels[index]) == entry.item.label
        assert np.array_equal(np.rint(pixels / 255 * 16), flat[index].reshape(8, 8))
    grow(tmp_path, "digits/a/1.png")
    assert scan("digits").classes == ("a",)


def test_images_to_predict_are_found_in_folders_patterns_and_by_name(tmp_path: Path):
    grow(tmp_path, "a/1.png", "a/b/2.jpg", "3.gif", "a/.hidden.png")
    (tmp_path / "odd.bin").write_bytes(PNG)
    names = [path.name for path in find_images([tmp_path / "a", str(tmp_path / "*.gif"), tmp_path / "odd.bin", tmp_path / "a/1.png"]).files]
    assert names == ["1.png", "2.jpg", "3.gif", "odd.bin"]
    for missing in ("none.png", "*.webp"):
        with pytest.raises(BadValue, match="names no file"):
            find_images([tmp_path / missing])
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoImages):
        find_images([tmp_path / "empty"])


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([f"class {i}" for i in range(MOST_CLASSES + 1)], "4,097 classes"),
        (["a", "x" * (LONGEST_LABEL + 1)], "1,001 characters"),
        (["a", "\udcff"], "no Unicode"),
    ],
)
def test_classes_that_a_model_could_not_keep_are_refused_before_training(labels: list[str], told: str):
    facts = ImageFacts("png", 32, 32, "RGB", grey=False)
    entries = [Entry(Item(Path("a.png"), label), "0" * 64, facts) for label in labels]
    with pytest.raises(DataFault, match=told):
        check_classes(entries)
    check_classes([replace(entry, item=replace(entry.item, label=f"{i:04}")) for i, entry in enumerate(entries[:MOST_CLASSES])])
