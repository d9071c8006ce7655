"""One scale of depth for a whole set: from the files' own tags or the set's range, never from each image by itself."""

from pathlib import Path

import numpy as np
import pytest
from malformed import chunk, encoded
from PIL import Image
from test_pixel_formats import raw_png

from deep_files import tiff
from receptron.data.dataset.scan import scan
from receptron.data.ingest import CanvasPlan, load, read
from receptron.data.reading.decode import decode
from receptron.data.reading.depth_scale import NOMINAL, DepthRange, DepthScale, scale_of
from receptron.errors import BadValue, UnreadableImage
from receptron.fault_kind import FaultKind
from receptron.jobs.audit import audit

SIDE = 32


def grey(top: int, seed: int = 0) -> np.ndarray:
    """Values up to `top`, of which one pixel has it."""
    values = np.random.default_rng(seed).integers(0, 4096, (SIDE, SIDE))
    values[0, 0] = top
    return values


def put(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def means(root: Path) -> list[float]:
    reading = read(scan(root), SIDE)
    assert reading.canvases is not None and len(reading.good) == len(reading.entries)
    return [float(reading.canvases[entry.sha256].mean()) for entry in reading.entries]


WRITERS = {
    "png": lambda values: raw_png(values, 16, 0),
    "tif": tiff,
    "tif, packed": lambda values: tiff(values, packed=True),
    "tif, big endian": lambda values: tiff(values, order=">"),
    "colour png": lambda values: raw_png(np.dstack([values] * 3), 16, 2),
    "colour tif": lambda values: tiff(np.dstack([values] * 3)),
    "colour tif, packed": lambda values: tiff(np.dstack([values] * 3), packed=True),
    "colour tif, big endian": lambda values: tiff(np.dstack([values] * 3), order=">"),
    "colour tif, packed, big endian": lambda values: tiff(np.dstack([values] * 3), order=">", packed=True),
    "colour and alpha png": lambda values: raw_png(np.dstack([values] * 3 + [np.full_like(values, 65535)]), 16, 6),
    "grey and alpha png": lambda values: raw_png(np.dstack([values, np.full_like(values, 65535)]), 16, 4),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(("one", "other"), [(4095, 4096), (255, 256), (4000, 65535), (12, 4097)])
def test_one_brighter_pixel_does_not_change_the_picture(writer: str, one: int, other: int, tmp_path: Path):
    write, ending = WRITERS[writer], "png" if "png" in writer else "tif"
    values = grey(0) % (one + 1)
    files = {}
    for label, top in (("a", one), ("b", other)):
        values[0, 0] = top
        files[f"{label}/x.{ending}"] = write(values)
    first, second = means(put(tmp_path, files))
    assert abs(first - second) <= 255 / SIDE**2 + 0.01


@pytest.mark.parametrize("writer", WRITERS)
def test_all_bits_count_and_the_truth_is_arithmetic(writer: str, tmp_path: Path):
    """12 bits in 16: 4,095 is white, and all 256 levels are there."""
    ramp = np.linspace(0, 4095, SIDE * SIDE).round().astype(int).reshape(SIDE, SIDE)
    ending = "png" if "png" in writer else "tif"
    reading = read(scan(put(tmp_path, {f"a/x.{ending}": WRITERS[writer](ramp), f"b/y.{ending}": WRITERS[writer](ramp[::-1])})), SIDE)
    assert reading.depth.integers == DepthRange(0, 4095, "range")
    canvas = reading.canvases[reading.entries[0].sha256]
    assert np.array_equal(canvas[..., 1], np.rint(ramp * 255 / 4095))
    assert len(np.unique(canvas)) == 256


TAGGED = {
    "SMaxSampleValue": (tiff(grey(1000) % 1001, {341: (3, 1023)}), 1023),
    "MaxSampleValue": (tiff(grey(1000) % 1001, {281: (3, 2000)}), 2000),
    "sBIT, values as they are": (raw_png(grey(1023) % 1024, 16, 0, chunk(b"sBIT", b"\x0a")), 1023),
    "sBIT, moved to the top": (raw_png((grey(1023) % 1024) << 6, 16, 0, chunk(b"sBIT", b"\x0a")), 65535),
    "colour": (tiff(np.dstack([grey(1000) % 1001] * 3), {341: (3, 1023)}), 1023),
}


@pytest.mark.parametrize("name", TAGGED)
def test_what_the_files_state_comes_before_what_they_hold(name: str, tmp_path: Path):
    data, white = TAGGED[name]
    ending = "png" if data.startswith(b"\x89PNG") else "tif"
    depth = read(scan(put(tmp_path, {f"a/x.{ending}": data, f"b/y.{ending}": data}))).depth
    assert depth.integers == DepthRange(0, white, "tags")


def test_a_statement_that_the_values_contradict_does_not_count(tmp_path: Path):
    files = {"a/x.tif": tiff(grey(4000), {341: (3, 1023)}), "b/y.tif": tiff(grey(4001), {341: (3, 1023)})}
    assert read(scan(put(tmp_path, files))).depth.integers == DepthRange(0, 4095, "range")


def test_floats_have_one_scale_as_well(tmp_path: Path):
    rng = np.random.default_rng(0)
    values = [rng.random((SIDE, SIDE), np.float32) * 0.9, rng.random((SIDE, SIDE), np.float32) * 0.9]
    values[1][0, 0] = 1.2
    files = {f"{'ab'[i]}/{i}.tif": encoded("TIFF", Image.fromarray(one)) for i, one in enumerate(values)}
    reading = read(scan(put(tmp_path, files)), SIDE)
    assert reading.depth.floats == DepthRange(0, 255, "range") and reading.depth.integers == NOMINAL.integers
    canvas = reading.canvases[reading.entries[0].sha256]
    assert np.array_equal(canvas[..., 0], np.rint(values[0]))


@pytest.mark.parametrize("writer", WRITERS)
def test_prediction_uses_the_scale_of_training(writer: str):
    plan = CanvasPlan(SIDE, scale=DepthScale(DepthRange(0, 4095, "range"), NOMINAL.floats))
    values = grey(4095)
    canvas = load(WRITERS[writer](values), "x", plan)[0]
    values[0, 0] = 4096  # a hot pixel
    assert np.array_equal(load(WRITERS[writer](values), "x", plan)[0], canvas)
    assert np.array_equal(canvas[..., 0], np.rint(grey(4095) * 255 / 4095))
    with pytest.raises(UnreadableImage, match="another depth") as caught:
        load(WRITERS[writer](values * 16), "x", plan)
    assert caught.value.kind is FaultKind.UNSUPPORTED and "depth" in caught.value.mend


@pytest.mark.parametrize("writer", WRITERS)
def test_a_model_of_8_bit_images_takes_16_bits_as_their_format_says_or_refuses(writer: str):
    plan = CanvasPlan(SIDE, scale=NOMINAL)
    values = np.random.default_rng(1).integers(0, 65536, (SIDE, SIDE))
    assert np.abs(load(WRITERS[writer](values), "x", plan)[0][..., 0] - values / 257).max() <= 1
    with pytest.raises(UnreadableImage, match="depth is unknown"):
        load(WRITERS[writer](values // 16), "x", plan)


def test_audit_tells_the_scale_and_who_departs_from_it(tmp_path: Path):
    files = {"a/x.tif": tiff(grey(1000) % 1001, {341: (3, 1023)}), "b/y.tif": tiff(grey(4095), {341: (3, 4095)})}
    found = {one.kind: one for one in audit(put(tmp_path, files)).findings}
    assert "0 becomes black and 4,095 white, as the files state" in found["16-bit"].message
    assert found["mixed depth"].severity == "warning" and found["mixed depth"].files == ("a/x.tif",)


def test_sixteen_bits_in_separate_planes_are_refused_rather_than_misread():
    planes = np.random.default_rng(0).integers(0, 65536, (8, 8, 3))
    with pytest.raises(UnreadableImage, match="separate colour planes") as caught:
        decode(tiff(planes, {284: (3, 2)}))
    assert caught.value.kind is FaultKind.UNSUPPORTED


@pytest.mark.parametrize(("black", "white"), [(0, 0), (5, 1), (0, float("nan")), (float("-inf"), 1), (0, float("inf"))])
def test_a_scale_that_is_none_is_refused(black: float, white: float):
    with pytest.raises(BadValue, match="scale of depth"):
        DepthRange(black, white, "range")


def test_nothing_deep_means_what_the_formats_say():
    assert scale_of([]) == NOMINAL
