"""The main job on small drawn photos, from a folder to model, record and report; and every way in which it must refuse or stop."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from photos import CLASSES, backbone, folder, photo
from PIL import Image
from safetensors.torch import load_file, save_file

from receptron import atomic_write
from receptron.bundle import store
from receptron.bundle.model import load
from receptron.data.dataset.scan_options import ScanOptions
from receptron.data.reading.file_bytes import LIMITS
from receptron.errors import (
    BadValue,
    BrokenImages,
    CheckpointMismatch,
    DataFault,
    MissingExtra,
    NonFinite,
    ReceptronError,
    UnknownName,
    WeightsUnavailable,
)
from receptron.jobs.options import Extras, seconds
from receptron.jobs.training import train as training
from receptron.jobs.training.train import train
from receptron.progress import Silent
from receptron.records import from_json
from receptron.report.training.commands import again
from receptron.training.records import Run
from shell import run

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("photos") / "photos", 12)


def extras(tmp_path: Path, **more: object) -> Extras:
    return Extras(precision="float32", cache=tmp_path / "cache", **more)


def scratch(photos: Path, tmp_path: Path, **more: object) -> Run:
    return train(photos, tmp_path / "out", net="lenet5", weights="none", extras=extras(tmp_path), **more)


def digest(out: Path) -> str:
    return atomic_write.sha256(out / "model/model.safetensors")


def test_from_scratch_a_model_a_record_and_a_report_are_written(photos: Path, tmp_path: Path):
    found = scratch(photos, tmp_path)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["model", "report.html", "run.json"], "nothing of the work stays"
    assert from_json((tmp_path / "out/run.json").read_bytes(), Run) == found
    assert [rung.name for rung in found.ladder] == ["majority class", "nearest neighbour", "from scratch"]
    assert found.card.classes == CLASSES and found.card.provenance.weights == "none"
    counted = {count.label: (count.train, count.test) for count in found.split.counts}
    assert all(sum(pair) == 12 for pair in counted.values())
    assert found.card.evaluation.count == sum(test for _, test in counted.values())
    assert found.card.comparisons[0].baseline == "majority class"


def test_the_figures_on_the_screen_are_those_of_the_saved_model(photos: Path, tmp_path: Path):
    """Independent of how training judged: predict every test file with the model that was saved."""
    found = scratch(photos, tmp_path)
    model = load(tmp_path / "out")
    asked = [row for row in model.split if row.side == "test"]
    answers = model.predict([photos / row.path for row in asked])
    right = [answer.predicted == row.label for answer, row in zip(answers, asked, strict=True)]
    assert found.card.evaluation.accuracy.value == pytest.approx(np.mean(right))
    common = max(CLASSES, key=lambda label: (sum(r.side == "train" and r.label == label for r in model.split), -CLASSES.index(label)))
    assert found.card.comparisons[0].baseline_accuracy.value == pytest.approx(np.mean([row.label == common for row in asked]))
    wrong = {row.path for row, good in zip(asked, right, strict=True) if not good}
    assert {answer.path for answer in found.mistakes} == wrong


def test_the_same_seed_gives_the_same_weights_and_another_does_not(photos: Path, tmp_path: Path):
    scratch(photos, tmp_path / "a"), scratch(photos, tmp_path / "b"), scratch(photos, tmp_path / "c", seed=1)
    one, same, other = (digest(tmp_path / name / "out") for name in "abc")
    assert one == same != other


def test_from_pretrained_weights_the_ladder_is_climbed_from_a_shared_cache(photos: Path, weights: Path, tmp_path: Path):
    first = train(photos, tmp_path / "first", weights=weights, extras=extras(tmp_path))
    assert [rung.name for rung in first.ladder][:4] == ["majority class", "nearest neighbour", "linear head", "last stage"]
    assert first.card.net == "lenet5" and first.card.provenance.weights_sha256 == atomic_write.sha256(weights)
    assert first.card.provenance.precision == "float32" and all(trial.precision == "float32" for trial in first.trials)
    blocks = {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*.safetensors")}
    train(photos, tmp_path / "second", weights=weights, extras=extras(tmp_path))
    assert blocks and {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*.safetensors")} == blocks
    assert digest(tmp_path / "first") == digest(tmp_path / "second")


def test_without_a_test_side_every_image_is_judged_by_a_network_that_never_saw_it(photos: Path, weights: Path, tmp_path: Path):
    for name, found in (
        ("scratch", scratch(photos, tmp_path, test_size=0)),
        ("ladder", train(photos, tmp_path / "ladder", weights=weights, test_size=0, extras=extras(tmp_path))),
    ):
        assert found.card.evaluation.count == 36, name
        assert found.card.evaluation.source == "5-fold cross-validation on 36 images"
        assert found.card.evaluation.accuracy in [rung.accuracy for rung in found.ladder], "one figure, one interval"
        assert found.card.evaluation.accuracy.method == "Wilson, widened for cross-validation"
        assert all(count.test == 0 for count in found.split.counts)
    assert not any(point.accuracy for point in scratch(photos, tmp_path / "again", test_size=0).curves), "folds that judge choose no epoch"


def test_labels_that_were_turned_are_told_where_every_image_was_held_out(weights: Path, tmp_path: Path):
    """In the record, by the paths that the user knows; where most images were never held out, the reason instead."""
    root = folder(tmp_path / "turned", 24)
    moved = sorted((root / CLASSES[0]).iterdir())[0]
    moved.rename(root / CLASSES[1] / f"turned_{moved.name}")
    found = train(root, tmp_path / "ladder", weights=weights, test_size=0, extras=extras(tmp_path)).suspects
    assert found and not found.unknown and found.looked_at == 24 * len(CLASSES)
    beliefs = [one.belief for one in found.images]
    assert beliefs == sorted(beliefs) and all(one.belief < one.usual and one.likelier_belief > one.belief for one in found.images)
    assert all((root / one.path).is_file() and one.path.startswith(one.label) and one.likelier != one.label for one in found.images)
    tested = train(root, tmp_path / "tested", weights=weights, extras=extras(tmp_path)).suspects
    assert tested and tested.looked_at < found.looked_at, "the training side only"


def test_where_most_training_images_were_never_held_out_the_reason_is_told(photos: Path, tmp_path: Path):
    found = scratch(photos, tmp_path)
    held_out = found.suspects.looked_at if found.suspects else 0
    learnt_from = sum(count.train for count in found.split.counts)
    assert found.suspects and not found.suspects.images
    assert found.suspects.unknown == (f"only {held_out} of {learnt_from} training images were held out once; --test-size 0 holds out each")
    assert found.input_check is None, "from scratch no weights expect anything"
    whole = scratch(photos, tmp_path / "whole", test_size=0)
    assert whole.suspects and whole.suspects.looked_at == 36 and whole.suspects.judged_by == "from scratch"
    assert "held out" not in whole.suspects.unknown, "but so short a training knows no class from another"


def test_no_test_image_is_both_a_mistake_and_a_doubt(photos: Path, tmp_path: Path):
    found = scratch(photos, tmp_path)
    assert all(answer.predicted == answer.label for answer in found.doubtful)
    assert not {answer.path for answer in found.mistakes} & {answer.path for answer in found.doubtful}
    assert len(found.mistakes) + len(found.doubtful) == min(24, found.card.evaluation.count)


def test_a_given_split_with_leaks_tells_the_honest_figure_and_the_given_one(tmp_path: Path):
    root = tmp_path / "given"
    folder(root / "train", 10), folder(root / "test", 4, start=500)
    for label in CLASSES:
        shutil.copy(root / "train" / label / "000.png", root / "test" / label / "leak.png")
    found = scratch(root, tmp_path)
    assert found.split.method == "given" and found.split.leaks == 3
    assert found.card.evaluation.count == 12 and "without a twin in training" in found.card.evaluation.source
    assert found.given and found.given.count == 15 and "leaks included" in found.given.source
    assert any("across" in finding.kind or "leak" in finding.kind for finding in found.audit.findings)
    shown = run("train", root, "--out", tmp_path / "cli", "--net", "lenet5", "--weights", "none", "--precision", "float32")
    assert shown.code == 0 and "12 test images without a twin in training" in shown.out and "as given" in shown.out


@pytest.mark.parametrize("only, told", [(2, "6 images of plain"), (1, "12 images of dots, plain")])
def test_test_images_of_classes_that_were_not_learnt_are_told_beside_the_figure(tmp_path: Path, only: int, told: str):
    for side, classes, start in (("train", (*CLASSES[:only], "more"), 0), ("test", CLASSES, 100)):
        for i in range(6):
            for label in classes:
                photo(tmp_path / f"photos/{side}/{label}/{i}.png", label if label in CLASSES else CLASSES[i % 3], start + i)
    found = scratch(tmp_path / "photos", tmp_path)
    assert found.card.evaluation.count == 6 * only and f"({told} left out: " in found.card.evaluation.source
    assert "left out" in found.report.read_text()


def test_sides_that_share_no_class_are_refused_before_training(tmp_path: Path):
    for side, classes in (("train", CLASSES[:2]), ("test", ("Bars", "Dots"))):
        for i in range(4):
            for label, shown in zip(classes, CLASSES, strict=False):
                photo(tmp_path / f"photos/{side}/{label}/{i}.png", shown, i + 100 * (side == "test"))
    meant = extras(tmp_path, images=ScanOptions("splits"))
    with pytest.raises(DataFault, match="no class is on both sides"):
        train(tmp_path / "photos", tmp_path / "out", net="lenet5", weights="none", extras=meant)


def test_a_given_split_that_leaks_throughout_says_so(tmp_path: Path):
    root = folder(tmp_path / "given/train", 10).parent
    for label in CLASSES:
        (root / "test" / label).mkdir(parents=True)
        shutil.copy(root / "train" / label / "000.png", root / "test" / label / "leak.png")
    assert scratch(root, tmp_path).card.evaluation.source == "3 test images, every one with a twin in training"


def test_more_broken_images_than_one_per_cent_stop_with_the_list(photos: Path, tmp_path: Path):
    root = shutil.copytree(photos, tmp_path / "broken")
    (root / "dots/003.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (root / "bars/bad.jpg").write_bytes(b"nothing")
    with pytest.raises(BrokenImages, match="2 of 37") as caught:
        scratch(root, tmp_path)
    assert "003.png" in caught.value.why and "bad.jpg" in caught.value.why and "--allow-broken" in caught.value.mend
    found = train(root, tmp_path / "out", "lenet5", "none", extras=extras(tmp_path, allow_broken=True))
    assert found.audit.broken == 2 and sum(c.train + c.test for c in found.split.counts) == 35


def test_weights_that_cannot_be_had_name_the_ways_on(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr("socket.create_connection", lambda *_, **__: (_ for _ in ()).throw(OSError("no network")))
    with pytest.raises(WeightsUnavailable) as caught:
        train(photos, tmp_path / "out", "mobilenet_v2", "torchvision/IMAGENET1K_V1", extras=extras(tmp_path))
    assert "--weights none" in str(caught.value) and "file" in str(caught.value)


def test_a_weights_file_without_a_sidecar_lists_what_nobody_said(photos: Path, tmp_path: Path):
    bare = backbone(tmp_path / "bare.safetensors", sidecar=None)
    told = run("train", photos, "--out", tmp_path / "out", "--weights", bare, "--net", "lenet5", "--weights-pixels", "28")
    assert told.code == 2 and "keys, mean, std, interpolation, crop" in told.err.replace("\n", " ").replace("  ", " ")
    said = ("--weights-keys", "receptron", "--weights-mean", "0.5", "--weights-std", "0.25", "--weights-interpolation", "bilinear")
    told = run("train", photos, "--out", tmp_path / "out", "--weights", bare, "--net", "lenet5", "--weights-pixels", "28", *said,
               "--weights-crop", "0.8", "--precision", "float32", "--cache", tmp_path / "cache", "--json")  # fmt: skip
    assert told.code == 0, told.err
    assert from_json(told.out, Run).card.input.pixels == 28


def test_json_is_the_record_and_progress_goes_elsewhere(photos: Path, tmp_path: Path):
    told = run("train", photos, "--out", tmp_path / "out", "--net", "lenet5", "--weights", "none", "--precision", "float32", "--json")
    assert told.code == 0 and "images" in told.err
    assert from_json(told.out, Run) == from_json((tmp_path / "out/run.json").read_bytes(), Run)


def test_misuse_and_failure_have_their_exit_codes(photos: Path, tmp_path: Path):
    here = ("--out", str(tmp_path / "out"))
    for code, arguments in (
        (2, (photos, "--time", "soon")),
        (2, (photos, "--net", "resnet5O")),
        (2, (photos, "--precision", "fp32")),
        (2, (photos, "--device", "tpu")),
        (2, (photos, "--net", "lenet5", "--weights", "none", "--test-size", "1.5")),
        (2, (photos, "--weights-mean", "a,b")),
        (1, (photos / "dots", "--weights", "none")),
        (2, (tmp_path / "nowhere",)),
    ):
        told = run("train", *arguments, *here)
        assert (told.code, "Traceback" in told.err) == (code, False), (arguments, told.err)
    assert not (tmp_path / "out/model").exists()


def test_one_class_is_no_task(photos: Path, tmp_path: Path):
    (tmp_path / "one").mkdir()
    shutil.copytree(photos / "dots", tmp_path / "one/dots")
    with pytest.raises(DataFault, match="one class"):
        scratch(tmp_path / "one", tmp_path)


def test_spans_of_time_and_names_are_checked_at_the_door(photos: Path, tmp_path: Path):
    assert [seconds(text) for text in ("90", "90s", "1.5m", "2h", 30)] == [90, 90, 90, 7200, 30]
    for text in ("", "0", "-3m", "10 min", "1d", "nan"):
        with pytest.raises(BadValue, match="span of time"):
            seconds(text)
    with pytest.raises(UnknownName, match="precision"):
        train(photos, tmp_path / "out", extras=Extras(precision="half"))


class Breaking(Silent):
    """Breaks off, by a crash or a signal, after so many steps of training."""

    def __init__(self, after: int, number: int | None = None) -> None:
        self.after, self.number, self.stage = after, number, ""

    def start(self, stage: str, total: int, unit: str) -> None:
        self.unit = unit

    def advance(self, count: int = 1, note: str = "") -> None:
        self.after -= self.unit == "steps" and bool(note)
        if self.after == 0 and self.unit == "steps" and note:
            self.after = -1
            if self.number is None:
                raise RuntimeError("power cut")
            os.kill(os.getpid(), self.number)


def broken_off(photos: Path, tmp_path: Path, **more: object) -> None:
    with pytest.raises(RuntimeError, match="power cut"):
        train(photos, tmp_path / "out", "lenet5", "none", extras=extras(tmp_path, every=1e-6, progress=Breaking(2)), **more)


def test_resume_goes_on_and_ends_the_same(photos: Path, tmp_path: Path):
    scratch(photos, tmp_path / "straight")
    broken_off(photos, tmp_path)
    assert (tmp_path / "out/.receptron-run").is_dir() and not (tmp_path / "out/model").exists()
    train(photos, tmp_path / "out", "lenet5", "none", extras=extras(tmp_path, resume=True))
    assert digest(tmp_path / "out") == digest(tmp_path / "straight/out")
    assert not (tmp_path / "out/.receptron-run").exists()


@pytest.mark.parametrize("change", [{"seed": 1}, {"time": "1h"}, {"test_size": 0.4}])
def test_resume_with_other_settings_is_refused_and_harms_nothing(photos: Path, tmp_path: Path, change: dict[str, object]):
    broken_off(photos, tmp_path)
    before = {file: file.read_bytes() for file in (tmp_path / "out/.receptron-run").rglob("*") if file.is_file()}
    with pytest.raises(BadValue, match="other settings or other images") as caught:
        train(photos, tmp_path / "out", "lenet5", "none", extras=extras(tmp_path, resume=True), **change)
    assert "--overwrite" in caught.value.mend
    assert {file: file.read_bytes() for file in (tmp_path / "out/.receptron-run").rglob("*") if file.is_file()} == before


def test_resume_with_other_images_is_refused(photos: Path, tmp_path: Path):
    root = shutil.copytree(photos, tmp_path / "photos")
    broken_off(root, tmp_path)
    photo(root / "dots/new.png", "dots", 900)
    with pytest.raises(BadValue, match="other images"):
        train(root, tmp_path / "out", "lenet5", "none", extras=extras(tmp_path, resume=True))


def test_resume_with_other_weights_in_the_same_file_is_refused(photos: Path, weights: Path, tmp_path: Path):
    twin = Path(shutil.copy(weights, tmp_path / "tiny.safetensors"))
    shutil.copy(weights.with_suffix(".toml"), tmp_path / "tiny.toml")
    with pytest.raises(RuntimeError, match="power cut"):
        train(photos, tmp_path / "out", weights=twin, extras=extras(tmp_path, every=1e-6, progress=Breaking(2)))
    state = load_file(twin)
    save_file({**state, "head.fc.bias": state["head.fc.bias"] + 1}, twin)
    with pytest.raises(BadValue, match="other settings"):
        train(photos, tmp_path / "out", weights=twin, extras=extras(tmp_path, resume=True))


def test_sigterm_saves_and_exits_with_143(photos: Path, tmp_path: Path):
    with pytest.raises(SystemExit) as caught:
        train(photos, tmp_path / "out", "lenet5", "none", extras=extras(tmp_path, every=1e9, progress=Breaking(2, signal.SIGTERM)))
    assert caught.value.code == 143
    assert list((tmp_path / "out/.receptron-run/checkpoints").glob("*/step-*"))
    scratch(photos, tmp_path / "straight")
    train(photos, tmp_path / "out", "lenet5", "none", extras=extras(tmp_path, resume=True))
    assert digest(tmp_path / "out") == digest(tmp_path / "straight/out")


@pytest.mark.parametrize("pretrained", [False, True])
def test_a_ctrl_c_keeps_what_was_learnt_so_far(photos: Path, weights: Path, tmp_path: Path, pretrained: bool):
    told = extras(tmp_path, progress=Breaking(2, signal.SIGINT))
    start = {"weights": weights} if pretrained else {"net": "lenet5", "weights": "none"}
    found = train(photos, tmp_path / "out", **start, extras=told)
    assert load(tmp_path / "out").classes == CLASSES and len(found.curves) == 1
    assert "interrupted" in (found.stopped if pretrained else found.ladder[-1].why)


class Timing(Silent):
    """A Ctrl-C while number formats are timed, before anything was trained."""

    def __init__(self) -> None:
        self.done_once = False

    def start(self, stage: str, total: int, unit: str) -> None:
        if unit == "formats" and not self.done_once:
            self.done_once = True
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("pretrained", [False, True])
def test_a_run_that_was_stopped_before_it_trained_can_be_gone_on_with(photos: Path, weights: Path, tmp_path: Path, pretrained: bool):
    start = {"weights": weights} if pretrained else {"net": "lenet5", "weights": "none"}
    found = train(photos, tmp_path / "out", **start, extras=extras(tmp_path, progress=Timing()))
    assert found.interrupted
    again = train(photos, tmp_path / "out", **start, extras=extras(tmp_path, resume=True))
    train(photos, tmp_path / "straight", **start, extras=extras(tmp_path))
    assert not again.interrupted and digest(tmp_path / "out") == digest(tmp_path / "straight")
    assert not (tmp_path / "out/.receptron-run").exists()


def test_what_another_run_had_no_time_for_is_told_as_its_decision(photos: Path, weights: Path, tmp_path: Path):
    first = train(photos, tmp_path / "first run", weights=weights, time="3s", extras=extras(tmp_path))
    left = [rung.why for rung in first.ladder if rung.short_of_time]
    like = ["train", photos, "--weights", weights, "--like", tmp_path / "first run", "--out", tmp_path / "second run"]
    told = run(*like, "--precision", "float32", "--cache", tmp_path / "cache")
    assert told.code == 0 and f"as in {tmp_path}/first run" in " ".join(told.out.split())
    assert f"Next     receptron predict '{tmp_path}/second run' IMAGE..." in told.out.replace("\n", " ")
    if any("give it --time" in why for why in left):
        assert "give it --time" not in told.out and "leave --like out" in told.out


@pytest.mark.parametrize("inside", ["", "model", "bars", "bars/new"])
def test_nothing_is_written_among_the_images(inside: str, tmp_path: Path):
    root = folder(tmp_path / "photos", 4)
    before = sorted(root.rglob("*"))
    with pytest.raises(BadValue, match="lies in the folder of the images"):
        train(root, root / inside, net="lenet5", weights="none", extras=extras(tmp_path))
    assert sorted(root.rglob("*")) == before


def test_a_second_ctrl_c_stops_at_once(photos: Path, tmp_path: Path):
    class Twice(Breaking):
        def advance(self, count: int = 1, note: str = "") -> None:
            if self.unit == "steps" and note:
                os.kill(os.getpid(), signal.SIGINT), os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(photos, tmp_path / "out", "lenet5", "none", extras=extras(tmp_path, progress=Twice(0)))
    assert not (tmp_path / "out/model").exists()


def test_sigterm_while_features_are_made_ends_at_once(photos: Path, weights: Path, tmp_path: Path):
    class Early(Silent):
        def start(self, stage: str, total: int, unit: str) -> None:
            if stage == "features":
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit) as caught:
        train(photos, tmp_path / "out", weights=weights, extras=extras(tmp_path, progress=Early()))
    assert caught.value.code == 143


def spoilt(weights: Path, tmp_path: Path, place: str, value: float) -> Path:
    """The weights with one tensor of nothing but `value`, with their sidecar."""
    state = load_file(weights)
    state[place].view(-1)[:] = value
    save_file(state, tmp_path / "bad.safetensors")
    shutil.copy(weights.with_suffix(".toml"), tmp_path / "bad.toml")
    return tmp_path / "bad.safetensors"


@pytest.mark.parametrize("place", ["stages.0.c1.conv.weight", "head.c5.weight"])
def test_weights_that_are_no_numbers_are_refused_before_any_work(place: str, photos: Path, weights: Path, tmp_path: Path):
    with pytest.raises(CheckpointMismatch):
        train(photos, tmp_path / "out", weights=spoilt(weights, tmp_path, place, float("nan")), extras=extras(tmp_path))
    assert not (tmp_path / "out").exists()


def test_what_overflows_leaves_no_model_behind(photos: Path, weights: Path, tmp_path: Path):
    with pytest.raises(NonFinite, match="images"):
        train(photos, tmp_path / "out", weights=spoilt(weights, tmp_path, "head.c5.weight", 3e38), extras=extras(tmp_path))
    assert not (tmp_path / "out/model").exists()
    for block in (tmp_path / "cache").rglob("*.safetensors"):
        assert all(bool(row.isfinite().all()) for row in load_file(block).values())


def test_curves_are_logged_for_tensorboard(photos: Path, tmp_path: Path):
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = train(photos, tmp_path / "out", "lenet5", "none", extras=extras(tmp_path, tensorboard=tmp_path / "logs"))
    read = event_accumulator.EventAccumulator(str(tmp_path / "logs"))
    read.Reload()
    phase = found.curves[0].phase
    for name in ("loss", "accuracy", "rate"):
        told = [(event.step, event.value) for event in read.Scalars(f"{phase}/{name}")]
        assert told == [(p.epoch + 1, pytest.approx(getattr(p, name), rel=1e-6)) for p in found.curves]


def test_without_tensorboard_the_extra_is_named_before_any_work(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtra, match="TensorBoard logging") as caught:
        train(photos, tmp_path / "out", extras=extras(tmp_path, tensorboard=tmp_path / "logs"))
    assert "receptron[lab]" in caught.value.mend and not (tmp_path / "out").exists()


@pytest.mark.parametrize("per_class", [1, 2, 3])
def test_a_handful_of_images_trains_or_says_why_not(tmp_path: Path, weights: Path, per_class: int):
    root = folder(tmp_path / "few", per_class)
    for start in ({"net": "lenet5", "weights": "none"}, {"weights": weights}):
        for test_size in (0.2, 0.0):
            out = tmp_path / f"{len(start)}-{test_size}"
            try:
                found = train(root, out, **start, test_size=test_size, extras=extras(tmp_path))
            except DataFault:
                continue
            assert found.card.evaluation.count > 0


def test_grey_tiny_and_long_pictures_train(tmp_path: Path):
    for i in range(8):
        for c, label in enumerate(("a", "b")):
            (tmp_path / "odd" / label).mkdir(parents=True, exist_ok=True)
            grey = np.random.default_rng([i, c]).integers(0, 256, (20 + i, 300 if i == 0 else 9 + i), dtype=np.uint8)
            Image.fromarray(grey).save(tmp_path / "odd" / label / f"{i}.png")
    found = train(tmp_path / "odd", tmp_path / "out", extras=extras(tmp_path))
    assert found.card.channels == 1 and found.card.input.pixels == 16 and found.card.net == "cifar_resnet20"


def test_the_command_ends_with_one_screen_that_says_what_to_type_next(photos: Path, tmp_path: Path):
    told = run("train", photos, "--out", tmp_path / "out", "--net", "lenet5", "--weights", "none", "--precision", "float32")
    assert told.code == 0
    for words in ("Accuracy ", "majority class", "nearest neighbour", "Data ", "Model ", "Report ", "Next     receptron predict "):
        assert words in told.out, words


def test_a_child_that_gets_sigterm_exits_with_143(photos: Path, tmp_path: Path):
    """As an init system would do it: a process of its own, asked to end once it trains."""
    command = [sys.executable, "-m", "receptron", "train", photos, "--out", tmp_path / "out", "--net", "lenet5", "--weights", "none"]
    child = subprocess.Popen(
        [*map(str, command), "--precision", "float32", "--every", ".01"], stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    while child.poll() is None and not list((tmp_path / "out").glob(".receptron-run/checkpoints/*/step-*")):
        pass
    child.terminate()
    _, told = child.communicate(timeout=120)
    assert child.returncode == 143 and b"Traceback" not in told


def test_a_run_like_another_takes_its_decisions_threads_and_sides(
    photos: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    auto = Extras(cache=tmp_path / "cache")
    first = train(photos, tmp_path / "first", weights=weights, extras=auto)
    assert set(first.decisions) >= {"threads", "engine of features", "views"} and "spent" not in first.decisions
    # Another machine: its trials would choose otherwise, and it would have time for nothing.
    monkeypatch.setattr("receptron.training.hardware.autotune._seconds", lambda step: pytest.fail("timed again"))
    like = replace(auto, like=tmp_path / "first", cache=tmp_path / "other")
    second = train(photos, tmp_path / "second", weights=weights, time="1s", extras=like)
    assert digest(tmp_path / "second") == digest(tmp_path / "first")
    assert second.decisions == first.decisions and second.ladder[-1].why == first.ladder[-1].why
    third = train(photos, tmp_path / "third", weights=weights, seed=1, extras=replace(auto, like=tmp_path / "first/run.json"))
    assert [c.test for c in third.split.counts] == [c.test for c in first.split.counts] and third.split.remembered == 36


def test_images_of_an_earlier_run_keep_their_side_and_only_new_ones_are_placed(tmp_path: Path):
    root = folder(tmp_path / "photos", 12)
    scratch(root, tmp_path)
    before = {row.sha256: row.side for row in store.read(tmp_path / "out/model").split}
    folder(root, 6, start=100)
    grown = train(root, tmp_path / "grown/out", net="lenet5", weights="none", extras=extras(tmp_path, like=tmp_path / "out"))
    after = {row.sha256: row.side for row in store.read(tmp_path / "grown/out/model").split}
    assert len(after) == len(before) + 18 and before.items() <= after.items()
    assert grown.split.remembered == len(before)


def test_images_that_were_admitted_are_judged_too_and_those_that_vanish_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The limit of memory holds for the test side too; a file that goes meanwhile is told, and all of them stop the job."""
    for side, count in (("train", 6), ("test", 4)):
        for i in range(count):
            for label in CLASSES[:2]:
                photo(tmp_path / f"photos/{side}/{label}/{i}.png", label, i + 100 * (side == "test"), 400 if side == "test" else 44)
    monkeypatch.setattr("receptron.data.reading.file_bytes.LIMITS", replace(LIMITS, memory=1_000_000))
    monkeypatch.setattr("receptron.bundle.model.LIMITS", replace(LIMITS, memory=1_000_000))
    found = scratch(tmp_path / "photos", tmp_path)
    assert (
        found.card.evaluation.count == 8 == sum(count.test for count in found.split.counts)
        and "any more" not in found.card.evaluation.source
    )
    judge = training.evaluate_on_test

    def after(gone: int) -> Callable[..., object]:
        def judged(*given: object) -> object:
            for file in sorted((tmp_path / "photos/test").rglob("*.png"))[:gone]:
                file.unlink()
            return judge(*given)

        return judged

    monkeypatch.setattr(training, "evaluate_on_test", after(1))
    some = train(tmp_path / "photos", tmp_path / "some", net="lenet5", weights="none", extras=extras(tmp_path))
    assert (
        some.card.evaluation.count == 7
        and "(1 more could not be read any more, such as 0.png: no such file)" in some.card.evaluation.source
    )
    monkeypatch.setattr(training, "evaluate_on_test", after(9))
    with pytest.raises(DataFault, match="none of 7 test images can be read any more"):
        train(tmp_path / "photos", tmp_path / "none", net="lenet5", weights="none", extras=extras(tmp_path))


@pytest.mark.parametrize("what", ["nothing", "an empty folder", "a damaged record", "another kind of record"])
def test_what_is_no_run_cannot_be_likened_to(photos: Path, tmp_path: Path, what: str):
    like = tmp_path / "like"
    if what != "nothing":
        like.mkdir()
    if what in ("a damaged record", "another kind of record"):
        (like / "run.json").write_text('{"model": 3' + ("}" if what == "another kind of record" else ""))
    with pytest.raises(ReceptronError, match="like"):
        train(photos, tmp_path / "out", net="lenet5", weights="none", extras=extras(tmp_path, like=like))
    assert not (tmp_path / "out/model").exists()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("receptron train photos", "receptron train photos --like OUT"),
        ("receptron train 'my photos' --out OUT --seed 3 --overwrite", "receptron train 'my photos' --seed 3 --like OUT"),
        ("receptron train photos --like before --out=x --resume --time 3m", "receptron train photos --time 3m --like OUT"),
        ("receptron.train('photos', seed=3)", "receptron.train('photos', seed=3, extras=receptron.Extras(like='OUT'))"),
        (
            "receptron.train('photos', extras=receptron.Extras(precision='float32'))",
            "receptron.train('photos', extras=receptron.Extras(like='OUT', precision='float32'))",
        ),
    ],
)
def test_the_command_that_makes_a_run_again(photos: Path, tmp_path: Path, typed: str, told: str):
    run = scratch(photos, tmp_path)
    card = replace(run.card, provenance=replace(run.card.provenance, command=typed))
    assert again(replace(run, card=card, report=Path("OUT/report.html"))) == told


def test_a_call_from_python_is_told_whole(photos: Path, tmp_path: Path):
    run = scratch(photos, tmp_path, seed=3, test_size=0.3)
    command = run.card.provenance.command
    assert command == (
        f"receptron.train({str(photos)!r}, net='lenet5', weights='none', seed=3, test_size=0.3, "
        "extras=receptron.Extras(precision='float32'))"
    )


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["scratch", "ladder"])
def test_the_printed_command_gives_the_same_bytes_beside_a_busy_core(kind: str, weights: Path, tmp_path: Path):
    """10 of 10, on a machine whose cores are all taken by others."""
    folder(tmp_path / "photos", 20)
    start = ["--weights", str(weights)] if kind == "ladder" else ["--net", "lenet5", "--weights", "none"]

    def trained(command: list[str]) -> str:
        done = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return next(line.split(maxsplit=1)[1] for line in done.stdout.splitlines() if line.startswith("Again"))

    again = trained(["receptron", "train", "photos", *start, "--time", "30s", "--out", "first", "--cache", "cache"])
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        for number in range(10):
            trained([*shlex.split(again), "--out", f"again-{number}", "--cache", f"cache-{number}"])
    finally:
        for one in busy:
            one.kill()
            one.wait()
    assert {digest(tmp_path / f"again-{number}") for number in range(10)} == {digest(tmp_path / "first")}
