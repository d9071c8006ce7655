"""Model directories edited by somebody who made the manifest agree: each is refused with a reason, or right."""

import json
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import receptron
from cards import saved
from receptron.bundle import assemble, manifest, store
from receptron.bundle.model import Model
from receptron.bundle.store import CARD, SPLIT, WEIGHTS, Placed
from receptron.errors import BundleCorrupt, BundleFault
from receptron.records import from_json
from shell import run

ROWS = (Placed("a" * 64, "rose/1.jpg", "train", "rose"), Placed("b" * 64, "tulip/1.jpg", "test", "tulip"))
IMAGE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
Files = dict[str, bytes]
Edit = Callable[[Files], None]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = saved(tmp_path_factory.mktemp("good") / "model", ROWS)
    return {name: (folder / name).read_bytes() for name in (WEIGHTS, CARD, SPLIT)}


@pytest.fixture(scope="module")
def right(good: Files, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    return answer(receptron.load(written(tmp_path_factory.mktemp("right"), good)))


def written(folder: Path, files: Files) -> Path:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / manifest.NAME).write_bytes(manifest.of(files))
    return folder


def answer(model: Model) -> dict[str, float]:
    return model.predict([IMAGE])[0].probabilities


def field(place: str, value: object) -> Edit:
    """Put `value` at a place of the card such as evaluation.classes.0.support; "-" takes the field away."""

    def edit(files: Files) -> None:
        card = json.loads(files[CARD])
        *way, last = [int(step) if step.isdigit() else step for step in place.split(".")]
        inside: Any = card
        for step in way:
            inside = inside[step]
        if value == "-":
            del inside[last]
        else:
            inside[last] = value
        files[CARD] = json.dumps(card).encode()

    return edit


def spec(**changes: object) -> dict[str, object]:
    return {"pixels": 28, "mean": [0.5], "std": [0.25], "interpolation": "bilinear", "crop": 0.875, **changes}


def text(name: str, change: Callable[[bytes], bytes]) -> Edit:
    def edit(files: Files) -> None:
        files[name] = change(files[name])

    return edit


def inserted(words: bytes) -> Edit:
    """A first field more."""
    return text(CARD, lambda data: data.replace(b"{", b"{" + words + b",", 1))


def tensor(name: str, change: Callable[[torch.Tensor], torch.Tensor | None]) -> Edit:
    def edit(files: Files) -> None:
        import safetensors.torch

        state = safetensors.torch.load(files[WEIGHTS])
        changed = change(state.pop(name, torch.zeros(1)))
        files[WEIGHTS] = safetensors.torch.save(state if changed is None else {**state, name: changed})

    return edit


def poisoned(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(old: torch.Tensor) -> torch.Tensor:
        old.view(-1)[0] = value
        return old

    return change


def header(words: bytes, rest: bytes = b"") -> Edit:
    return text(WEIGHTS, lambda data: struct.pack("<Q", len(words)) + words + rest)


def rows(*lines: str) -> Edit:
    return text(SPLIT, lambda data: "\n".join(["sha256,path,side,label", *lines, ""]).encode(errors="surrogateescape"))


A, W = "a" * 64, "head.fc.weight"
ONE = b'{"a":{"dtype":"%s","shape":[%s],"data_offsets":[0,%d]}}'

REFUSED: dict[str, tuple[Edit, str]] = {
    # the text of the card
    "empty card": (text(CARD, lambda d: b""), CARD),
    "card of brackets": (text(CARD, lambda d: b"[" * 100_000), CARD),
    "deep unknown field": (inserted(b'"x":' + b"[" * 100_000), "nested too deeply"),
    "deep objects": (text(CARD, lambda d: b'{"a":' * 50_000), "nested too deeply"),
    "deep field": (text(CARD, lambda d: d.replace(b'"net": "lenet5"', b'"net": ' + b"[" * 5000 + b"]" * 5000)), "nested too deeply"),
    "byte order mark": (text(CARD, lambda d: b"\xef\xbb\xbf" + d), "invalid character"),
    "latin-1": (text(CARD, lambda d: d.replace(b"daisy", b"d\xe4isy")), "utf-8"),
    "UTF-16": (text(CARD, lambda d: d.decode().encode("utf-16")), CARD),
    "half a card": (text(CARD, lambda d: d[: len(d) // 2]), "truncated"),
    "two cards": (text(CARD, lambda d: d + d), "trailing"),
    "a list": (text(CARD, lambda d: b"[]"), "object"),
    "NaN": (text(CARD, lambda d: d.replace(b'"temperature": 1.7', b'"temperature": NaN')), CARD),
    "infinite number": (text(CARD, lambda d: d.replace(b'"temperature": 1.7', b'"temperature": 1e400')), "temperature is inf"),
    "5,000 digits": (text(CARD, lambda d: d.replace(b'"macs": 1', b'"macs": ' + b"1" * 5000)), "macs"),
    "lone surrogate": (text(CARD, lambda d: d.replace(b"daisy", rb"\udc00")), "surrogate"),
    "a field twice": (inserted(b'"temperature": 1'), "'temperature' stands there twice"),
    "an unknown field": (field("colour", 1), "unknown field 'colour'"),
    "an unknown inner field": (field("evaluation.classes.1.colour", 1), "unknown field 'colour'"),
    "an unknown interval with ends": (field("evaluation.accuracy.method", "unknown: too few groups"), r"evaluation\.accuracy\.method"),
    "an unknown gain with ends": (field("comparisons.0.gain.method", "unknown: too few groups"), r"comparisons\[0\]\.gain\.method"),
    # its fields
    "no net": (field("net", "-"), "net"),
    "unknown net": (field("net", "resnet5000"), "resnet5000"),
    "a path for a net": (field("net", "../../etc/passwd"), "etc/passwd"),
    "a long net": (field("net", "x" * 10_000), "net is"),
    "another net": (field("net", "resnet18"), r"input\.pixels is 28"),
    "a net of the same family": (field("net", "conv4"), "parameters"),
    "format of text": (field("format", "1"), "format"),
    "format 2": (field("format", 2), "format 2"),
    "negative format": (field("format", -1), "format -1"),
    "channels 1e30": (field("channels", 1e30), r"channels is 1e\+30"),
    "channels 0": (field("channels", 0), "channels is 0"),
    "channels 2": (field("channels", 2), "channels is 2"),
    "channels 10^30": (field("channels", 10**30), "channels"),
    "true channels": (field("channels", True), "channels is True"),
    "another count of channels": (field("channels", 3), "parameters"),
    "no classes": (field("classes", []), "classes"),
    "one class": (field("classes", ["daisy"]), "classes"),
    "repeated classes": (field("classes", ["daisy", "daisy", "tulip"]), "'daisy' more than once"),
    "blank class": (field("classes", ["", "rose", "tulip"]), r"classes\[0\]"),
    "long class": (field("classes", ["x" * 10**6, "rose", "tulip"]), r"classes\[0\]"),
    "number for a class": (field("classes", [1, "rose", "tulip"]), r"classes\[0\] is 1"),
    "100,000 classes": (field("classes", [str(i) for i in range(100_000)]), "classes"),
    "one more class": (field("classes", ["daisy", "rose", "tulip", "iris"]), "evaluation.classes"),
    "classes in another order": (field("classes", ["rose", "daisy", "tulip"]), "evaluation.classes"),
    "pixels 6000": (field("input.pixels", 6000), "pixels of an input is 6000"),
    "pixels 0": (field("input.pixels", 0), "pixels of an input is 0"),
    "pixels -28": (field("input.pixels", -28), "pixels of an input is -28"),
    "pixels 2": (field("input.pixels", 2), "input.pixels is 2"),
    "half a pixel": (field("input.pixels", 28.5), "input.pixels is 28.5"),
    "five mean values": (field("input", spec(mean=[0.5] * 5, std=[0.5] * 5)), "mean of an input"),
    "no mean": (field("input.mean", []), "mean"),
    "mean 1e30": (field("input.mean", [1e30]), "mean"),
    "std 0": (field("input.std", [0]), "std"),
    "std -1": (field("input.std", [-1]), "std"),
    "std 1e-300": (field("input.std", [1e-300]), "std"),
    "unknown interpolation": (field("input.interpolation", "magic"), "interpolation"),
    "crop 1e-9": (field("input.crop", 1e-9), "crop of an input is 1e-09"),
    "crop 5e-324": (field("input.crop", 5e-324), "crop of an input"),
    "crop 2": (field("input.crop", 2), "crop of an input is 2"),
    "temperature 0": (field("temperature", 0), "temperature is 0"),
    "temperature -1": (field("temperature", -1), "temperature is -1"),
    "temperature 1e-300": (field("temperature", 1e-300), "temperature is 1e-300"),
    "temperature 1e300": (field("temperature", 1e300), r"temperature is 1e\+300"),
    "temperature of text": (field("temperature", "1"), "temperature is '1'"),
    "no temperature": (field("temperature", None), "temperature"),
    "one parameter more": (text(CARD, lambda d: d.replace(b'"parameters": ', b'"parameters": 1')), "parameters"),
    "negative macs": (field("macs", -1), "macs is -1"),
    "long rung": (field("rung", "x" * 10**6), "rung"),
    "accuracy 7": (field("evaluation.accuracy.value", 7), "evaluation.accuracy.value is 7"),
    "another accuracy": (field("evaluation.accuracy", {"value": 0.5, "low": 0, "high": 1, "count": 60, "method": "x"}), "accuracy"),
    "negative recall": (field("evaluation.classes.0.recall.low", -0.5), "recall.low is -0.5"),
    "interval beside its value": (field("evaluation.ece_after.high", 0), "ece_after.value"),
    "no images": (field("evaluation.count", 0), "evaluation.count is 0"),
    "more images": (field("evaluation.count", 61), "evaluation.count is 61"),
    "negative confusion": (field("evaluation.confusion.0.0", -1), "confusion"),
    "ragged confusion": (field("evaluation.confusion.0", [1]), "confusion"),
    "no confusion": (field("evaluation.confusion", []), "confusion"),
    "another support": (field("evaluation.classes.0.support", 0), "support is 0"),
    "bins that hold more": (field("evaluation.reliability_after.0.count", 9999), "reliability_after"),
    "a bin turned round": (field("evaluation.reliability_after.3.high", 0), r"reliability_after\[3\].high"),
    "a gain that is none": (field("comparisons.0.better", False), "better is False"),
    "a digest of nothing": (field("provenance.data_sha256", "0"), "data_sha256"),
    "seed 10^30": (field("provenance.seed", 10**30), "seed"),
    "an endless command": (field("provenance.command", "x" * 10**6), "command"),
    "made some time": (field("provenance.made", "yesterday"), "made is 'yesterday'"),
    # weights
    "complex weights": (tensor(W, lambda t: t.to(torch.complex64)), f"{W} holds torch.complex64"),
    "whole weights": (tensor(W, lambda t: t.long()), f"{W} holds torch.int64"),
    "true weights": (tensor(W, lambda t: t.bool()), f"{W} holds torch.bool"),
    "half weights": (tensor(W, lambda t: t.half()), f"{W} holds torch.float16"),
    "bfloat weights": (tensor(W, lambda t: t.bfloat16()), f"{W} holds torch.bfloat16"),
    "double weights": (tensor(W, lambda t: t.double()), f"{W} holds torch.float64"),
    "eight-bit weights": (tensor(W, lambda t: t.to(torch.float8_e4m3fn)), f"{W} holds torch.float8"),
    "NaN weights": (tensor(W, poisoned(float("nan"))), f"{W} holds NaN"),
    "infinite weights": (tensor(W, poisoned(float("inf"))), f"{W} holds NaN or infinity"),
    "turned weights": (tensor(W, lambda t: t.T.contiguous()), f"{W} has the shape"),
    "no number": (tensor(W, lambda t: t[:0]), f"{W} has the shape"),
    "a missing tensor": (tensor(W, lambda t: None), f"'{W}' is not there"),
    "an extra tensor": (tensor("backdoor", lambda t: t), "'backdoor' is no tensor"),
    "no weights": (text(WEIGHTS, lambda d: b""), WEIGHTS),
    "no tensors": (header(b"{}"), "is not there"),
    "cut weights": (text(WEIGHTS, lambda d: d[:-1]), WEIGHTS),
    "deep header": (header(b'{"a":' * 50_000), "recursion"),
    "unknown numbers": (header(ONE % (b"F4", b"2", 1), b"\0"), "'F4'"),
    "endless shape": (header(ONE % (b"F32", b"0,9223372036854775808", 0)), WEIGHTS),
    "overflowing shape": (header(ONE % (b"F32", b"4611686018427387904,4", 0)), WEIGHTS),
    "a huge note": (text(WEIGHTS, lambda d: struct.pack("<Q", 2**40) + d[8:]), WEIGHTS),
    # the split
    "empty split": (text(SPLIT, lambda d: b""), "line 1: the columns are"),
    "split without header": (text(SPLIT, lambda d: d.split(b"\n", 1)[1]), "the columns are"),
    "another column": (text(SPLIT, lambda d: d.replace(b"side", b"split")), "the columns are"),
    "huge field": (rows(f"{A},{'x' * 200_000},train,rose"), "line 2: field larger"),
    "three cells": (rows(f"{A},x,train"), "3 cells"),
    "an open quote": (rows(f'{A},"x,train,rose'), "line 2"),
    "NUL in a path": (rows(f"{A},x\0y,train,rose"), "path"),
    "no path": (rows(f"{A},,train,rose"), "path"),
    "unknown side": (rows(f"{A},x,middle,rose"), "'middle' is not one of train"),
    "no digest": (rows("zz,x,train,rose"), "'zz' is no SHA-256"),
    "upper-case digest": (rows(f"{A.upper()},x,train,rose"), "SHA-256"),
    "trained on an unknown class": (rows(f"{A},x,train,iris"), "'iris' is no class"),
}  # fmt: skip

RIGHT: dict[str, Edit] = {
    "the same card in other spaces": text(CARD, lambda d: json.dumps(json.loads(d)).encode()),
    "the card with line ends of Windows": text(CARD, lambda d: d.replace(b"\n", b"\r\n")),
    "fields in another order": text(CARD, lambda d: json.dumps(dict(reversed(json.loads(d).items()))).encode()),
    "another command": field("provenance.command", "receptron train elsewhere"),
    "another device": field("provenance.device", "cuda"),
    "a version more": field("provenance.versions.pillow", "1"),
    "another rung": field("rung", "last stage"),
    "no comparison": field("comparisons", []),
    "a split of nothing": rows(),
    "a split with line ends of Windows": text(SPLIT, lambda d: d.replace(b"\n", b"\r\n")),
    "the same bytes on two sides": rows(f"{A},x,train,rose", f"{A},y,test,rose"),
    "one name for two images": rows(f"{A},x,train,rose", f"{'b' * 64},x,test,rose"),
    "a test image of an unknown class": rows(f"{A},x,test,iris", f"{'b' * 64},y,set aside,moss"),
    "a path that is no Unicode": rows(f"{A},\udcff,train,rose"),
}


def edited(folder: Path, good: Files, edit: Edit) -> Path:
    files = dict(good)
    edit(files)
    return written(folder, files)


@pytest.mark.parametrize("name", REFUSED)
def test_an_edited_bundle_is_refused_with_its_file_and_its_field(name: str, good: Files, tmp_path: Path):
    edit, told = REFUSED[name]
    folder = edited(tmp_path, good, edit)
    with pytest.raises(BundleFault, match=told) as caught:
        receptron.load(folder)
    assert str(folder) in caught.value.what and caught.value.why and caught.value.mend
    assert len(str(caught.value)) < 1000, "a message shows no more of a value than a reader wants"


@pytest.mark.parametrize("name", RIGHT)
def test_a_harmless_edit_changes_no_answer(name: str, good: Files, right: dict[str, float], tmp_path: Path):
    assert answer(receptron.load(edited(tmp_path, good, RIGHT[name]))) == right


def test_at_least_68_edits_are_tried():
    assert len(REFUSED) >= 68


@pytest.mark.parametrize("name", ["deep unknown field", "temperature 0", "complex weights", "huge field", "unknown net", "crop 1e-9"])
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_the_commands_tell_the_reason_and_end_with_1(command: str, name: str, good: Files, tmp_path: Path):
    folder = edited(tmp_path, good, REFUSED[name][0])
    done = run(command, folder, tmp_path)
    assert done.code == 1 and not done.out
    assert "Why:" in done.err and "Mend:" in done.err and "Traceback" not in done.err


HOSTILE = (
    0, -1, 1, 2, 3, 10**6, 2**63, -(2**63), 10**30, 1e30, 1e308, -1e308, 1e-9, 5e-324, 0.5, -0.0, True, False, None, "", "x", "\0",
    "x" * 5000, "\u202e", "../../x", "lenet5", "nan", [], {}, [[]], [0.5], [1e300], ["a", "a"], {"a": 1}, {"value": 0.5}, "-",
)  # fmt: skip


def leaves(value: object, place: str = "") -> list[str]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place[1:]] * bool(place) + [leaf for key, part in inner for leaf in leaves(part, f"{place}.{key}")]


def test_300_random_edits_of_the_card_are_refused_or_answer_with_probabilities(good: Files, right: dict[str, float], tmp_path: Path):
    draw, places = random.Random(0), leaves(json.loads(good[CARD]))
    refused = 0
    for number in range(300):
        place, value = draw.choice(places), draw.choice(HOSTILE)
        folder = edited(tmp_path, good, field(place, value))
        try:
            chances = answer(receptron.load(folder))
        except BundleFault as error:
            refused += 1
            assert str(folder) in error.what and error.why, (number, place, value)
        else:
            assert len(chances) == 3 and abs(sum(chances.values()) - 1) < 1e-9, (number, place, value)
            assert all(0 <= chance <= 1 for chance in chances.values()), (number, place, value)
            if place.partition(".")[0] not in ("input", "temperature"):
                assert list(chances.values()) == list(right.values()), (number, place, value)
    assert 200 < refused < 300


@pytest.mark.parametrize(
    ("module", "check", "name"),
    [(store, "contradictions", "another accuracy"), (assemble, "_fault", "NaN weights"), (assemble, "_fault", "complex weights")],
)
def test_without_its_check_an_edit_would_pass(
    module: object, check: str, name: str, good: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, check, lambda *given: "" if check == "_fault" else iter(()))
    receptron.load(edited(tmp_path, good, REFUSED[name][0]))


def test_a_negative_variance_is_named(tmp_path: Path):
    folder = saved(tmp_path / "model", name="cifar_resnet20", channels=3)
    files = {name: (folder / name).read_bytes() for name in (WEIGHTS, CARD, SPLIT)}
    name = "stem.norm.running_var"
    with pytest.raises(BundleCorrupt, match=rf"{name} is a variance and holds -0\.5"):
        receptron.load(edited(folder, files, tensor(name, poisoned(-0.5))))


def test_a_refused_spec_costs_no_memory(good: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(assemble, "build", lambda *given, **named: pytest.fail("a net was built"))
    monkeypatch.setattr(Model, "__init__", lambda *given: pytest.fail("a model was made"))
    for name in ("pixels 6000", "crop 1e-9", "100,000 classes", "channels 1e30"):
        with pytest.raises(BundleCorrupt):
            receptron.load(edited(tmp_path, good, REFUSED[name][0]))


def test_the_largest_input_is_answered_two_at_a_time(good: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = receptron.load(edited(tmp_path, good, field("input", spec(pixels=1024, crop=0.5))))
    sizes: list[int] = []
    monkeypatch.setattr(model, "_forward", lambda canvases, view: sizes.append(len(canvases)) or np.zeros((len(canvases), 3)))
    model.predict([IMAGE] * 5)
    assert sizes == [2, 2, 1]


def test_a_net_that_gives_a_map_is_no_classifier(good: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = receptron.load(written(tmp_path, good))
    monkeypatch.setattr(model, "net", torch.nn.Conv2d(1, 3, 1))  # as unet and deeplabv3 answer
    with pytest.raises(BundleFault, match="lenet5 is no classifier of whole images"):
        model.predict([IMAGE])


def test_a_file_of_another_kind_is_never_opened(good: Files, tmp_path: Path):
    def linked(at: Path) -> None:
        at.with_suffix(".kept").rename(tmp_path.parent / "kept")
        at.symlink_to(tmp_path.parent / "kept")

    def replaced(put: Callable[[Path], object]) -> Path:
        folder = written(tmp_path, good)
        (folder / SPLIT).rename(folder / "split.kept")
        put(folder / SPLIT)
        (folder / "split.kept").unlink(missing_ok=True)
        return folder

    folder = replaced(linked)
    assert receptron.load(folder).split == ROWS  # a link to a plain file is as good as the file: its hash agrees
    (folder / SPLIT).unlink()
    for put in (os.mkfifo, Path.mkdir, lambda at: at.symlink_to("/dev/zero"), lambda at: at.symlink_to(at.name)):
        with pytest.raises(BundleCorrupt, match=r"split\.csv is (no plain file|missing)"):
            receptron.load(replaced(put))
        (folder / SPLIT).rmdir() if (folder / SPLIT).is_dir() else (folder / SPLIT).unlink()


@pytest.mark.parametrize("name", ["a/b", "a\\b", "..", "c:x", "x\n", "\u202ex", "x" * 300, "x\0"])
def test_a_manifest_with_a_strange_name_is_damaged(name: str, good: Files, tmp_path: Path):
    folder = written(tmp_path, good)
    (folder / manifest.NAME).write_bytes(manifest.of({**good, name: b""}))
    with pytest.raises(BundleCorrupt, match=r"MANIFEST\.json is damaged"):
        receptron.load(folder)


@pytest.mark.parametrize("bytes_", [-1, 2**60, 10**30, 1.5, "1", None])
@pytest.mark.parametrize("digest", ["0" * 64, "0"])
def test_a_manifest_with_a_strange_size_or_digest_is_refused(bytes_: object, digest: str, good: Files, tmp_path: Path):
    folder = written(tmp_path, good)
    listed = json.loads((folder / manifest.NAME).read_bytes())
    listed["files"][CARD] = {"bytes": bytes_, "sha256": digest}
    (folder / manifest.NAME).write_text(json.dumps(listed, indent=2))
    with pytest.raises(BundleCorrupt, match=r"MANIFEST\.json is damaged"):
        receptron.load(folder)


def test_a_file_that_claims_a_terabyte_is_not_read(good: Files, tmp_path: Path):
    folder, size = written(tmp_path, good), 2**40
    os.truncate(folder / WEIGHTS, size)  # takes no room on the disk
    sums = from_json(manifest.of(good), manifest.Manifest).files | {WEIGHTS: manifest.Sum(size, "0" * 64)}
    (folder / manifest.NAME).write_bytes(manifest.text(1, sums))
    with pytest.raises(BundleCorrupt, match=r"model\.safetensors is too large to be read"):
        receptron.load(folder)


def test_a_file_that_a_model_does_not_have_is_named_though_it_is_listed(good: Files, tmp_path: Path):
    with pytest.raises(BundleCorrupt, match=r"run\.py is not part"):
        receptron.load(written(tmp_path, {**good, "run.py": b"import os"}))
