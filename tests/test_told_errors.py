"""Every error that the docstring of a public name tells of is provoked here, or by the test that is named."""

import shutil
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from receptron import (
    InspectionOptions,
    ScanOptions,
    analysis,
    arithmetic,
    audit,
    build,
    evaluate,
    inspect,
    load,
    predict,
    record,
    train,
)
from receptron.analysis import (
    Fields,
    cost,
    effective_field,
    explain,
    measured_field,
    memory,
    receptive_field,
    record_training,
    roofline,
)
from receptron.arithmetic import Coefficients, Conv, Linear, Norm, Pool, Transposed
from receptron.bundle import manifest, store
from receptron.jobs.options import Extras
from receptron.weights import store as weights_store
from receptron.zoo import card, catalogue, deeplab_on, unet_on
from test_reference import PUBLIC, raised

TESTS = Path(__file__).parent
Provocation = Callable[[Path], object]  # given an empty folder; the test stands where digits-model and scans/ lie
SIDECAR = 'net = "lenet5"\nkeys = "receptron"\n[input]\npixels = 32\nmean = [0.5]\nstd = [0.5]\ninterpolation = "bilinear"\ncrop = 1.0\n'
SIZE = (3, 16, 16)


class Locked(nn.Module):
    """Has no copy."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


def clashing() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(4, 8, 3))


def tape() -> analysis.Tape:
    return record(nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1)), SIZE)


def photos(here: Path, labels: str = "ab", broken: int = 0) -> Path:
    """Class folders of four noisy PNG files each; of the first class so many more that are cut."""
    rng = np.random.default_rng(0)
    for label in labels:
        (here / label).mkdir(parents=True)
        for i in range(4):
            Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8)).save(here / label / f"{i}.png")
    for i in range(broken):
        (here / labels[0] / f"cut{i}.png").write_bytes((here / labels[0] / "0.png").read_bytes()[:500])
    return here


def unclear(here: Path) -> Path:
    """Sides, but none for training."""
    for side in ("test", "val"):
        photos(here / side)
    return here


def no_images(here: Path) -> Path:
    (here / "a").mkdir()
    return here


def table(here: Path, text: str = "path,label\na.png,\n") -> Path:
    (here / "table.csv").write_text(text)
    return here / "table.csv"


def without_pyarrow(ask: Callable[[Path], object], here: Path) -> object:
    (here / "table.parquet").write_bytes(b"PAR1")
    with mock.patch.dict(sys.modules, {"pyarrow": None}):
        return ask(here / "table.parquet")


def model(here: Path, change: Callable[[Path], object]) -> Path:
    """A copy of digits-model after a change, its manifest written anew."""
    inner = Path(shutil.copytree("digits-model/model", here / "changed"))
    change(inner)
    names = [path.name for path in inner.iterdir() if path.name != manifest.NAME]
    (inner / manifest.NAME).write_bytes(manifest.of({name: (inner / name).read_bytes() for name in names}))
    return inner


def flipped(here: Path) -> Path:
    inner = Path(shutil.copytree("digits-model/model", here / "flipped"))
    data = bytearray((inner / store.WEIGHTS).read_bytes())
    data[-1] ^= 1
    (inner / store.WEIGHTS).write_bytes(data)
    return inner


def unknown_format(here: Path) -> Path:
    return model(here, lambda inner: (inner / store.CARD).write_bytes(b'{"format": 7}'))


def overflowing(here: Path) -> Path:
    def change(inner: Path) -> None:
        state = weights_store.read(inner / store.WEIGHTS)
        weights_store.write(inner / store.WEIGHTS, state | {"head.fc.weight": torch.full_like(state["head.fc.weight"], 3e38)})

    return model(here, change)


def weights(here: Path, *, pickled: bool = False) -> Path:
    """A file of weights of LeNet-5 with its sidecar, or a pickle of the whole network."""
    path = here / ("net.pt" if pickled else "net.safetensors")
    torch.save(build("lenet5"), path) if pickled else weights_store.write(path, build("lenet5").state_dict())
    path.with_suffix(".toml").write_text(SIDECAR)
    return path


def on_meta(here: Path) -> object:
    file = weights(here)
    with torch.device("meta"):
        return build("lenet5", pretrained=file)


def too_wide(here: Path) -> object:
    """A chain that nothing fits, without going through 100,000 sizes."""
    with mock.patch("receptron.arithmetic.chain.range", lambda *ends: range(1, 9), create=True):
        return arithmetic.smallest_size([Conv(9)])


def digits(**changed: object):
    """digits-model, loaded, with other attributes."""
    loaded = load("digits-model")
    for name, value in changed.items():
        setattr(loaded, name, value)
    return loaded


def answering(value: float) -> nn.Module:
    """A network that answers one number for all ten classes."""
    net = nn.Sequential(nn.Flatten(1), nn.LazyLinear(10))
    net(torch.zeros(1, 1, 16, 16))
    nn.init.constant_(net[1].weight, value)
    return net


def three_classes() -> nn.Module:
    return nn.Sequential(nn.Flatten(1), nn.Linear(256, 3))


def trained(here: Path, **settings: object) -> object:
    return train(photos(here / "photos"), here / "out", time="5s", **{"net": "lenet5"} | settings)


def no_size(ask: Callable[..., object], here: Path) -> object:
    return ask(nn.Conv2d(3, 8, 3), "x")


def no_network(ask: Callable[..., object], here: Path) -> object:
    return ask(lambda: 3, SIZE)


ANALYSES = {
    "record": record,
    "record_training": record_training,
    "cost": cost,
    "memory": memory,
    "inspect": inspect,
}
MODELS: dict[str, Callable[[Path], object]] = {
    "load": load,
    "predict": lambda folder: predict(folder, ["scans"]),
    "evaluate": lambda folder: evaluate(folder, "digits"),
}
LABELLED: dict[str, Callable[[Path], object]] = {
    "audit": audit,
    "evaluate": lambda path: evaluate("digits-model", path),
    "train": lambda path: train(path, path.parent / "out-of-it"),
}
CHAINS = (arithmetic.field_size, arithmetic.field_jump, arithmetic.field_padding, arithmetic.field_start)
AT_ODDS = [Conv((3, 3)), Conv((3, 3, 3))]
PROVOKED: dict[tuple[str, str], list[Provocation]] = {
    **{(name, "BadValue"): [partial(no_size, f), partial(no_network, f)] for name, f in ANALYSES.items()},
    **{(name, "Uncopyable"): [lambda here, f=f: f(Locked(), SIZE)] for name, f in ANALYSES.items()},
    **{(name, "Unrecordable"): [lambda here, f=f: f(clashing(), SIZE)] for name, f in ANALYSES.items()},
    **{(name, "NotABundle"): [lambda here, f=f: f(here), lambda here, f=f: f(here / "gone")] for name, f in MODELS.items()},
    **{(name, "BundleCorrupt"): [lambda here, f=f: f(flipped(here))] for name, f in MODELS.items()},
    **{(name, "BundleFault"): [lambda here, f=f: f(unknown_format(here))] for name, f in MODELS.items()},
    **{(name, "NonFinite"): [lambda here, f=f: f(overflowing(here))] for name, f in MODELS.items() if name != "load"},
    **{(name, "UnclearLayout"): [lambda here, f=f: f(unclear(here))] for name, f in LABELLED.items()},
    **{(name, "NoImages"): [lambda here, f=f: f(no_images(here))] for name, f in LABELLED.items()},
    **{(name, "BadTable"): [lambda here, f=f: f(table(here))] for name, f in LABELLED.items()},
    **{(name, "MissingExtra"): [partial(without_pyarrow, f)] for name, f in LABELLED.items()},
    **{(f.__name__, "BadValue"): [lambda here, f=f: f([]), lambda here, f=f: f(AT_ODDS)] for f in CHAINS},
    ("Predictor.predict", "BadValue"): [lambda here: digits().predict(3), lambda here: digits().predict(["a"], batch=0)],
    ("Predictor.predict", "BundleFault"): [lambda here: digits(net=three_classes()).predict(["scans/first.png"])],
    ("Predictor.predict", "NonFinite"): [lambda here: digits(net=answering(float("nan"))).predict(["scans/first.png"])],
    ("Predictor.scores", "BadValue"): [lambda here: digits().scores(3), lambda here: digits().scores(["a"], batch=0)],
    ("Predictor.scores", "BundleFault"): [lambda here: digits(net=three_classes()).scores(["scans/first.png"])],
    ("Predictor.scores", "NonFinite"): [lambda here: digits(net=answering(float("nan"))).scores(["scans/first.png"])],
    ("Predictor.answer", "ValueError"): [lambda here, k=k: load("digits-model").answer("x", np.ones(k)) for k in (0, 3, 11)],
    ("Tape.shape", "TypeError"): [lambda here: tape().shape(3)],
    ("Tape.call_of_module", "UnknownName"): [lambda here: tape().call_of_module("7")],
    ("Tape.output_of", "UnknownName"): [lambda here: tape().output_of("7")],
    ("audit", "BadValue"): [lambda here: audit(here / "gone"), lambda here: audit("digits", image_memory=0), lambda here: audit("")],
    ("audit", "UnknownName"): [lambda here: audit("digits", options=ScanOptions("tables"))],
    ("build", "UnknownName"): [lambda here: build("resnet5O"), lambda here: build("resnet50", pretrained="torchvision/V9")],
    ("build", "BadValue"): [
        lambda here: build("resnet50", classes=-1),
        lambda here: build("lenet5", pretrained=weights(here).rename(here / "alone.safetensors")),
        on_meta,
    ],
    ("build", "ImageTooSmall"): [lambda here: build("alexnet", pixels=32)],
    ("build", "WeightsUnavailable"): [lambda here: build("lenet5", pretrained="gone.safetensors")],
    ("build", "CheckpointMismatch"): [lambda here: build("cifar_resnet20", pretrained=weights(here))],
    ("build", "UnsafeCheckpoint"): [lambda here: build("lenet5", pretrained=weights(here, pickled=True))],
    ("load", "BadValue"): [lambda here: load(""), lambda here: load(3), lambda here: load("digits-model", device="toaster")],
    ("predict", "BadValue"): [
        lambda here: predict("digits-model", [""]),
        lambda here: predict("digits-model", "scans"),
        lambda here: predict("digits-model", ["scans"], device="toaster"),
        lambda here: predict("digits-model", ["scans"], image_memory=0),
    ],
    ("evaluate", "BadValue"): [
        lambda here: evaluate("digits-model", here / "gone"),
        lambda here: evaluate("digits-model", "digits", device="toaster"),
        lambda here: evaluate("digits-model", "digits", batch=0),
    ],
    ("evaluate", "UnknownName"): [
        lambda here: evaluate("digits-model", "digits", side="left"),
        lambda here: evaluate("digits-model", "digits", options=ScanOptions("tables")),
        lambda here: evaluate("digits-model", photos(here)),
    ],
    ("inspect", "UnknownName"): [
        lambda here: inspect(nn.Conv2d(3, 8, 3), SIZE, InspectionOptions(field="stem")),
        lambda here: inspect(nn.Conv2d(3, 8, 3), SIZE, InspectionOptions(device="toaster")),
        lambda here: inspect(nn.Conv2d(3, 8, 3), SIZE, InspectionOptions(device="h100", precision="double")),
        lambda here: inspect(nn.Conv2d(3, 8, 3), SIZE, InspectionOptions(optimizer="luck")),
    ],
    ("receptive_field", "UnknownName"): [lambda here: receptive_field(tape(), "7")],
    ("receptive_field", "BadValue"): [lambda here: receptive_field(tape(), source=1), lambda here: receptive_field(tape(), source=-1)],
    ("Fields", "BadValue"): [lambda here: Fields(tape(), 1)],
    ("effective_field", "UnknownName"): [lambda here: effective_field(tape(), "7")],
    ("effective_field", "NotLocal"): [lambda here: effective_field(tape())],
    ("effective_field", "BadValue"): [lambda here: effective_field(tape(), "0", axis=2)],
    ("explain", "BadValue"): [partial(no_size, explain), partial(no_network, explain)],
    ("explain", "Uncopyable"): [lambda here: explain(Locked(), SIZE)],
    ("measured_field", "UnknownName"): [lambda here: measured_field(nn.Conv2d(3, 8, 3), torch.rand(1, *SIZE), "7")],
    ("measured_field", "Uncopyable"): [lambda here: measured_field(Locked(), torch.rand(1, *SIZE))],
    ("memory", "UnknownName"): [lambda here: memory(nn.Conv2d(3, 8, 3), SIZE, optimizer="luck")],
    ("roofline", "UnknownName"): [lambda here: roofline(tape(), "toaster"), lambda here: roofline(tape(), precision="double")],
    ("Conv", "BadValue"): [lambda here: Conv(0), lambda here: Conv((3, 3), stride=(1, 1, 1)), lambda here: Conv(c_in=3, groups=2)],
    ("Conv", "UnknownName"): [lambda here: Conv(padding="some")],
    ("Linear", "BadValue"): [lambda here: Linear(0, 3), lambda here: Linear(3, 0)],
    ("Norm", "BadValue"): [lambda here: Norm(0), lambda here: Norm(3, "group", running=True), lambda here: Norm(3, "layer", running=True)],
    ("Norm", "UnknownName"): [lambda here: Norm(3, "weight")],
    ("Pool", "BadValue"): [lambda here: Pool(0), lambda here: Pool((2, 2), padding=(1,))],
    ("Pool", "UnknownName"): [lambda here: Pool(kind="sum"), lambda here: Pool(padding="some")],
    ("Transposed", "BadValue"): [
        lambda here: Transposed(0),
        lambda here: Transposed((2, 2), (1,)),
        lambda here: Transposed(c_in=3, groups=2),
    ],
    ("chain_sizes", "ImageTooSmall"): [lambda here: arithmetic.chain_sizes([Conv(3), Pool(8)], 8)],
    ("chain_sizes", "BadValue"): [lambda here: arithmetic.chain_sizes([Conv(3)], 0)],
    ("constraint", "BadValue"): [lambda here: arithmetic.constraint(Coefficients(alpha=0.9))],
    ("dropped", "ImageTooSmall"): [lambda here: arithmetic.dropped(Conv(3), 2)],
    ("dropped", "BadValue"): [lambda here: arithmetic.dropped(Conv(3), 0), lambda here: arithmetic.dropped(Conv((3, 3)), (8, 8, 8))],
    ("flops", "ImageTooSmall"): [lambda here: arithmetic.flops(Conv(3), 2), lambda here: arithmetic.flops(Pool(3), 2)],
    ("flops", "BadValue"): [lambda here: arithmetic.flops(Conv(3), 0), lambda here: arithmetic.flops(Pool((3, 3)), (8, 8, 8))],
    ("legal_sizes", "BadValue"): [
        lambda here: arithmetic.legal_sizes([Conv(3, padding="same")]),
        lambda here: arithmetic.legal_sizes([Conv(9)], largest=8),
    ],
    ("macs", "ImageTooSmall"): [lambda here: arithmetic.macs(Conv(3), 2)],
    ("macs", "BadValue"): [lambda here: arithmetic.macs(Conv(3), 0), lambda here: arithmetic.macs(Conv((3, 3)), (8, 8, 8))],
    ("output_size", "ImageTooSmall"): [
        lambda here: arithmetic.output_size(Conv(3), 2),
        lambda here: arithmetic.output_size(Pool(3), (8, 2)),
    ],
    ("output_size", "BadValue"): [
        lambda here: arithmetic.output_size(Conv(3), 0),
        lambda here: arithmetic.output_size(Conv((3, 3)), (8, 8, 8)),
    ],
    ("parse", "BadValue"): [lambda here, text=text: arithmetic.parse(text) for text in ("", "conf 3", "conv 3 q4", "conv")],
    ("same_padding", "BadValue"): [
        lambda here: arithmetic.same_padding(3, stride=2),
        lambda here: arithmetic.same_padding((3, 3), (1, 1, 1)),
    ],
    ("smallest_size", "BadValue"): [too_wide],
    ("ways", "BadValue"): [lambda here: arithmetic.ways(8, 100)],
    ("weight_memory", "UnknownName"): [lambda here: arithmetic.weight_memory(Linear(3, 3), "luck")],
    ("card", "UnknownName"): [lambda here: card("resnet5O")],
    ("catalogue", "UnknownName"): [lambda here: catalogue(sort="beauty")],
    ("deeplab_on", "BadValue"): [lambda here: deeplab_on(build("resnet18"), 512, output_stride=12)],
    ("unet_on", "BadValue"): [lambda here: unet_on(build("lenet5"), classes=0)],
    ("train", "BadValue"): [
        lambda here: train(here / "gone"),
        lambda here: trained(here, seed=-1),
        lambda here: train(photos(here / "photos"), here / "out", time="soon"),
        lambda here: trained(here, device="toaster"),
        lambda here: trained(here, test_size=1.5),
    ],
    ("train", "UnknownName"): [
        lambda here: trained(here, net="resnet5O"),
        lambda here: trained(here, net="resnet50", weights="torchvision/V9"),
        lambda here: trained(here, extras=Extras(precision="double")),
        lambda here: trained(here, extras=Extras(images=ScanOptions("tables"))),
    ],
    ("train", "WouldReplace"): [lambda here: train("digits", "digits-model", net="lenet5")],
    ("train", "BrokenImages"): [lambda here: train(photos(here / "photos", broken=1), here / "out", net="lenet5")],
    ("train", "DataFault"): [lambda here: train(photos(here / "photos", "a"), here / "out", net="lenet5")],
    ("train", "WeightsUnavailable"): [lambda here: trained(here, weights="gone.safetensors")],
    ("train", "CheckpointMismatch"): [lambda here: trained(here, net="cifar_resnet20", weights=weights(here))],
    ("train", "UnsafeCheckpoint"): [lambda here: trained(here, weights=weights(here, pickled=True))],
    ("train", "StorageFault"): [lambda here: trained(here, extras=Extras(cache=weights(here)))],
}
ELSEWHERE = {  # what needs another process, another user, or a fault inside a running training
    ("audit", "UnreadableFolder"): "data/test_unused.py",
    ("evaluate", "UnreadableFolder"): "data/test_unused.py",
    ("train", "UnreadableFolder"): "data/test_unused.py",
    ("train", "InUse"): "jobs/test_run_directory.py",
    ("train", "ForwardFault"): "jobs/test_own_net.py",
    ("load", "ForwardFault"): "jobs/test_own_net.py",
    ("predict", "ForwardFault"): "jobs/test_own_net.py",
    ("train", "NonFinite"): "jobs/test_train.py",
    ("train", "SystemExit"): "jobs/test_train.py",
    ("train", "TooLittleTime"): "training/test_ladder.py",
}
TOLD = sorted({(found.__qualname__, error) for found in PUBLIC.values() for error in raised(found.__doc__ or "")})


def test_every_told_error_is_provoked_and_no_other():
    assert {*PROVOKED} | {*ELSEWHERE} == {*TOLD}


@pytest.mark.parametrize(("name", "error"), PROVOKED, ids=lambda part: part)
def test_what_a_docstring_tells_is_raised(name: str, error: str, workshop: Path, tmp_path: Path):
    for number, provoke in enumerate(PROVOKED[name, error]):
        here = tmp_path / str(number)
        here.mkdir()
        with pytest.raises(BaseException) as caught:
            provoke(here)
        assert type(caught.value).__name__ == error, f"number {number}: {caught.value}"


@pytest.mark.parametrize(("told", "file"), ELSEWHERE.items(), ids=str)
def test_what_is_provoked_elsewhere_is(told: tuple[str, str], file: str):
    assert f"raises({told[1]}" in (TESTS / file).read_text()
