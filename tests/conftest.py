"""Long campaigns run only when asked for; what lies beside the checkout is found, or the test says why it is skipped."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: with -n each process keeps to its core

import hypothesis
import pytest

hypothesis.settings.register_profile("receptron", deadline=None)  # a busy machine is no fault
hypothesis.settings.load_profile("receptron")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "campaign" not in (config.option.markexpr or ""):
        kept = [item for item in items if not item.get_closest_marker("campaign")]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
    for item in items:
        if item.get_closest_marker("shared") and not SHARED.is_dir():
            item.add_marker(pytest.mark.skip(reason=f"needs the real images and weights in {SHARED.name}/ beside the checkout"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real images and weights beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("needs the real images and weights in shared/ beside the checkout")
    return SHARED


@pytest.fixture
def lite0() -> object:
    """The weights that the extra `photos` brings along."""
    from receptron.weights.carried import carried
    from receptron.weights.source import resolve

    if not carried():
        pytest.skip("needs the extra `photos`")
    return resolve(carried()[0].reference)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few epochs are enough to see what is written."""
    monkeypatch.setattr("receptron.training.ladder.from_scratch.EPOCHS", (2, 3))
    monkeypatch.setattr("receptron.training.ladder.ladder.VISITS", 100)


@pytest.fixture(scope="session")
def made_workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with digits-model, two images in scans/, and a cache of its own."""
    from receptron import Extras, train  # here, as it imports torch

    folder = tmp_path_factory.mktemp("workshop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECEPTRON_CACHE", str(folder / "cache"))
        run = train("digits", folder / "digits-model", net="lenet5", time="2s", extras=Extras(precision="float32"))
    (folder / "scans").mkdir()
    for name, shown in zip(("first", "second"), run.samples.values(), strict=False):
        (folder / f"scans/{name}.png").write_bytes((run.audit.root / shown[0]).read_bytes())
    return folder


@pytest.fixture
def workshop(made_workshop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that examples of the main job speak of; the test stands in it."""
    monkeypatch.setenv("RECEPTRON_CACHE", str(made_workshop / "cache"))
    monkeypatch.chdir(made_workshop)
    return made_workshop
