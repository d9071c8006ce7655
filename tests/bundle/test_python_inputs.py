"""What Python hands over as an image: every way to the same file gives the same answer, and what is no image is refused in our words."""

import io
import os
from collections import UserString
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

import receptron
from cards import COLOUR, saved
from deep_files import png, tiff
from receptron.bundle.model import Model, load
from receptron.data.given_images.images import to_canvas
from receptron.data.ingest import CanvasPlan
from receptron.data.reading.depth_scale import NOMINAL, DepthRange, DepthScale
from receptron.errors import BadValue, NotABundle, ReceptronError, UnreadableImage
from receptron.given_path import check_given
from receptron.jobs.options import Extras
from receptron.jobs.predict import predict


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(saved(tmp_path_factory.mktemp("model") / "model", name="cifar_resnet20", channels=3, spec=COLOUR))


def picture(size: tuple[int, int] = (90, 70), seed: int = 0) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def alpha(size: tuple[int, int] = (90, 70)) -> Image.Image:
    image = picture(size).convert("RGBA")
    image.putalpha(picture(size, 1).convert("L"))
    return image


def clear_palette() -> Image.Image:
    image = picture().convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    image.info["transparency"] = 3
    return image


def deep(top: int = 65_535) -> Image.Image:
    values = np.random.default_rng(2).integers(0, top + 1, (70, 90)).astype(np.uint16)
    return Image.fromarray(values)


def turned(turn: int) -> dict[str, object]:
    exif = Image.Exif()
    exif[0x0112] = turn
    return {"exif": exif}


FILES: dict[str, tuple[Image.Image, str, dict[str, object]]] = {
    "RGB png": (picture(), "PNG", {}),
    "RGB jpeg": (picture(), "JPEG", {}),
    "RGB webp": (picture(), "WEBP", {}),
    "RGB bmp": (picture(), "BMP", {}),
    "L png": (picture().convert("L"), "PNG", {}),
    "L jpeg": (picture().convert("L"), "JPEG", {}),
    "1 png": (picture().convert("1"), "PNG", {}),
    "1 tiff": (picture().convert("1"), "TIFF", {"compression": "group4"}),
    "P png": (picture().convert("P"), "PNG", {}),
    "P gif": (picture().convert("P"), "GIF", {}),
    "P clear png": (clear_palette(), "PNG", {}),
    "P clear gif": (clear_palette(), "GIF", {}),
    "P alpha png": (picture().convert("P"), "PNG", {"transparency": bytes(range(256))}),
    "L clear png": (picture().convert("L"), "PNG", {"transparency": 77}),
    "RGB clear png": (picture().quantize(8).convert("RGB"), "PNG", {"transparency": (0, 0, 0)}),
    "RGBA png": (alpha(), "PNG", {}),
    "RGBA webp": (alpha(), "WEBP", {"lossless": True}),
    "RGBA tiff": (alpha(), "TIFF", {}),
    "LA png": (alpha().convert("LA"), "PNG", {}),
    "CMYK jpeg": (picture().convert("CMYK"), "JPEG", {}),
    "CMYK tiff": (picture().convert("CMYK"), "TIFF", {}),
    "YCbCr jpeg": (picture().convert("YCbCr"), "JPEG", {}),
    "YCbCr tiff": (picture().convert("YCbCr"), "TIFF", {}),
    "I;16 png": (deep(), "PNG", {}),
    "I;16 tiff": (deep(), "TIFF", {}),
    "F tiff": (Image.fromarray(np.random.default_rng(3).random((70, 90), np.float32)), "TIFF", {}),
    "large png": (picture((2200, 2100)), "PNG", {"compress_level": 1}),
    "large turned png": (picture((2200, 1200)), "PNG", {"compress_level": 1, **turned(6)}),
    **{f"turned {turn} jpeg": (picture(), "JPEG", turned(turn)) for turn in range(1, 9)},
    **{f"turned {turn} tiff": (picture(), "TIFF", turned(turn)) for turn in (3, 6, 8)},
    **{f"turned {turn} png": (picture(), "PNG", turned(turn)) for turn in (2, 5, 8)},
}


@pytest.mark.parametrize("scale", [None, NOMINAL], ids=["of before", "nominal"])
@pytest.mark.parametrize("name", FILES)
def test_a_pillow_image_gives_the_canvas_of_its_file(name: str, scale: DepthScale | None, tmp_path: Path):
    image, kind, options = FILES[name]
    path = tmp_path / f"x.{kind.lower()}"
    image.save(path, kind, **options)
    plan = CanvasPlan(64, "bicubic", scale=scale)
    expected = to_canvas(path, str(path), plan)
    with Image.open(path) as opened:
        assert np.array_equal(to_canvas(opened, "x", plan), expected)
        opened.load()
        assert np.array_equal(to_canvas(opened, "x", plan), expected)
    with path.open("rb") as file:
        assert np.array_equal(to_canvas(file, "x", plan), expected)
    for data in (path.read_bytes(), bytearray(path.read_bytes()), memoryview(path.read_bytes()), io.BytesIO(path.read_bytes())):
        assert np.array_equal(to_canvas(data, "x", plan), expected)


def test_a_large_jpeg_that_was_opened_goes_the_way_of_its_file(tmp_path: Path):
    path = tmp_path / "x.jpg"
    picture((2200, 2100)).save(path)
    plan = CanvasPlan(64)
    expected = to_canvas(path, "x", plan)
    with Image.open(path) as opened:
        assert np.array_equal(to_canvas(opened, "x", plan), expected)
        opened.load()
        assert np.abs(to_canvas(opened, "x", plan).astype(int) - expected).max() <= 4  # box filter instead of libjpeg's own reduction


def test_pixels_that_were_changed_count_and_not_the_file(tmp_path: Path):
    path, plan = tmp_path / "x.png", CanvasPlan(64)
    picture().save(path)
    with Image.open(path) as opened:
        opened.paste((255, 0, 0), (0, 0, 90, 70))
        assert to_canvas(opened, "x", plan)[..., 0].min() == 255
    with Image.open(path) as opened:
        assert np.array_equal(to_canvas(ImageOps.mirror(opened), "x", plan), to_canvas(path, "x", plan)[:, ::-1])


def test_the_frame_that_is_shown_counts(tmp_path: Path):
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "lime")]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    with Image.open(tmp_path / "x.gif") as opened:
        opened.seek(1)
        assert to_canvas(opened, "x", CanvasPlan(64))[0, 0].tolist() == [0, 255, 0]


def test_colour_whose_depth_pillow_dropped_is_refused(tmp_path: Path):
    plan = CanvasPlan(64, scale=DepthScale(DepthRange(0, 4095, "range"), NOMINAL.floats))
    values = np.random.default_rng(0).integers(0, 4096, (70, 70, 3))
    values[0, 0] = 4095
    for name, data in {"x.png": png(values), "x.tif": tiff(values)}.items():
        (tmp_path / name).write_bytes(data)
        with Image.open(tmp_path / name) as opened:
            assert to_canvas(opened, "x", plan).max() > 200
            opened.load()
            with pytest.raises(UnreadableImage, match="16 bits of colour"):
                to_canvas(opened, "x", plan)


def test_file_objects_are_one_image_each_and_are_left_where_they_stood(model: Model):
    file = io.BytesIO()
    picture().save(file, "PNG")
    place = file.tell()
    alone = model.predict(file)
    assert len(alone) == 1 and alone[0].answered and file.tell() == place
    many = model.predict([file] * 9 + [picture()], batch=2)
    assert len(many) == 10 and all(answer.probabilities == pytest.approx(alone[0].probabilities, abs=1e-6) for answer in many)


def test_a_file_object_that_cannot_be_wound_back_is_read(model: Model):
    file = io.BytesIO()
    picture().save(file, "PNG")
    read, write = os.pipe()
    with os.fdopen(write, "wb") as sink:
        sink.write(file.getvalue())
    with os.fdopen(read, "rb") as source:
        assert model.predict(source)[0].answered


def test_file_objects_that_give_nothing_are_told(model: Model, tmp_path: Path):
    closed = io.BytesIO(b"x")
    closed.close()
    (tmp_path / "x").write_bytes(b"")
    with (tmp_path / "y").open("wb") as write_only, (tmp_path / "x").open("rb") as empty:
        answers = model.predict([closed, write_only, empty])
    assert [answer.answered for answer in answers] == [False] * 3
    assert "empty" in str(answers[2].fault)
    with pytest.raises(BadValue, match="rb"):
        model.predict(io.StringIO("text"))


DTYPES = [torch.uint8, torch.bool, torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tensors_of_every_type_are_read(model: Model, dtype: torch.dtype):
    tensor = torch.zeros(3, 70, 70).to(dtype)
    tensor[:, 20:50] = 1 if dtype != torch.uint8 else 255
    expected = np.zeros((70, 70, 3), np.uint8)
    expected[20:50] = 255
    assert model.predict([tensor])[0].probabilities == pytest.approx(model.predict([expected])[0].probabilities, abs=1e-6)


NONSENSE: dict[str, Callable[[], object]] = {
    "None": lambda: None,
    "number": lambda: 5,
    "float": lambda: 0.5,
    "dict": lambda: {"a.png": 1},
    "type": lambda: Image.Image,
    "function": lambda: len,
    "object": object,
    "list of None": lambda: [None],
    "nested list": lambda: [["a.png"]],
    "string of our own": lambda: [UserString("a.png")],
    "integer tensor": lambda: [torch.zeros(3, 8, 8, dtype=torch.int32)],
    "complex tensor": lambda: [torch.zeros(3, 8, 8, dtype=torch.complex64)],
    "sparse tensor": lambda: [torch.zeros(3, 8, 8).to_sparse()],
    "meta tensor": lambda: [torch.zeros(3, 8, 8, device="meta")],
    "object array": lambda: [np.array([[None, 1], [2, 3]])],
    "text array": lambda: [np.array([["a", "b"]])],
    "flat tensor": lambda: [torch.zeros(8)],
    "scalar tensor": lambda: torch.tensor(1.0),
    "dates": lambda: [np.zeros((8, 8), "datetime64[s]")],
    "empty path": lambda: "",
}


@pytest.mark.parametrize("name", NONSENSE)
def test_what_is_no_image_is_refused_with_an_error_of_ours(model: Model, name: str):
    with pytest.raises(BadValue) as caught:
        model.predict(NONSENSE[name]())  # pyright: ignore
    assert caught.value.mend


@pytest.mark.parametrize("batch", [0, -1, 2.5, "8", None])
def test_a_batch_that_is_no_number_of_images_is_refused(model: Model, batch: object):
    with pytest.raises(BadValue, match="batch"):
        model.predict([picture()], batch=batch)


def test_images_of_no_size_and_of_unknown_modes_are_told(model: Model):
    answers = model.predict([Image.new("RGB", (0, 5)), picture().convert("HSV"), picture().convert("LAB"), picture()])
    assert [answer.answered for answer in answers] == [False, False, False, True]


@pytest.mark.parametrize("wrong", [None, 5, b"model", ["a"], 1.5, object()])
def test_a_path_that_is_none_is_refused_at_every_door(wrong: object):
    calls = (
        lambda: receptron.load(wrong),
        lambda: receptron.audit(wrong),
        lambda: receptron.train(wrong),
        lambda: receptron.evaluate("nowhere", wrong),
        lambda: receptron.evaluate(wrong, "nowhere"),
        lambda: predict(wrong, []),
        lambda: predict("nowhere", [wrong]),
        lambda: predict("nowhere", wrong),
    )
    for call in calls:
        with pytest.raises(ReceptronError):
            call()


@pytest.mark.parametrize("seed", ["1", None, 1.5])
def test_settings_of_another_type_are_refused(seed: object, tmp_path: Path):
    with pytest.raises(BadValue, match="seed"):
        receptron.train(tmp_path, seed=seed)
    with pytest.raises(BadValue, match="every"):
        receptron.train(tmp_path, extras=Extras(every="often"))
    with pytest.raises(BadValue, match="image-memory"):
        receptron.train(tmp_path, extras=Extras(image_memory="much"))


@pytest.mark.parametrize("wrong", [5, b"x", 1.5, [], True])
@pytest.mark.parametrize("name", ["net", "weights", "device", "extras", "test_size", "time"])
def test_every_argument_of_another_type_is_refused(name: str, wrong: object, tmp_path: Path):
    if name in ("time", "test_size") and isinstance(wrong, (int, float)) and wrong is not True:
        return
    with pytest.raises(ReceptronError):
        receptron.train(tmp_path, **{name: wrong})


@pytest.mark.parametrize("device", [5, None, b"cpu", "abacus", ""])
def test_a_device_that_is_none_is_refused(model: Model, device: str):
    with pytest.raises(BadValue, match="device"):
        receptron.load(model.folder, device)
    for side in (5, None, "middle"):
        with pytest.raises(ReceptronError):
            receptron.evaluate(model.folder, model.folder.parent, side=side)


def test_a_tilde_is_the_home_wherever_a_path_is_given(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for label in "ab":
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i in range(3):
            picture(seed=i + ord(label)).save(tmp_path / "photos" / label / f"{i}.png")
    saved(tmp_path / "m", name="cifar_resnet20", channels=3, spec=COLOUR)
    assert receptron.load("~/m").classes
    assert receptron.audit("~/photos").images == 6
    assert model.predict("~/photos/a/0.png")[0].answered and model.predict([Path("~/photos/a/0.png")])[0].answered
    found = predict("~/m", ["~/photos/a", "~/photos/b/*.png"])
    assert found.answered == 6
    assert not (tmp_path / "~").exists()
    assert check_given("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")
    with pytest.raises(NotABundle):
        receptron.load("~nobody-of-that-name/m")


def test_a_model_of_before_is_read_and_keeps_its_rule(tmp_path: Path):
    """Its images each went by their own depth; a card that says nothing of a scale is true for it."""
    import json

    from receptron.bundle import manifest, store

    folder = saved(tmp_path / "model", name="cifar_resnet20", channels=3, spec=COLOUR)
    files = {name: (folder / name).read_bytes() for name in (store.WEIGHTS, store.CARD, store.SPLIT)}
    card = json.loads(files[store.CARD])
    assert card.pop("depth") is None
    files[store.CARD] = json.dumps(card).encode()
    old = tmp_path / "old"
    old.mkdir()
    manifest.write(old, files)
    found = load(old)
    assert found.plan.scale is None
    twelve = deep(4095)
    brighter = Image.fromarray(np.asarray(twelve) * 16)
    assert np.abs(to_canvas(twelve, "x", found.plan).astype(int) - to_canvas(brighter, "x", found.plan)).max() <= 2
