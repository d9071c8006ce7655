"""One pass over all files: canvases of the right size, the same bytes whatever the number of workers, memory within its budget."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malformed import encoded, photo
from PIL import Image

from receptron.data.dataset.scan import scan
from receptron.data.ingest import CanvasPlan, load, read
from receptron.data.preprocessing.image_cache import Canvases
from receptron.data.preprocessing.resize import resized
from receptron.errors import UnknownName


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of many sizes and formats, some broken, one twice."""
    root = tmp_path_factory.mktemp("mixed")
    rng = np.random.default_rng(0)
    for index in range(40):
        folder = root / "ab"[index % 2]
        folder.mkdir(exist_ok=True)
        kind = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")[index % 6]
        image = photo(256, index).resize(tuple(map(int, rng.integers(20, 900, 2))))
        data = encoded(kind, image)
        (folder / f"{index:02d}.{kind.lower()}").write_bytes(data[: len(data) // 3] if index % 10 == 7 else data)
    (root / "a/twin.jpeg").write_bytes((root / "a/00.jpeg").read_bytes())
    return root


def test_the_number_of_workers_changes_nothing(mixed: Path):
    catalog = scan(mixed)
    one, other = read(catalog, 96, workers=1), read(catalog, 96, workers=5)
    assert one.entries == other.entries
    for field in ("grey", "colour", "digests", "sides"):
        assert np.array_equal(getattr(one.looks, field), getattr(other.looks, field))
    assert one.canvases is not None and other.canvases is not None
    digests = {entry.sha256 for entry in one.good}
    assert len(one.canvases) == len(other.canvases) == len(digests) == 36
    assert all(np.array_equal(one.canvases[digest], other.canvases[digest]) for digest in digests)


def test_the_side_changes_no_look_and_no_hash(mixed: Path):
    catalog = scan(mixed)
    for side in (None, 64, 256):
        reading = read(catalog, side)
        assert reading.entries == read(catalog).entries
        assert (reading.canvases is None) == (side is None)


def test_prediction_sees_the_canvas_that_training_saw(mixed: Path):
    reading = read(scan(mixed), 80, "bicubic")
    for entry in reading.good:
        pixels, facts = load(entry.item.path.read_bytes(), str(entry.item.path), CanvasPlan(80, "bicubic"))
        assert np.array_equal(pixels, reading.canvases[entry.sha256])
        assert facts == entry.facts


def test_progress_counts_every_image(mixed: Path):
    class Log:
        def __init__(self):
            self.total, self.count, self.note = 0, 0, ""

        def start(self, stage: str, total: int, unit: str):
            self.total = total

        def advance(self, count: int = 1, note: str = ""):
            self.count += count

        def done(self, note: str = ""):
            self.note = note

    log = Log()
    read(scan(mixed), progress=log)
    assert (log.total, log.count, log.note) == (41, 41, "4 unreadable")


@given(st.integers(1, 300), st.integers(1, 300), st.integers(4, 64))
def test_a_canvas_has_its_side_and_is_never_longer_than_twice(width: int, height: int, side: int):
    made = resized(np.zeros((height, width, 3), np.uint8), side)
    assert min(made.shape[:2]) == side
    assert max(made.shape[:2]) <= 2 * side
    if max(width, height) <= 2 * min(width, height):
        assert max(made.shape[:2]) == round(side * max(width, height) / min(width, height))


def test_a_canvas_is_the_antialiased_resize_of_its_centre():
    pixels = np.asarray(photo(300).resize((900, 200)))
    expected = np.asarray(Image.fromarray(pixels).resize((180, 40), Image.Resampling.BILINEAR))[:, 50:130]
    assert np.array_equal(resized(pixels, 40), expected)
    assert not np.array_equal(resized(pixels, 40), resized(pixels, 40, "nearest"))


def test_a_canvas_of_the_right_size_is_left_alone():
    pixels = np.asarray(photo(64))
    assert np.array_equal(resized(pixels, 64), pixels)


def test_an_unknown_interpolation_is_refused():
    with pytest.raises(UnknownName, match=r"'bilinar'. Did you mean bilinear"):
        resized(np.zeros((4, 4, 3), np.uint8), 2, "bilinar")


@pytest.mark.parametrize("budget", [0, 1000, 10**9])
def test_canvases_come_back_from_memory_and_from_disk(budget: int):
    rng = np.random.default_rng(0)
    arrays = {f"{index:064x}": rng.integers(0, 256, (int(rng.integers(1, 20)), 11, 3), np.uint8) for index in range(30)}
    store = Canvases(budget)
    for digest, pixels in arrays.items():
        store.add(digest, pixels.astype(np.uint8))
        assert np.array_equal(store[digest], pixels)
    assert store.held <= budget
    assert store.held + store.spilled == sum(pixels.nbytes for pixels in arrays.values())
    assert all(np.array_equal(store[digest], pixels) for digest, pixels in arrays.items())
    assert len(store) == 30 and "none" not in store
    with pytest.raises(KeyError):
        store["none"]


def test_a_known_canvas_is_kept_once():
    store = Canvases()
    store.add("x", np.zeros((2, 2, 3), np.uint8))
    store.add("x", np.ones((2, 2, 3), np.uint8))
    assert len(store) == 1 and not store["x"].any()


@pytest.mark.campaign
def test_ten_thousand_mutated_files_end_in_pixels_or_a_reason():
    """No flipped byte may end in a crash, a warning or any other error."""
    from receptron.data.reading.decode import decode
    from receptron.data.reading.file_bytes import Limits
    from receptron.errors import UnreadableImage

    rng = np.random.default_rng(0)
    seeds = [encoded(kind, photo(48)) for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")]
    read_well = 0
    for _ in range(10_000):
        data = bytearray(seeds[rng.integers(len(seeds))])
        for place in rng.integers(0, len(data), rng.integers(1, 8)):
            data[place] = rng.integers(256)
        try:
            pixels, facts = decode(bytes(data), Limits(memory=8_000_000))
        except UnreadableImage as error:
            assert error.reason
            continue
        assert pixels.shape == (facts.height, facts.width, 3)
        read_well += 1
    assert 0 < read_well < 10_000
