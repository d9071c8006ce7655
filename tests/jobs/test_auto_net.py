"""`--net auto`: the weights at hand are ranked on training images alone, the choice is told, remembered and taken over; and the default."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from photos import SIDECAR, backbone, folder
from PIL import Image
from sklearn.linear_model import LogisticRegression

from receptron import zoo
from receptron.bundle.model import load
from receptron.data.dataset.scan import scan
from receptron.data.reading.file_bytes import LIMITS
from receptron.errors import BadValue, WeightsUnavailable
from receptron.jobs.options import Extras
from receptron.jobs.training.backbones import at_hand, ranking
from receptron.jobs.training.backbones.at_hand import starts_at_hand
from receptron.jobs.training.initial_weights import Wish, choose_initial_weights
from receptron.jobs.training.train import train
from receptron.progress import Silent
from receptron.records import from_json
from receptron.report.training.page import render
from receptron.training.ladder import backbone_ranking
from receptron.training.ladder.backbone_ranking import rank_backbones, sampled
from receptron.training.records import RankedWeights, Run
from receptron.weights import carried, fetch, store
from receptron.weights.pretrained import Pretrained
from receptron.weights.published import find, published_for
from receptron.weights.sidecar import Sidecar
from shell import run

pytestmark = pytest.mark.usefixtures("quick")


class Told(Silent):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def tell(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("photos") / "photos", 12)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny backbone that has learnt such pictures, its last stage too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("photos.initialise", lambda part: None)
        return backbone(tmp_path_factory.mktemp("good") / "good.safetensors")


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No package and no cache."""
    monkeypatch.setenv("RECEPTRON_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr("receptron.weights.carried.place_in_package", lambda row: None)


def useless(path: Path, sidecar: str = SIDECAR) -> Path:
    """A backbone that sees next to nothing: its last layers have no weights."""
    net = zoo.build("lenet5", classes=10)
    with torch.no_grad():
        for part in net.stages[-1].parameters():
            part.zero_()
    store.write(path, net.state_dict())
    path.with_suffix(".toml").write_text(sidecar)
    return path


def extras(tmp_path: Path, **more: object) -> Extras:
    return Extras(precision="float32", cache=tmp_path / "cache", **more)


@pytest.mark.usefixtures("alone")
def test_the_better_backbone_is_chosen_whatever_the_order(photos: Path, weights: Path, tmp_path: Path):
    bad = useless(tmp_path / "bad.safetensors")
    for number, files in enumerate(([bad, weights], [weights, bad], (str(weights), bad))):
        found = train(photos, tmp_path / str(number), "auto", files, extras=extras(tmp_path))
        best, other = found.ranking
        assert best.chosen and not other.chosen and best.reference == str(weights) and other.reference == str(bad)
        assert best.accuracy and best.gain is None and other.gain and other.gain.high < 0 and other.why == "surely less accurate"
        assert other.accuracy and other.gain.value == pytest.approx(other.accuracy.value - best.accuracy.value)
        assert best.accuracy.count == sum(count.train for count in found.split.counts), "the test side is never looked at"
        assert found.card.provenance.weights == str(weights) and found.settings["net"] == "auto"
        assert from_json((tmp_path / str(number) / "run.json").read_bytes(), Run) == found
    page = render(found)
    assert "Which weights to start from" in page and "bad.safetensors" in page and "Surely less accurate." in page
    assert [answer.predicted for answer in load(tmp_path / "0").predict([photos / "dots/000.png"])]


@pytest.mark.usefixtures("alone")
def test_the_screen_says_why_this_and_not_that_and_a_run_like_it_takes_its_choice_over(photos: Path, weights: Path, tmp_path: Path):
    bad = useless(tmp_path / "bad.safetensors")
    asked = ("train", photos, "--net", "auto", "--weights", bad, "--weights", weights, "--precision", "float32", "--cache", tmp_path / "c")
    done = run(*asked, "--out", tmp_path / "a")
    assert done.code == 0, done.err
    for part in ("weights at hand", "the most accurate", "surely less accurate", "points (-"):
        assert part in " ".join(done.out.split()), done.out
    again = run(*asked, "--out", tmp_path / "b", "--like", tmp_path / "a")
    assert again.code == 0 and "probing" in done.err and "probing" not in again.err, again.err
    assert (tmp_path / "a/model/model.safetensors").read_bytes() == (tmp_path / "b/model/model.safetensors").read_bytes()
    gone = run(
        *asked[:4], "--weights", bad, "--weights", useless(tmp_path / "c.safetensors"), "--like", tmp_path / "a", "--out", tmp_path / "d"
    )
    assert gone.code == 2 and "which is not at hand" in gone.err


@pytest.mark.usefixtures("alone")
def test_weights_that_want_another_canvas_are_fed_from_one(photos: Path, weights: Path, tmp_path: Path):
    """The chosen ones want another size than the first at hand, by which the images were read: as if they had been given alone."""
    bad = useless(tmp_path / "bad.safetensors", SIDECAR.replace("crop = 0.8", "crop = 0.6"))
    chosen = train(photos, tmp_path / "auto", "auto", [bad, weights], extras=extras(tmp_path))
    alone = train(photos, tmp_path / "alone", None, weights, extras=extras(tmp_path))
    assert chosen.ranking[0].reference == str(weights) and chosen.card.input == alone.card.input
    assert (tmp_path / "auto/model/model.safetensors").read_bytes() == (tmp_path / "alone/model/model.safetensors").read_bytes()
    assert chosen.card.evaluation == alone.card.evaluation


@pytest.mark.usefixtures("alone")
def test_an_interrupted_run_goes_on_with_the_weights_that_were_chosen(
    photos: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    files = [useless(tmp_path / "bad.safetensors"), weights]
    whole = train(photos, tmp_path / "whole", "auto", files, extras=extras(tmp_path))

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("receptron.jobs.training.train.fit_network", broken)
        patch.setattr("receptron.jobs.training.run_directory.RunDirectory.has_learnt", property(lambda self: True))
        with pytest.raises(KeyboardInterrupt):
            train(photos, tmp_path / "part", "auto", files, extras=extras(tmp_path))
    monkeypatch.setattr(ranking, "rank_backbones", lambda *_: pytest.fail("ranked anew"))
    resumed = train(photos, tmp_path / "part", "auto", files, extras=extras(tmp_path, resume=True))
    assert [row.reference for row in resumed.ranking] == [row.reference for row in whole.ranking]
    assert (tmp_path / "part/model/model.safetensors").read_bytes() == (tmp_path / "whole/model/model.safetensors").read_bytes()


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("net", "files", "facts", "told"),
    [
        ("auto", ["none"], Sidecar(), "asks for none"),
        ("auto", ["a.pt", "none"], Sidecar(), "asks for none"),
        ("auto", ["a.pt", "b.pt"], Sidecar(keys="timm"), "2 files were given"),
        ("auto", [], Sidecar(pixels=32), "0 files were given"),
        ("lenet5", ["a.pt", "b.pt"], Sidecar(), "2 weights were given"),
        (None, ["none", "none"], Sidecar(), "2 weights were given"),
        (None, [3], Sidecar(), "weights is 3"),
    ],
)
def test_what_cannot_be_meant_together_is_refused(
    photos: Path, tmp_path: Path, net: str | None, files: list[str], facts: Sidecar, told: str
):
    with pytest.raises(BadValue, match=told):
        train(photos, tmp_path / "out", net, files, extras=extras(tmp_path, facts=facts))


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Two pictures that are no small ones."""
    for label in "ab":
        (tmp_path / "large" / label).mkdir(parents=True)
        Image.new("RGB", (96, 80), label * 3 and (200, 10, 10)).save(tmp_path / "large" / label / "0.png")
    return tmp_path / "large"


@pytest.mark.usefixtures("alone")
def test_nothing_at_hand_and_small_images_are_told(photos: Path, large: Path):
    with pytest.raises(WeightsUnavailable, match="no weights are at hand") as caught:
        starts_at_hand(scan(large), [], Sidecar(), LIMITS, Silent())
    assert caught.value.mend.startswith("install the extra `photos`") and "--net mobilenet_v2" in caught.value.mend
    told = Told()
    (start,) = starts_at_hand(scan(photos), [], Sidecar(), LIMITS, told)
    assert start.pretrained is None and "44 pixels are learnt from scratch" in told.lines[0]


def test_packages_then_the_cache_then_files_are_at_hand_and_a_spoilt_file_is_told(
    large: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RECEPTRON_CACHE", str(tmp_path / "cache"))
    for name, tag in (("resnet18", "timm/a1_in1k"), ("squeezenet1_1", "torchvision/IMAGENET1K_V1"), ("mobilenet_v2", "timm/ra_in1k")):
        path = fetch.cached_path(find(name, tag))
        digest = store.write(path, zoo.build(name).state_dict())
        path.with_suffix(".safetensors.sha256").write_text(digest)
    at = {row.reference: row for row in carried.catalogue() if row.source == carried.PACKAGE}
    monkeypatch.setattr(at_hand, "carried", lambda: tuple(at.values()))

    def resolved(reference: str | Path, said: Sidecar, progress: object = None) -> Pretrained:
        if reference in at or str(reference).startswith("timm"):
            row = at.get(str(reference)) or find(said.net or "", str(reference))
            return Pretrained(row.reference, row.net, tmp_path, "receptron", row.inputs, row.licence)
        return resolve(reference, said)

    resolve = at_hand.resolve
    monkeypatch.setattr(at_hand, "resolve", resolved)
    monkeypatch.setattr("receptron.jobs.training.initial_weights.channels_of", lambda weights: 3)
    told = Told()
    starts = starts_at_hand(scan(large), [weights], Sidecar(), LIMITS, told)
    assert [start.net for start in starts] == ["efficientnet_lite0", "resnet18", "mobilenet_v2", "lenet5"]
    assert len(told.lines) == 1 and "is not what torchvision published" in told.lines[0]


def test_photos_start_from_the_package_where_it_is_installed(large: Path, monkeypatch: pytest.MonkeyPatch):
    row = next(row for row in carried.catalogue() if row.source == carried.PACKAGE)
    asked: list[object] = []

    def resolved(reference: object, said: Sidecar, progress: object) -> Pretrained:
        asked.append(reference)
        return Pretrained(str(reference), said.net or "", large, "receptron", row.inputs, "")

    for name, value in (("resolve", resolved), ("channels_of", lambda weights: 3)):
        monkeypatch.setattr(f"receptron.jobs.training.initial_weights.{name}", value)
    for here, net, told_lines in (((row,), "efficientnet_lite0", 0), ((), "mobilenet_v2", 1)):
        monkeypatch.setattr("receptron.jobs.training.initial_weights.carried", lambda here=here: here)
        told = Told()
        assert choose_initial_weights(scan(large), Wish(), LIMITS, told).net == net
        assert len(told.lines) == told_lines and all("receptron[photos]" in line for line in told.lines)
        assert choose_initial_weights(scan(large), Wish("resnet18"), LIMITS, told).net == "resnet18", "what is asked for is taken"
    assert asked == [
        row.reference,
        published_for("resnet18")[0].reference,
        published_for("mobilenet_v2")[0].reference,
        published_for("resnet18")[0].reference,
    ]


def rows_of(right: dict[str, list[int]], seconds: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> dict[str, RankedWeights]:
    """The ranking of backbones that are right on such images and take so long."""
    answers = {
        name: None if not marks else backbone_ranking._Probed(np.array(marks, bool), seconds[name], None, 5)
        for name, marks in right.items()
    }
    monkeypatch.setattr(backbone_ranking, "_probe", lambda backbone, images, still: answers[backbone.net])
    nothing = lambda: None  # noqa: E731
    backbones = [backbone_ranking.Backbone(name, name, nothing, nothing) for name in right]  # type: ignore[arg-type]
    return {row.net: row for row in rank_backbones(backbones, 100)}


def test_the_most_accurate_is_taken_unless_a_faster_one_is_within_one_standard_error(monkeypatch: pytest.MonkeyPatch):
    """Of 100 images, lost and won ones counted by hand; a standard error of the difference is about sqrt(lost + won) / 100."""
    best, near, far, same = [1] * 90 + [0] * 10, [1] * 85 + [0] * 10 + [1] * 4 + [0], [1] * 70 + [0] * 30, [1] * 90 + [0] * 10
    cases = (
        ({"best": best, "far": far}, {"best": 60, "far": 1}, "best"),  # 20 lost: fast, but surely worse
        ({"best": best, "near": near}, {"best": 60, "near": 10}, "near"),  # 5 lost and 4 won, and 50 s are spared
        ({"best": best, "near": near}, {"best": 15, "near": 10}, "best"),  # only 5 s would be spared
        ({"best": best, "same": same}, {"best": 10, "same": 9}, "same"),  # a tie: the faster
        ({"near": near, "best": best, "far": far}, {"best": 60, "near": 40, "far": 30}, "near"),
        ({"best": [], "near": near}, {"best": 0, "near": 1}, "near"),  # there was no time for the other
    )
    for right, seconds, chosen in cases:
        found = rows_of(right, seconds, monkeypatch)
        assert [name for name, row in found.items() if row.chosen] == [chosen], (chosen, seconds)
        assert next(iter(found)) == chosen, "the chosen one comes first"
        for name, row in found.items():
            if right[name] and name != chosen:
                assert row.gain and row.gain.value == pytest.approx(np.mean(right[name]) - np.mean(right[chosen]))
    untried = rows_of({"first": [], "second": []}, {}, monkeypatch)
    assert untried["first"].chosen and "no time" in untried["first"].why and untried["second"].why.startswith("not tried")


@pytest.mark.parametrize("count", [1, 7, 999, 1000, 1001, 5000])
def test_a_probe_looks_at_a_thousand_images_spread_over_all(count: int):
    rows = sampled(count)
    assert len(rows) == min(count, 1000) and rows[0] == 0 and rows[-1] == count - 1 and (np.diff(rows) >= 1).all()
    assert np.diff(rows).max(initial=0) <= -(-count // 999)


@pytest.mark.usefixtures("alone")
def test_the_accuracy_of_a_probe_is_scikit_learns_on_the_same_features(
    photos: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Features by a plain forward pass, folds as they were; the same regression."""
    kept: list[tuple[torch.Tensor, torch.Tensor, tuple[np.ndarray, ...]]] = []
    choose = backbone_ranking.choose_head

    def spied(features: torch.Tensor, targets: torch.Tensor, classes: int, folds: tuple[np.ndarray, ...], progress: object) -> object:
        kept.append((features[:, 0], targets, folds))
        return choose(features, targets, classes, folds, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(backbone_ranking, "choose_head", spied)
    twin = shutil.copy(weights, tmp_path / "twin.safetensors")
    shutil.copy(weights.with_suffix(".toml"), tmp_path / "twin.toml")
    found = train(photos, tmp_path / "out", "auto", [weights, twin], extras=extras(tmp_path))
    one, other = found.ranking
    assert one.accuracy and other.accuracy and other.gain and other.gain.value == 0 and len(kept) == 2
    assert torch.allclose(kept[0][0], kept[1][0], atol=1e-4)
    x, y, folds = kept[0][0].numpy(), kept[0][1].numpy(), kept[0][2]
    assert sorted(np.concatenate(folds)) == list(range(len(y)))
    best = 0.0
    for strength in (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0):
        right = 0
        for fold in folds:
            rows = np.setdiff1d(np.arange(len(y)), fold)
            middle, spread = x[rows].mean(0), x[rows].std(0, ddof=1) + 1e-6
            model = LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit((x[rows] - middle) / spread, y[rows])
            right += int((model.predict((x[fold] - middle) / spread) == y[fold]).sum())
        best = max(best, right / len(y))
    assert one.accuracy.value <= best + 1e-9 and one.accuracy.value > best - 0.15
    assert replace(one, chosen=False).net == "lenet5"
