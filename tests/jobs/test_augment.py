"""The policy of augmentation through the whole job: what is asked for is what the network sees, and what record and page say."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from photos import folder
from PIL import Image

from receptron import atomic_write
from receptron.bundle.model import load
from receptron.data.augmentation.policy import POLICIES, fitted, rows
from receptron.errors import UnknownName
from receptron.jobs.options import Extras
from receptron.jobs.training import train as training
from receptron.jobs.training.train import train
from receptron.training import augmentation_sheet
from receptron.training.augmentation_sheet import Seen, pixels_of, sheet
from receptron.training.batches.sources import CanvasSource
from receptron.training.features.cache import FeatureViews
from receptron.training.records import Run
from receptron.weights.inputs import InputSpec
from shell import run

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("photos") / "photos", 12)


def trained(photos: Path, out: Path, policy: str, weights: str | Path = "none") -> Run:
    return train(photos, out, "lenet5", weights, extras=Extras(precision="float32", cache=out.parent / "cache", augment=policy))


@pytest.mark.parametrize("policy", ["strong", "medical", "none", "auto"])
def test_the_policy_that_was_asked_for_is_recorded_and_told(policy: str, photos: Path, tmp_path: Path):
    found = trained(photos, tmp_path / "out", policy)
    name = "small" if policy == "auto" else policy  # 44 px are small
    assert found.settings["augment"] == name and found.augmentation is not None and found.augmentation.policy == name
    assert found.augmentation.changes == rows(POLICIES[name])
    page = found.report.read_text()
    assert f"The policy was <b>{name}</b>" in page and ('class="sheet"' in page) == (name != "none")
    assert ("a heart on the right" in page) == (name == "medical")
    assert load(tmp_path / "out").card.mirrored == POLICIES[name].flip
    assert (f"augment={policy!r}" in found.card.provenance.command) == (policy != "auto")


def test_other_policies_give_other_networks_and_the_same_one_the_same(photos: Path, tmp_path: Path):
    made = {name: tmp_path / name for name in ("none", "light", "strong", "trivialaugment")}
    digests = {name: atomic_write.sha256(trained(photos, out, name).model / "model.safetensors") for name, out in made.items()}
    assert len(set(digests.values())) == 4
    assert atomic_write.sha256(trained(photos, tmp_path / "again", "strong").model / "model.safetensors") == digests["strong"]


@pytest.mark.parametrize("given", ["ligth", "heavy", "", "None"])
def test_a_policy_that_is_not_there_is_refused_before_any_work(given: str, photos: Path, tmp_path: Path):
    with pytest.raises(UnknownName, match="augmentation"):
        trained(photos, tmp_path / "out", given)
    assert not (tmp_path / "out").exists()
    told = run("train", str(photos), "--augment", given, "--out", str(tmp_path / "out"))
    assert told.code == 2 and "no augmentation named" in told.err


@pytest.mark.parametrize("source", ["scratch", "features"])
def test_the_sheet_shows_the_very_tensors_of_the_loop(
    source: str, photos: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Every view on the sheet is one that the network was fed with while it learnt."""
    fed, shown = list[torch.Tensor](), list[Seen]()
    batch, views_of = CanvasSource.batch, FeatureViews.of

    def watched(self: CanvasSource, rows: np.ndarray, epoch: int) -> tuple[torch.Tensor, torch.Tensor]:
        made = batch(self, rows, epoch)
        fed.extend(made[0].clone())
        return made

    def watched_views(self: FeatureViews, canvases: list[np.ndarray], names: list[str], view: int) -> torch.Tensor:
        made = views_of(self, canvases, names, view)
        fed.extend(made.clone())
        return made

    def drawn(seen: Seen) -> bytes:
        shown.append(seen)
        return sheet(seen)

    asked = augmentation_sheet.seen

    def seen(*given: object) -> Seen | None:
        before = len(fed)  # what the sheet itself asks for does not count
        found = asked(*given)
        del fed[before:]
        return found

    monkeypatch.setattr(CanvasSource, "batch", watched)
    monkeypatch.setattr(FeatureViews, "of", watched_views)
    monkeypatch.setattr(training, "sheet", drawn)
    monkeypatch.setattr(training, "seen", seen)
    trained(photos, tmp_path / "out", "strong", weights if source == "features" else "none")
    assert len(shown) == 1 and shown[0].images.shape[0] == 6 and shown[0].images.shape[1] > 1
    for image in shown[0].images[:, 1:].flatten(0, 1):
        assert any(torch.equal(image, one) for one in fed)
    assert not any(torch.equal(image.flip(1), one) for image in shown[0].images[:, 1:].flatten(0, 1) for one in fed)


@pytest.mark.parametrize(("channels", "pixels"), [(3, 20), (1, 16), (3, 200)])
def test_the_sheet_holds_the_pictures_with_their_normalisation_undone(channels: int, pixels: int):
    rng = np.random.default_rng(channels)
    truth = rng.integers(0, 256, (3, 4, pixels, pixels, channels), np.uint8)
    spec = InputSpec(pixels, (0.4, 0.5, 0.6)[:channels], (0.2, 0.3, 0.25)[:channels])
    mean, std = np.array(spec.mean), np.array(spec.std)
    images = torch.from_numpy((truth / 255 - mean) / std).float().permute(0, 1, 4, 2, 3)
    assert np.array_equal(pixels_of(Seen(images, spec)), truth)
    page = Image.open(io.BytesIO(sheet(Seen(images, spec))))
    side = (144 // pixels) * pixels if pixels < 144 else 144
    assert page.size == (4 * (side + 4) - 4, 3 * (side + 4) - 4)


def test_what_of_a_policy_was_not_applied_is_told(weights: Path, tmp_path: Path):
    for file in folder(tmp_path / "photos", 12).rglob("*.png"):
        Image.open(file).convert("L").save(file)
    told = run(
        "train", str(tmp_path / "photos"), "--weights", str(weights), "--augment", "strong", "--out", str(tmp_path / "out"), "--cache",
        str(tmp_path / "cache"), "--precision", "float32",
    )  # fmt: skip
    assert told.code == 0 and "mirroring is left out: all images are grey" in told.err
    page = (tmp_path / "out/report.html").read_text()
    assert "irroring is left out" in page
    found = fitted("strong", 28, 1, grey=True)
    assert not found.policy.flip and len(found.left_out) == 2
