"""A sidecar says something that can be used, or is refused with its field."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from receptron.errors import BadValue, UnsafeCheckpoint
from receptron.weights import store
from receptron.weights.sidecar import Sidecar, check_unsaid
from receptron.weights.source import resolve

GOOD = {
    "net": "'lenet5'",
    "keys": "'receptron'",
    "pixels": "28",
    "mean": "[0.5]",
    "std": "[0.5]",
    "interpolation": "'bilinear'",
    "crop": "1",
}
BAD = {
    ("pixels", "6000"): "pixels of an input is 6000",
    ("pixels", "-1"): "pixels of an input is -1",
    ("pixels", "10" * 50): "pixels of an input is 1010",
    ("pixels", "1" * 5000): "is not TOML",
    ("pixels", "true"): "pixels: expected",
    ("pixels", "2026-01-01"): "pixels: expected",
    ("pixels", "inf"): "pixels: expected",
    ("mean", "[0.5, 0.5]"): "mean of an input",
    ("mean", "[0.1, 0.2, 0.3, 0.4, 0.5]"): "mean of an input",
    ("mean", "[nan]"): "mean of an input",
    ("mean", "[-inf]"): "mean of an input",
    ("mean", "[123.7]"): "pixels are 0..1",
    ("mean", "[" + "9" * 400 + "]"): "mean",
    ("std", "[58.4]"): "pixels are 0..1",
    ("std", "[nan]"): "std of an input",
    ("std", "[inf]"): "std of an input",
    ("std", "[1e-30]"): "std of an input",
    ("std", "[-0.5]"): "std of an input",
    ("crop", "1e-9"): "crop of an input is 1e-09",
    ("crop", "nan"): "crop of an input is nan",
    ("crop", "-1"): "crop of an input is -1",
    ("crop", "'" + "x" * 100_000 + "'"): "more than",
    ("interpolation", "'magic'"): "interpolation of an input is 'magic'",
    ("net", "1"): "net: expected",
    ("net", "[" * 2000): "nested too deeply",
    ("licence", "{a = " * 2000): "nested too deeply",
    ("licence", "'\\u0000"): "is not TOML",
    ("licence", '"\\ud800"'): "is not TOML",
    ("input", "3"): "the field 'input'",
}


def weights(folder: Path, **changes: str) -> Path:
    save_file({"a": torch.zeros(1)}, folder / "mine.safetensors")
    (folder / "mine.toml").write_text("\n".join(f"{name} = {value}" for name, value in {**GOOD, **changes}.items()))
    return folder / "mine.safetensors"


def test_the_good_sidecar_of_this_test_is_read(tmp_path: Path):
    assert resolve(weights(tmp_path)).inputs.pixels == 28


@pytest.mark.parametrize(("field", "value"), BAD, ids=range(len(BAD)))
def test_a_sidecar_out_of_range_is_refused_with_its_file(field: str, value: str, tmp_path: Path):
    with pytest.raises(BadValue, match=BAD[field, value]) as caught:
        resolve(weights(tmp_path, **{field: value}))
    assert "mine" in caught.value.what and len(caught.value.what + caught.value.why) < 500


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\xef\xbb\xbfnet = 'lenet5'", b"net\0", b"x" * 10**6])
def test_a_sidecar_that_is_no_text_is_refused(data: bytes, tmp_path: Path):
    path = weights(tmp_path)
    (tmp_path / "mine.toml").write_bytes(data)
    with pytest.raises(BadValue, match=r"mine\.toml is not TOML"):
        resolve(path)


@pytest.mark.parametrize(
    "head",
    [
        b"{" * 9,
        b'{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,0]}}',
        b'{"a":{"dtype":"F32","shape":[0,9223372036854775808],"data_offsets":[0,0]}}',
    ],
)
def test_a_safetensors_file_that_torch_cannot_hold_is_refused(head: bytes, tmp_path: Path):
    (tmp_path / "a.safetensors").write_bytes(len(head).to_bytes(8, "little") + head)
    with pytest.raises(UnsafeCheckpoint, match="not a sound safetensors file"):
        store.read(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    "said",
    [Sidecar(mean=(0.5,)), Sidecar(net="resnet18", pixels=64), Sidecar(crop=0.9), Sidecar(keys="timm"), Sidecar(std=(0.2,) * 3)],
    ids=str,
)
def test_facts_of_a_file_that_is_not_there_are_refused(said: Sidecar):
    with pytest.raises(BadValue, match="would be passed over"):
        check_unsaid(said)
    with pytest.raises(BadValue, match="would be passed over"):
        resolve("timm/a1_in1k", Sidecar(net="resnet18").or_else(said))


def test_a_net_alone_is_no_fact_of_a_file():
    check_unsaid(Sidecar(net="resnet18"))
