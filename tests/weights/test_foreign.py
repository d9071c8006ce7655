"""The one door for pickled checkpoints: what passes, and what is refused before anything runs or fills the memory."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from receptron.errors import BadValue, UnsafeCheckpoint, WeightsUnavailable
from receptron.weights import foreign, pretrained

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2, dtype=torch.float64), "n": torch.tensor(3)}


def save(path: Path, content: object, *, old: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not old)
    return path


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == STATE.keys() and all(torch.equal(found[k], v) for k, v in STATE.items())


@pytest.mark.parametrize("old", [False, True])
def test_both_of_pytorchs_formats_are_read(tmp_path: Path, old: bool):
    assert same(foreign.read(save(tmp_path / "w.pt", STATE, old=old)))


@pytest.mark.parametrize("wrapper", foreign.WRAPPERS)
def test_wrappers_and_prefixes_are_taken_off(tmp_path: Path, wrapper: str):
    content = {"epoch": 3, "best": 0.5, wrapper: {f"module.{k}": v for k, v in STATE.items()}}
    assert same(foreign.read(save(tmp_path / "w.th", content)))
    assert same(foreign.strip_prefix({f"_orig_mod.module.{k}": v for k, v in STATE.items()}))


def test_a_prefix_that_only_some_names_bear_stays():
    mixed = {"module.a": torch.zeros(1), "b": torch.zeros(1)}
    assert foreign.strip_prefix(mixed).keys() == mixed.keys()


def test_a_pickle_that_would_run_a_program_is_refused_and_runs_nothing(tmp_path: Path):
    mark = tmp_path / "ran"

    class Trap:
        def __reduce__(self):
            return os.system, (f"touch {mark}",)

    for name, old in (("new.pt", False), ("old.pt", True)):
        with pytest.raises(UnsafeCheckpoint):
            foreign.read(save(tmp_path / name, {"a": Trap()}, old=old))
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(UnsafeCheckpoint):
        foreign.read(tmp_path / "bare.pt")
    assert not mark.exists()


def inflated(old: bool, times: int) -> bytes:
    """A checkpoint whose pickle declares a storage `times` as large as the bytes that follow."""
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(1000)}, buffer, _use_new_zipfile_serialization=not old)
    small, large = b"M" + (1000).to_bytes(2, "little"), b"J" + (1000 * times).to_bytes(4, "little")
    if old:
        return buffer.getvalue().replace(small, large)
    changed = io.BytesIO()
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(changed, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            target.writestr(entry.filename, content.replace(small, large) if entry.filename.endswith("data.pkl") else content)
    return changed.getvalue()


@pytest.mark.parametrize("old", [False, True])
def test_tensors_larger_than_the_file_are_refused_before_they_are_made(tmp_path: Path, old: bool, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "bomb.pt"
    path.write_bytes(inflated(old, 500_000))
    monkeypatch.setattr(torch, "load", lambda *a, **k: pytest.fail("it was loaded"))
    with pytest.raises(UnsafeCheckpoint, match="declares 2,000,000,000 bytes of tensors in a file of"):
        foreign.read(path)


def test_views_larger_than_their_bytes_are_refused(tmp_path: Path):
    with pytest.raises(UnsafeCheckpoint, match="larger than the bytes behind it"):
        foreign.read(save(tmp_path / "w.pt", {"a": torch.zeros(1).expand(1000, 1000)}))


def test_compressed_entries_are_refused(tmp_path: Path):
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w/data.pkl", b"\0" * 10**6)
    with pytest.raises(UnsafeCheckpoint, match="compressed entries"):
        foreign.read(path)


def test_programs_and_other_files_are_refused(tmp_path: Path):
    cases = {
        "text.pt": b"not a checkpoint",
        "empty.pt": b"",
        "cut.pt": save(tmp_path / "whole.pt", STATE).read_bytes()[:300],
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnsafeCheckpoint):
            foreign.read(tmp_path / name)


@pytest.mark.parametrize("content", [[1, 2], {}, {"a": 1}, {"a": torch.zeros(2), "b": "text"}, torch.zeros(3)])
def test_what_is_no_dictionary_of_tensors_is_refused(tmp_path: Path, content: object):
    with pytest.raises(UnsafeCheckpoint, match="was not read"):
        foreign.read(save(tmp_path / "w.pt", content))


def test_a_size_limit_a_wrong_hash_and_a_missing_file_are_told(tmp_path: Path):
    path = save(tmp_path / "w.pt", STATE)
    with pytest.raises(UnsafeCheckpoint, match="the limit is 10"):
        foreign.read(path, max_bytes=10)
    with pytest.raises(UnsafeCheckpoint, match="expected 0123456789ab"):
        foreign.read(path, digest="0123456789abcdef")
    with pytest.raises(WeightsUnavailable, match="no weights file"):
        foreign.read(tmp_path / "none.pt")
    with pytest.raises(BadValue, match=r"ending '\.bin'"):
        pretrained.read(tmp_path / "w.bin")


def test_every_cut_of_a_file_is_refused_or_whole(tmp_path: Path):
    whole = save(tmp_path / "w.pt", STATE).read_bytes()
    path = tmp_path / "cut.pt"
    for end in range(0, len(whole) - 1, 37):
        path.write_bytes(whole[:end])
        with pytest.raises(UnsafeCheckpoint):
            foreign.read(path)
