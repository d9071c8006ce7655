"""A network of the user's own from the command to the model: trained, kept without its code, and asked for again."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from photos import folder

from receptron import atomic_write
from receptron.bundle import manifest, store
from receptron.bundle.model import load
from receptron.errors import BadValue, BundleCorrupt, BundleFault, CheckpointMismatch, ForwardFault
from receptron.jobs.evaluate import evaluate, subject
from receptron.jobs.options import Extras
from receptron.jobs.predict import predict
from receptron.jobs.training.train import train
from receptron.own_net.own_network import read_own
from receptron.training.records import Run
from receptron.weights.sidecar import Sidecar
from shell import run

pytestmark = pytest.mark.usefixtures("quick")

NET = """
import os
import torch
from torch import nn
from layers import block

class Net(nn.Module):
    def __init__(self, num_classes, width=8):
        super().__init__()
        self.body = nn.Sequential(block(3, width), block(width, width))
        self.drop, self.fc = nn.Dropout(0.1), nn.Linear(width * 4, num_classes)

    def forward(self, x):
        print("seen", x.shape)
        if "OWN_FAILS" in os.environ: raise KeyError("gone")
        x = nn.functional.adaptive_avg_pool2d(self.body(x), 2)
        return self.fc(self.drop(x.view(x.size(0), -1)))
"""
LAYERS = """
from torch import nn

def block(c_in, c_out):
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, 2, 1), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True))
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("photos") / "photos", 12)


def code(place: Path) -> str:
    place.mkdir(parents=True, exist_ok=True)
    (place / "net.py").write_text(NET)
    (place / "layers.py").write_text(LAYERS)
    return f"{place / 'net.py'}:Net"


def extras(tmp_path: Path, **more: object) -> Extras:
    return Extras(precision="float32", cache=tmp_path / "cache", **more)


@pytest.fixture(scope="module")
def made(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, str, Path]:
    place = tmp_path_factory.mktemp("own")
    net = code(place / "code")
    found = train(photos, place / "out", net=net, time="5s", extras=extras(place, arguments='{"width": 6}', facts=Sidecar(pixels=32)))
    return found, net, place


def test_the_model_keeps_digests_and_no_code_and_wants_the_file_back(made: tuple[Run, str, Path], photos: Path):
    found, net, place = made
    own = found.card.own
    assert own is not None and found.card.net == "net.py:Net" and own.arguments == '{"width": 6}'
    assert own.sources == {name: atomic_write.sha256(place / "code" / name) for name in ("net.py", "layers.py")}
    assert {file.name for file in found.model.iterdir()} <= {*store.LIMITS, manifest.NAME}
    assert found.settings["net sha256"] == own.digest and found.settings["args"] == '{"width": 6}'
    with pytest.raises(BundleFault, match="needs the file") as caught:
        load(found.model)
    assert "--net net.py:Net" in caught.value.mend
    for name in (net, net.removesuffix(":Net")):
        answers = load(found.model, net=name).predict([next(photos.rglob("*.png"))])
        assert answers[0].answered
    judged, images = subject(found.model, photos, None, Sidecar(net=net), "cpu", 400)
    assert evaluate(judged, images).trained is not None
    with pytest.raises(BundleFault, match=r"not with net\.py:Other"):
        load(found.model, net=net.replace(":Net", ":Other"))


def test_the_tensors_of_the_model_are_those_of_the_network_itself(made: tuple[Run, str, Path], photos: Path):
    """The user's class, filled by hand from the saved file, answers as the model does."""
    found, net, _ = made
    model, state = load(found.model, net=net), store.read(found.model).state
    plain = read_own(net, '{"width": 6}').fresh(len(found.card.classes), found.card.channels).eval()
    ours = {name.removeprefix("stem.net."): tensor for name, tensor in state.items() if name.startswith("stem.")}
    plain.load_state_dict(ours | {"fc.weight": state["head.fc.weight"], "fc.bias": state["head.fc.bias"]})
    images = torch.randn(5, found.card.channels, 32, 32)
    with torch.no_grad():
        assert torch.allclose(plain(images), model.net(images), atol=1e-5)


def test_the_commands_ask_for_the_file_and_say_what_to_type(made: tuple[Run, str, Path], photos: Path, tmp_path: Path):
    found, net, _ = made
    image = str(next(photos.rglob("*.png")))
    refused = run("predict", found.model, image)
    assert refused.code == 1 and "needs the file of its network" in refused.err and "Traceback" not in refused.err
    done = run("predict", found.model, image, "--net", net, "--json")
    assert json.loads(done.out)["answered"] == 1, "what the network prints belongs on stderr"
    assert "seen" in done.err
    judged = run("evaluate", found.model, photos, "--net", net, "--json")
    assert judged.code == 0 and json.loads(judged.out)["model"] == str(found.model)
    shown = run("train", photos, "--net", net, "--time", "2s", "--out", tmp_path / "o", "--weights-pixels", "32")
    assert "".join(f"IMAGE... --net {net}".split()) in "".join(shown.out.split())
    assert "seen" not in shown.out


def test_what_the_network_raises_later_is_told_by_its_line(made: tuple[Run, str, Path], monkeypatch: pytest.MonkeyPatch):
    found, net, _ = made
    monkeypatch.setenv("OWN_FAILS", "1")
    for ask in (lambda: load(found.model, net=net), lambda: predict(found.model, ["x.png"], net=net)):
        with pytest.raises(ForwardFault, match=r"KeyError: 'gone' \(net\.py, line 15"):
            ask()


def test_a_changed_file_or_neighbour_is_refused_with_both_digests_and_never_run(made: tuple[Run, str, Path], photos: Path, tmp_path: Path):
    found, _, place = made
    own = found.card.own
    assert own is not None
    for name in ("net.py", "layers.py"):
        shutil.copytree(place / "code", tmp_path / name)
        file, marker = tmp_path / name / name, tmp_path / f"{name}.ran"
        file.write_text(f"open({str(marker)!r}, 'w')\n" + file.read_text())
        with pytest.raises(BundleFault) as caught:
            predict(found.model, ["x.png"], net=str(tmp_path / name / "net.py"))
        assert own.sources[name] in caught.value.why and atomic_write.sha256(file) in caught.value.why
        assert not marker.exists()


def edited(model: Path, target: Path, change: dict[str, object]) -> Path:
    """A copy of a model whose card says something else, with a manifest that agrees: whoever can write the folder can do that."""
    shutil.copytree(model, target)
    card = json.loads((target / store.CARD).read_text())
    card["own"] |= change
    if "file" in change or "name" in change:
        card["net"] = f"{str(card['own']['file']).rpartition('/')[2]}:{card['own']['name']}"
    files = {name: (target / name).read_bytes() for name in store.LIMITS if (target / name).exists()}
    files[store.CARD] = json.dumps(card).encode()
    shutil.rmtree(target)
    target.mkdir()
    manifest.write(target, files)
    return target


@pytest.mark.parametrize(
    "path",
    ["../evil.py", "/tmp/evil.py", "a/../../evil.py", "..", "a\\..\\evil.py", "C:evil.py", "./evil.py", "a//evil.py", "x\x00.py", ""],
)
def test_a_path_that_leads_out_of_the_folder_is_refused(path: str, made: tuple[Run, str, Path], tmp_path: Path):
    found, net, _ = made
    own = found.card.own
    assert own is not None
    marker = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(marker)!r}, 'w')\n")
    for number, change in enumerate(
        [{"file": path, "sources": own.sources | {path: "0" * 64}}, {"sources": own.sources | {path: "0" * 64}}]
    ):
        model = edited(found.model, tmp_path / f"m{number}", change)
        for given in (None, net):
            with pytest.raises(BundleCorrupt):
                load(model, net=given)
    assert not marker.exists()


def test_a_model_from_elsewhere_runs_no_file_that_lies_beside_it_or_where_one_stands(
    made: tuple[Run, str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    found, net, _ = made
    marker = tmp_path / "ran"
    evil = f"open({str(marker)!r}, 'w')\n"
    model = edited(found.model, tmp_path / "here" / "model", {"name": "Net"})
    for place in (tmp_path / "here", tmp_path):
        for name in ("net.py", "layers.py", "torch_extra.py", "sitecustomize.py"):
            (place / name).write_text(evil)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(BundleFault, match="needs the file"):
        load(model)
    with pytest.raises(BundleFault, match="nothing of it was run"):
        load(model, net="net.py:Net")
    for name in ("os.system", "1x", "a-b", "Net:x", "__import__('os')", ""):
        with pytest.raises(BundleCorrupt):
            load(edited(found.model, tmp_path / f"n{abs(hash(name))}", {"name": name}), net=net)
    assert not marker.exists()


def test_a_model_of_the_zoo_takes_no_file(photos: Path, tmp_path: Path, workshop: Path):
    marker = tmp_path / "ran.py"
    marker.write_text("raise SystemExit\n")
    with pytest.raises(BundleFault, match="of the zoo"):
        load("digits-model", net=f"{marker}:Net")


def test_own_weights_climb_and_what_is_not_said_of_them_is_asked(made: tuple[Run, str, Path], photos: Path, tmp_path: Path):
    _, net, _ = made
    fresh = read_own(net).fresh(7, 3)
    file = tmp_path / "own.pt"
    torch.save(fresh.state_dict(), file)
    with pytest.raises(BadValue, match="says nothing about pixels, mean, std"):
        train(photos, tmp_path / "a", net=net, weights=file, extras=extras(tmp_path))
    facts = Sidecar(pixels=32, mean=(0.5,), std=(0.5,), interpolation="bilinear", crop=1.0)
    found = train(photos, tmp_path / "b", net=net, weights=file, time="20s", extras=extras(tmp_path, facts=facts))
    rungs = [rung.name for rung in found.ladder]
    assert rungs[:4] == ["majority class", "nearest neighbour", "linear head", "last stage"]
    assert "no stem, stages and head" in found.ladder[3].why and (len(rungs) == 5) == (rungs[-1] == "everything")
    assert load(found.model, net=net).predict([next(photos.rglob("*.png"))])[0].answered
    torch.save({name: tensor for name, tensor in fresh.state_dict().items() if "body" in name}, file)
    with pytest.raises(CheckpointMismatch, match="do not fit"):
        train(photos, tmp_path / "c", net=net, weights=file, extras=extras(tmp_path, facts=facts))


def test_what_is_asked_of_a_network_of_the_zoo_or_of_none_is_refused(photos: Path, tmp_path: Path):
    with pytest.raises(BadValue, match="--args"):
        train(photos, tmp_path / "a", net="lenet5", weights="none", extras=extras(tmp_path, arguments="[]"))
    net = code(tmp_path / "code")
    with pytest.raises(BadValue, match="passed over"):
        train(photos, tmp_path / "a", net=net, extras=extras(tmp_path, facts=Sidecar(keys="timm")))
    (tmp_path / "code" / "net.py").write_text(NET.replace("width * 4, num_classes", "width * 5, num_classes"))
    with pytest.raises(ForwardFault, match=r"net\.py, line 17"):
        train(photos, tmp_path / "a", net=net, extras=extras(tmp_path))
    (tmp_path / "code" / "net.py").write_text(
        NET.replace("nn.functional.adaptive_avg_pool2d(self.body(x), 2)", "self.body(x)[..., :8, :8]").replace("width * 4", "width * 64")
    )
    small = folder(tmp_path / "small", 6)
    with pytest.raises((ForwardFault, BadValue)) as caught:
        train(small, tmp_path / "a", net=net, extras=extras(tmp_path, facts=Sidecar(pixels=16)))
    assert "net.py" in str(caught.value)
