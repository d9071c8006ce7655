"""What a file says of itself and what its user says must agree: nets of the same shapes would take it, and answer worse."""

from pathlib import Path

import pytest
import torch

from receptron import zoo
from receptron.data.records import Catalog
from receptron.errors import BadValue, CheckpointMismatch, UnknownName
from receptron.jobs.training.initial_weights import Wish, choose_initial_weights
from receptron.weights import store
from receptron.weights.sidecar import Sidecar
from receptron.weights.source import resolve

INPUT = "[input]\npixels = 224\nmean = [0.5]\nstd = [0.5]\ninterpolation = 'bilinear'\ncrop = 1.0\n"
NOTHING = Catalog(Path(), "class folders", ())


def shapes(name: str) -> dict[str, torch.Size]:
    with torch.device("meta"):
        return {key: tensor.shape for key, tensor in zoo.build(name).state_dict().items()}


VARIANTS = [
    (name, plain)
    for name in zoo.ZOO
    for mark in ("_tf", "_timm", "_v1", "_os16", "_1998")
    if name.endswith(mark) and (plain := name.removesuffix(mark)) in zoo.ZOO
]


def written(folder: Path, net: str, more: str = "", keys: str = "receptron") -> Path:
    """An empty file of weights whose sidecar says that it is of `net`: what is said is held together before anything is read."""
    path = folder / "w.safetensors"
    store.write(path, {})
    path.with_suffix(".toml").write_text(f"net = '{net}'\nkeys = '{keys}'\n{more}{INPUT}")
    return path


def test_there_are_many_variants_and_most_have_the_same_shapes():
    assert len(VARIANTS) > 20
    assert shapes("mobilenet_v2_tf") == shapes("mobilenet_v2") and shapes("resnet50_v1") == shapes("resnet50")


@pytest.mark.parametrize(("name", "plain"), VARIANTS)
def test_a_variant_is_refused_either_way_by_build_and_by_train(tmp_path: Path, name: str, plain: str):
    for said, asked in ((name, plain), (plain, name)):
        path = written(tmp_path, said)
        match = f"net is '{said}' in w.toml, and '{asked}' was asked for"
        with pytest.raises(CheckpointMismatch, match=match):
            zoo.build(asked, pretrained=path)
        with pytest.raises(CheckpointMismatch, match=match):
            zoo.build(asked, pretrained=resolve(path, Sidecar(net=asked)))
        with pytest.raises(CheckpointMismatch, match=match):
            choose_initial_weights(NOTHING, Wish(asked, path))
        with pytest.raises(CheckpointMismatch, match="holds weights of"):
            zoo.build(asked, pretrained=resolve(path))


@pytest.mark.parametrize("net", ["nonsense", "", "MobileNet_V2", "mobilenet_v2 ", "resnet5O"])
def test_a_net_that_nothing_bears_is_refused(tmp_path: Path, net: str):
    path = written(tmp_path, net)
    with pytest.raises(CheckpointMismatch, match="said to be two things"):
        zoo.build("mobilenet_v2", pretrained=path)
    with pytest.raises(CheckpointMismatch, match="holds weights of"):
        zoo.build("mobilenet_v2", pretrained=resolve(path))
    with pytest.raises(UnknownName, match=r"no net of w.safetensors named") as caught:
        choose_initial_weights(NOTHING, Wish(None, path))
    assert "w.toml" in str(caught.value)


def test_two_nets_named_by_the_user_are_refused(tmp_path: Path):
    with pytest.raises(BadValue, match="two nets were asked for: resnet18, and resnet34"):
        choose_initial_weights(NOTHING, Wish("resnet18", written(tmp_path, "resnet18"), Sidecar(net="resnet34")))


def test_names_and_hash_must_agree_too_and_the_input_may_be_said_anew(tmp_path: Path):
    path = written(tmp_path, "resnet18", more="sha256 = 'AB'\n", keys="timm")
    with pytest.raises(CheckpointMismatch, match=r"keys is 'timm' in w.toml, and 'torchvision' was asked for"):
        resolve(path, Sidecar(keys="torchvision"))
    with pytest.raises(CheckpointMismatch, match=r"sha256 is 'AB' in w.toml, and 'cd' was asked for"):
        resolve(path, Sidecar(sha256="cd"))
    right = written(tmp_path, "resnet18")
    assert resolve(right, Sidecar(net="resnet18", pixels=96, crop=0.5)).inputs.resize == 192


@pytest.mark.shared
def test_the_real_mobilenet_is_refused_as_its_twin_and_loads_as_itself(shared: Path, tmp_path: Path):
    """As its twin it would score 76.4 % on the thousand photos, as itself 86.6 %."""
    path = tmp_path / "w.pt"
    path.write_bytes((shared / "weights/mobilenet_v2_tf.pt").read_bytes())
    written(tmp_path, "mobilenet_v2_tf", keys="torchvision")
    with pytest.raises(CheckpointMismatch, match="said to be two things"):
        zoo.build("mobilenet_v2", pretrained=path)
    net = zoo.build("mobilenet_v2_tf", pretrained=path)
    assert net.name == "mobilenet_v2_tf" and net.fitted == ()
