"""Images of bands: arrays and TIFFs read with their own numbers, each axis known or asked for, and nothing unpickled."""

import io
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from receptron.data.audit.audit import audit as rules
from receptron.data.augmentation.policy import POLICIES, fitted
from receptron.data.augmentation.views import augmented
from receptron.data.bands import tiff_file
from receptron.data.bands.band_image import canvas_of, composite, in_bands
from receptron.data.bands.band_plan import BandFault, BandPlan
from receptron.data.bands.statistics import SILENT, statistics_of
from receptron.data.dataset.scan import scan
from receptron.data.deduplication.duplicates import find_duplicates
from receptron.data.ingest import read
from receptron.data.preprocessing.image_cache import Canvases
from receptron.data.preprocessing.normalize import prepare
from receptron.data.reading.decode import decode
from receptron.data.reading.file_bytes import Limits, within
from receptron.errors import BadValue, UnknownName, UnreadableImage
from receptron.weights.inputs import InputSpec


def npy(values: np.ndarray, **how: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values, **how)
    return stream.getvalue()


def chance(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).normal(100, 20, shape).astype(np.float32)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float16", "float32", "float64", ">f4", ">u2", "bool"])
@pytest.mark.parametrize("axis", ["first", "last"])
def test_arrays_of_every_type_and_order_come_as_they_are(dtype: str, axis: str):
    values = chance(20, 24, 5).astype(dtype)
    stored = np.moveaxis(values, -1, 0) if axis == "first" else values
    for order in ("C", "F"):
        data = npy(np.asarray(stored, order=order))
        pixels, facts = decode(data, name="a.npy")
        assert (facts.bands, facts.width, facts.height, facts.format, facts.extension_fits) == (5, 24, 20, "NPY", True)
        assert pixels.dtype == np.uint8 and pixels.shape == (20, 24, 3)
        assert np.array_equal(in_bands(np.load(io.BytesIO(data)), BandPlan(axis=axis)), values.astype(np.float32))


@pytest.mark.parametrize(
    ("shape", "axis"),
    [((13, 64, 64), "first"), ((64, 64, 13), "last"), ((2, 64, 400), "first"), ((64, 400, 2), "last"), ((1, 9, 9), "first"),
     ((9, 9, 1), "last"), ((3, 6, 6), "first"), ((13, 13, 13), None), ((8, 9, 10), None), ((2, 3, 3), None), ((2, 40, 2), None)],
)  # fmt: skip
def test_the_axis_of_the_bands_is_plain_or_asked_for(shape: tuple[int, ...], axis: str | None):
    if axis is None:
        with pytest.raises(BandFault, match="--channels-axis"):
            BandPlan().axis_of(shape)
        for said in ("first", "last"):
            assert BandPlan(axis=said).axis_of(shape) == said
    else:
        assert BandPlan().axis_of(shape) == axis
    if shape[0] != shape[-1]:
        for count, where in ((shape[0], "first"), (shape[-1], "last")):
            assert BandPlan(count).axis_of(shape) == where


class Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (str(self.marker), "w"))


def test_objects_are_never_unpickled(tmp_path: Path):
    marker = tmp_path / "ran"
    for values in (np.array([[Evil(marker)] * 2] * 2, object), np.array([[({"a": Evil(marker)},)]], object)):
        with pytest.raises(UnreadableImage, match="never unpickled"):
            decode(npy(values, allow_pickle=True), name="a.npy")
    for data in (pickle.dumps(Evil(marker)), b"\x93NUMPY\x01\x00\x76\x00" + pickle.dumps(Evil(marker))):
        with pytest.raises(UnreadableImage):
            decode(data, name="a.npy")
    assert not marker.exists()


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def test_memory_is_claimed_only_for_what_the_file_holds():
    for shape in ("(1000000, 1000000)", "(4, 1000000000, 1000000000)", "(-1, 5)", "(3, 2**9999)"):
        with pytest.raises(UnreadableImage):
            decode(header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n"), name="a.npy")
    whole = npy(chance(64, 64, 4))
    with pytest.raises(UnreadableImage, match="over the limit"):
        decode(whole, Limits(memory=60_000), name="a.npy")
    for cut in (whole[:-1], whole[:200], whole[:40], whole[:9]):
        with pytest.raises(UnreadableImage):
            decode(cut, name="a.npy")
    with pytest.raises(UnreadableImage, match="longer than"):
        decode(whole + b"x", name="a.npy")


@pytest.mark.parametrize(
    ("values", "told"),
    [(np.array([[1 + 1j]]), "amplitude and phase"), (np.array([["a", "b"]]), "not plain numbers"),
     (np.zeros((2, 2), [("a", "f4")]), "not plain numbers"), (np.array([["2020-01-01"]], "M8[D]"), "not plain numbers"),
     (np.zeros((0, 4)), "is no image"), (np.full((4, 4), np.nan), "16 of its 16 values are NaN"),
     (np.where(np.eye(4) > 0, np.inf, 0), "4 of its 16"), (np.full((4, 4), 1e300), "infinite"), (np.zeros((2000, 9, 9)), "at most 1,024")],
)  # fmt: skip
def test_what_is_no_image_of_finite_numbers_is_told(values: np.ndarray, told: str):
    with pytest.raises(UnreadableImage, match=told):
        decode(npy(values), name="a.npy", scale=None, bands=BandPlan(axis="first" if values.shape == (2000, 9, 9) else "auto"))


def test_arrays_of_other_axes_are_no_images_and_those_among_photos_are_told(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for label in "ab":
        np.save(tmp_path / label / "labels.npy", np.arange(9))
        np.save(tmp_path / label / "mask.npy", np.zeros((8, 8), np.uint8))
    assert {item.path.name for item in scan(tmp_path).items} == {"mask.npy"}
    assert any("labels.npy" in one.path for one in scan(tmp_path).unused)
    for label in "ab":
        Image.new("RGB", (40, 40), "red").save(tmp_path / label / "x.png")
    found = scan(tmp_path)
    assert {item.path.name for item in found.items} == {"x.png"}
    assert sum(one.reason == "a NumPy array among photos" for one in found.unused) == 2


def test_a_canvas_is_the_whole_image_as_torch_would_squeeze_it_and_a_composite_shows_every_band():
    values = chance(64, 400, 3)
    expected = torch.nn.functional.interpolate(torch.from_numpy(values.transpose(2, 0, 1))[None], (50, 50), mode="bilinear", antialias=True)
    assert np.allclose(canvas_of(values, 50), expected[0].permute(1, 2, 0).numpy())
    assert abs(canvas_of(values, 50).mean() - values.mean()) < 0.5, "nothing is cut"
    for bands in (1, 2, 3, 5, 13):
        flat = np.zeros((6, 6, bands), np.float32)
        for band in range(bands):
            lit = flat.copy()
            lit[2, 2, band] = 1
            assert composite(lit).shape == (6, 6, 3) and composite(lit)[2, 2].any(), (bands, band)
    assert np.array_equal(composite(chance(9, 9, 3))[..., 1], composite(chance(9, 9, 3)[..., 1:2])[..., 0])


def test_statistics_are_numpy_s_and_a_constant_band_says_nothing():
    canvases = [chance(7, 5, 4) * np.array([1, 1e-3, 1e4, 0]) + np.array([0, 5, 1e6, 3]) for _ in range(1)]
    canvases += [chance(8, 8, 4) * np.array([1, 1e-3, 1e4, 0]) + np.array([0, 5, 1e6, 3])]
    canvases = [canvas.astype(np.float32) for canvas in canvases]
    pixels = np.concatenate([canvas.reshape(-1, 4) for canvas in canvases]).astype(np.float64)
    found = statistics_of(canvases)
    assert np.allclose(found.mean, pixels.mean(0), rtol=1e-9)
    assert np.allclose(found.std[:3], pixels.std(0)[:3], rtol=1e-6) and found.std[3] == SILENT and found.constant == (4,)
    spec = InputSpec(5, found.mean, found.std, "bilinear", 1.0, 4, "auto")
    ready = prepare([canvas[:5, :5] for canvas in canvases], spec, 4)
    by_hand = (np.stack([canvas[:5, :5] for canvas in canvases]) - found.mean) / found.std
    assert np.allclose(ready.permute(0, 2, 3, 1).numpy(), by_hand, atol=1e-4) and float(ready[:, 3].abs().max()) < 1e-6


def test_canvases_are_not_changed_by_being_fed_and_come_back_from_disk_as_they_were():
    canvases = [chance(32, 32, 2) for _ in range(3)]
    before = [canvas.copy() for canvas in canvases]
    spec = InputSpec(32, (100.0, 100.0), (20.0, 20.0), "bilinear", 1.0, 2, "auto")
    policy = fitted("strong", 32, 2, grey=False, bands=True).policy
    prepare(canvases, spec, 2)
    views = augmented(canvases, ["a", "b", "c"], spec, policy, channels=2, seed=0, epoch=0)
    assert all(np.array_equal(*pair) for pair in zip(canvases, before, strict=True)) and views.shape == (3, 2, 32, 32)
    with pytest.raises(BadValue, match="2 bands"):
        prepare(canvases, spec, 3)
    spilled = Canvases(budget=0)
    for name, canvas in zip("abc", canvases, strict=True):
        spilled.add(name, canvas)
    spilled.add("photo", np.arange(30, dtype=np.uint8).reshape(2, 5, 3))
    assert all(np.array_equal(spilled[name], canvas) for name, canvas in zip("abc", canvases, strict=True))
    assert spilled["photo"].dtype == np.uint8 and spilled["photo"].sum() == sum(range(30))


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_nothing_that_concerns_tones_touches_bands(name: str):
    found = fitted(name, 64, 13, grey=False, bands=True)
    policy = found.policy
    assert not any((policy.brightness, policy.contrast, policy.saturation, policy.hue, policy.automatic))
    had = POLICIES[name]
    assert bool(found.left_out) == bool(had.brightness or had.contrast or had.automatic)
    assert (policy.area, policy.flip, policy.rotation, policy.blur) == (had.area, had.flip, had.rotation, had.blur)


def test_only_equal_values_are_copies_however_alike_pictures_of_bands_are(tmp_path: Path):
    """Spectrograms of one instrument look alike to a hash of photos; a mirrored one is a copy all the same."""
    slope = np.linspace(-60, 0, 64, dtype=np.float32)[:, None].repeat(80, 1)
    for label in "ab":
        (tmp_path / label).mkdir()
        for i in range(4):
            np.save(tmp_path / label / f"{i}.npy", slope + np.random.default_rng(i + 10 * (label == "b")).normal(0, 1, slope.shape))
    np.save(tmp_path / "a" / "copy.npy", np.load(tmp_path / "a" / "0.npy")[:, ::-1])
    np.save(tmp_path / "a" / "same.npy", np.load(tmp_path / "a" / "1.npy")[None])
    catalog = scan(tmp_path)
    reading = read(catalog)
    clusters = find_duplicates(reading)
    sets = {frozenset(reading.entries[place].item.path.name for place in places) for places in clusters.sets}
    assert sets == {frozenset({"0.npy", "copy.npy"}), frozenset({"1.npy", "same.npy"})}
    assert "bands" in rules(catalog, reading, clusters).not_searched[0]


def test_bands_of_an_input_are_held_to_their_number_and_to_finite_values():
    InputSpec(9, (1e6, -3.0), (1e-9, 1e12), "bilinear", 1.0, 2, "first")
    one, nan, inf = (1.0,) * 2, (float("nan"),) * 2, (float("inf"),) * 2
    odd = [((0.0,), (1.0,), 2), (one, (1.0, 0.0), 2), (one, (1.0, -1.0), 2), (nan, one, 2), (inf, one, 2), (one, nan, 2)]
    for mean, std, bands in (*odd, ((0.0,) * 5, (1.0,) * 5, None), ((), (), 0), ((0.0,) * 2000, (1.0,) * 2000, 2000)):
        with pytest.raises(BadValue):
            InputSpec(9, mean, std, "bilinear", 1.0, bands, "auto")
    from receptron.data.dataset.scan_options import ScanOptions, check_options

    with pytest.raises(UnknownName):
        check_options(ScanOptions(channels_axis="middle"))


def test_without_the_extra_a_tiff_of_bands_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    import sys

    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(UnreadableImage, match=r"receptron\[bands\]"):
        decode(plain_tiff(chance(8, 8, 13)), name="a.tif")


def plain_tiff(values: np.ndarray) -> bytes:
    """An uncompressed TIFF of float32 samples beside each other, written by hand after the specification."""
    height, width, bands = values.shape
    pixels = values.astype("<f4").tobytes()
    bits = struct.pack(f"<{bands}H", *[32] * bands)
    formats = struct.pack(f"<{bands}H", *[3] * bands)
    start = 8
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, bands, start + len(pixels)), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(273, 4, 1, start), (277, 3, 1, bands), (278, 4, 1, height), (279, 4, 1, len(pixels)), (284, 3, 1, 1)]
    tags += [(339, 3, bands, start + len(pixels) + len(bits))]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + b"\0\0\0\0"
    return b"II*\0" + struct.pack("<I", start + len(pixels) + 2 * len(bits)) + pixels + bits + formats + directory


def test_tiffs_of_bands_come_as_they_were_written_however_they_lie():
    tifffile = pytest.importorskip("tifffile")
    values = chance(20, 24, 13)
    assert np.array_equal(tiff_file.values_of(plain_tiff(values), 10**9), values)

    def written(array: np.ndarray, **how: object) -> bytes:
        stream = io.BytesIO()
        tifffile.imwrite(stream, array, **how)
        return stream.getvalue()

    first = np.ascontiguousarray(values.transpose(2, 0, 1))
    ways = {
        "pixel by pixel": written(values, photometric="minisblack", planarconfig="contig"),
        "band by band": written(first, photometric="minisblack", planarconfig="separate"),
        "page by page": written(first, photometric="minisblack"),
        "big": written(values, photometric="minisblack", planarconfig="contig", bigtiff=True),
        "the other end first": written(values, photometric="minisblack", planarconfig="contig", byteorder=">"),
        "deflated": written(values, photometric="minisblack", planarconfig="contig", compression="zlib"),
    }
    for way, data in ways.items():
        facts = tiff_file.facts_of(data)
        assert facts is not None and facts.has_bands, way
        assert np.array_equal(tiff_file.values_of(data, 10**9), values), way
        assert decode(data, name="a.tif")[1].bands == 13, way
    two = written(values[..., :2].astype(np.uint16), photometric="minisblack", planarconfig="contig")
    assert decode(two, name="a.tif")[1].bands == 2
    with pytest.raises(UnreadableImage, match="over the limit"):
        decode(ways["big"], Limits(memory=9_000), name="a.tif")
    for data in (ways["deflated"][:-900], ways["pixel by pixel"][: len(values.tobytes()) // 2]):
        with pytest.raises(UnreadableImage):
            decode(data, name="a.tif")


def test_tiffs_of_photos_stay_photos():
    for mode, size in (("RGB", 3), ("RGBA", 4), ("L", 1), ("LA", 2), ("CMYK", 4), ("1", 1), ("I;16", 1), ("F", 1)):
        stream = io.BytesIO()
        Image.new(mode, (9, 9)).save(stream, "TIFF")
        facts = tiff_file.facts_of(stream.getvalue())
        assert facts is not None and not facts.has_bands, mode
        assert facts.samples == size
        assert decode(stream.getvalue(), within(400), name="a.tif")[1].bands == 0
