"""From what a user names to weights with all their facts: files with sidecars, references, the cache, and being offline."""

import hashlib
import urllib.request
from pathlib import Path
from urllib.error import URLError

import pytest
import torch

import oracles
from receptron import zoo
from receptron.errors import BadValue, UnknownName, UnsafeCheckpoint, WeightsUnavailable
from receptron.weights import fetch, store
from receptron.weights.inputs import InputSpec
from receptron.weights.published import Published, catalogue, find
from receptron.weights.sidecar import EXAMPLE, Sidecar, read_sidecar
from receptron.weights.source import resolve

FULL = Sidecar("lenet5", "receptron", 28, (0.5,), (0.5,), "bilinear", 1.0)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RECEPTRON_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache/weights"


def lenet(folder: Path) -> Path:
    path = folder / "mine.safetensors"
    store.write(path, zoo.build("lenet5").state_dict())
    return path


def test_facts_come_from_flags(tmp_path: Path):
    weights = resolve(lenet(tmp_path), FULL)
    assert weights.inputs == InputSpec(28, (0.5,), (0.5,), "bilinear", 1.0)
    assert zoo.build("lenet5", pretrained=weights).name == "lenet5"


def test_facts_come_from_the_sidecar_and_flags_win(tmp_path: Path):
    path = lenet(tmp_path)
    text = EXAMPLE.replace("mobilenet_v2", "lenet5").replace("torchvision", "receptron", 1)
    (tmp_path / "mine.toml").write_text(text)
    assert resolve(path).inputs.pixels == 224
    assert resolve(path, Sidecar(pixels=28)).inputs.pixels == 28
    assert zoo.build("lenet5", pretrained=path).name == "lenet5"


def test_what_nobody_said_is_listed_with_an_example(tmp_path: Path):
    with pytest.raises(BadValue) as caught:
        resolve(lenet(tmp_path), Sidecar(net="lenet5", pixels=28))
    text = str(caught.value)
    assert "says nothing about keys, mean, std, interpolation, crop" in text
    assert "--weights-keys" in text and "--weights-crop" in text and "mine.toml" in text and "[input]" in text


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("crop = 2.0", "crop of an input is 2.0"),
        ("pixels = '28'", "pixels: expected `int"),
        ("colour = 3", "the field 'colour'"),
        ("std = [0.0]", "std of an input"),
        ("= 3", "is not TOML"),
        ("keys = 'keras'", "no key map named 'keras'"),
    ],
)
def test_a_faulty_sidecar_is_named_with_its_fault(tmp_path: Path, line: str, told: str):
    good = {
        "net": "'lenet5'",
        "keys": "'receptron'",
        "pixels": "28",
        "mean": "[0.5]",
        "std": "[0.5]",
        "interpolation": "'bilinear'",
        "crop": "1.0",
    }
    key = line.partition(" ")[0]
    rows = [f"{k} = {v}" for k, v in good.items() if k != key]
    path = lenet(tmp_path)
    (tmp_path / "mine.toml").write_text("\n".join([*rows, line]))
    with pytest.raises((BadValue, UnknownName), match=told):
        resolve(path)


def test_the_example_sidecar_is_a_sidecar(tmp_path: Path):
    (tmp_path / "x.toml").write_text(EXAMPLE)
    facts = read_sidecar(tmp_path / "x.toml")
    assert facts.missing() == [] and facts.mean == (0.485, 0.456, 0.406)


def test_a_stated_hash_must_agree(tmp_path: Path):
    path = lenet(tmp_path)
    with pytest.raises(UnsafeCheckpoint, match="not the file it should be"):
        resolve(path, Sidecar(sha256="00" * 32).or_else(FULL))
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    assert resolve(path, Sidecar(sha256=right).or_else(FULL)).sha256 == right


def test_references_are_checked_against_the_catalogue():
    with pytest.raises(
        UnknownName, match=r"no weights of resnet50 named 'torchvision/IMAGENET1K_V3'\. Did you mean torchvision/IMAGENET1K_V"
    ):
        find("resnet50", "torchvision/IMAGENET1K_V3")
    with pytest.raises(UnknownName, match="no weights are published for lenet5"):
        find("lenet5", "timm/a1_in1k")
    with pytest.raises(BadValue, match="names weights but no network"):
        resolve("torchvision/IMAGENET1K_V1")


def test_offline_the_ways_on_are_named(cache: Path, monkeypatch: pytest.MonkeyPatch):
    def nobody(*args: object, **options: object) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", nobody)
    with pytest.raises(WeightsUnavailable) as caught:
        zoo.build("resnet18", pretrained="torchvision/IMAGENET1K_V1")
    text = str(caught.value)
    for part in ("Name or service not known", str(cache / "torchvision/resnet18-f37072fd.pth"), "--weights FILE", "--weights none"):
        assert part in text


def test_a_file_that_changed_in_the_cache_is_refused(cache: Path):
    row = Published("resnet18", "torchvision", "TEST", "resnet18-00000000.pth", InputSpec(224, (0.5,), (0.5,)), "none")
    path = fetch.cached_path(row)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"changed")
    with pytest.raises(UnsafeCheckpoint, match="is not what torchvision published"):
        fetch.fetch(row)


def test_a_file_put_into_the_cache_by_hand_is_used_if_it_is_the_right_one(cache: Path):
    row = find("resnet18", "torchvision/IMAGENET1K_V1")
    path = fetch.cached_path(row)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"another file")
    with pytest.raises(UnsafeCheckpoint, match="expected f37072fd"):
        zoo.build("resnet18", pretrained="torchvision/IMAGENET1K_V1")


def test_a_cached_timm_file_builds_the_net_from_timms_names(cache: Path):
    theirs = oracles.timm().create_model("resnet18").eval()
    path = fetch.cached_path(find("resnet18", "timm/a1_in1k"))
    digest = store.write(path, theirs.state_dict())
    path.with_suffix(".safetensors.sha256").write_text(digest)
    ours = zoo.build("resnet18", pretrained="timm/a1_in1k").eval()
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert oracles.relative(ours(x), theirs(x)) < 1e-6


def test_every_published_file_has_a_net_a_key_map_and_sound_inputs():
    from receptron.zoo.keys.table import SOURCES

    rows = catalogue()
    assert len(rows) > 200
    for row in rows:
        assert row.net in zoo.ZOO and row.net in SOURCES[row.keys], row.net
        assert row.inputs.pixels >= zoo.ZOO[row.net].least
        assert row.licence
        if row.source == "torchvision":
            assert len(row.digest) == 8 and int(row.digest, 16) >= 0


def test_safetensors_go_round_and_a_cut_file_is_refused(tmp_path: Path):
    state = {"a": torch.randn(3, 4).t(), "b": torch.zeros(2, 3, 4, 4).to(memory_format=torch.channels_last)}
    path = tmp_path / "w.safetensors"
    digest = store.write(path, state, notes={"net": "x"})
    assert all(torch.equal(store.read(path, digest=digest)[k], v) for k, v in state.items())
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UnsafeCheckpoint, match="not a sound safetensors file"):
        store.read(path)
    with pytest.raises(UnsafeCheckpoint, match="not the file it should be"):
        store.read(path, digest=digest)
