"""The one door for pickled checkpoints: what passes, and what is refused before anything runs or fills the memory."""

import io
import os
import pickle
import traceback
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


class Calls:
    """Unpickled, it would call."""

    def __init__(self, what: object, *given: object) -> None:
        self.what, self.given = what, given

    def __reduce__(self):
        return self.what, self.given


ADVICE = ("weights_only", "safe_globals", "torch.load", "trusted source", "will likely succeed", "docs", "\x1b")


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    ("trap", "named"),
    [
        (Calls(os.system, "true"), f"{os.name if os.name == 'nt' else 'posix'}.system"),
        (Calls(eval, "1"), "eval"),
        (Calls(__import__, "os"), "__import__"),
        (Calls(torch.hub.load, "x", "y"), "torch.hub.load"),
        (Path("x"), "pathlib"),
    ],
)
def test_what_would_have_to_be_run_is_named_without_advice_to_run_it(tmp_path: Path, trap: object, named: str, old: bool):
    path = save(tmp_path / "w.pt", {"a": torch.zeros(1), "b": trap}, old=old)
    with pytest.raises(UnsafeCheckpoint, match=f"more than plain tensors: '{named}") as caught:
        foreign.read(path)
    shown = "".join(traceback.format_exception(caught.value))
    assert not [advice for advice in ADVICE if advice in str(caught.value)]
    assert "Re-running" not in shown and "Please use" not in shown


@pytest.mark.parametrize(
    ("program", "named"),
    [
        (pickle.dumps(Calls(os.system, "true"), 2)[2:], "system"),
        (b"\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.", "SHORT_BINUNICODE"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"(S'true'\nios\nsystem\n.", "STRING"),
        (b"cos\nsystem\n(tR.", "'os.system'"),
    ],
)
def test_instructions_that_pytorch_never_writes_are_named_without_advice(tmp_path: Path, program: bytes, named: str):
    whole, path = save(tmp_path / "whole.pt", STATE), tmp_path / "w.pt"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            target.writestr(entry.filename, program if entry.filename.endswith("data.pkl") else source.read(entry))
    with pytest.raises(UnsafeCheckpoint, match=f"more than plain tensors.*{named}") as caught:
        foreign.read(path)
    assert not [advice for advice in ADVICE if advice in str(caught.value)]


@pytest.mark.parametrize("names", [("state_dict", "state_dict_ema"), ("model", "model_ema"), ("net", "best"), ("model", "state_dict")])
def test_two_versions_of_one_network_are_refused_and_named(tmp_path: Path, names: tuple[str, str]):
    content = {"epoch": 3, "optimizer": {"state": {0: {"step": torch.zeros(1)}}}, **dict.fromkeys(names, STATE)}
    with pytest.raises(UnsafeCheckpoint, match=f"more than once: '{names[0]}', '{names[1]}'"):
        foreign.read(save(tmp_path / "w.pt", content))
    assert same(foreign.read(save(tmp_path / "w.pt", {key: value for key, value in content.items() if key != names[1]})))


@pytest.mark.parametrize("protocol", [4, 5])
def test_a_pickle_of_another_protocol_is_refused_by_its_number(tmp_path: Path, protocol: int):
    path = tmp_path / "w.pt"
    torch.save({"a": torch.zeros(1)}, path, pickle_protocol=protocol)
    with pytest.raises(UnsafeCheckpoint, match=f"by protocol {protocol}, which PyTorch does not write"):
        foreign.read(path)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("net", [torch.nn.Flatten(), torch.nn.Linear(2, 2), torch.nn.Sequential(torch.nn.ReLU())])
def test_a_whole_network_is_refused_as_such(tmp_path: Path, net: torch.nn.Module, old: bool):
    with pytest.raises(UnsafeCheckpoint, match=r"more than plain tensors: (a whole network|'torch.nn.modules)"):
        foreign.read(save(tmp_path / "w.pt", net, old=old))


def test_tensors_without_numbers_are_refused(tmp_path: Path):
    file = save(tmp_path / "w.pt", {"a": torch.ones(2), "b": torch.empty(3, device="meta")})
    with pytest.raises(UnsafeCheckpoint, match="was not read") as fault:
        foreign.read(file)
    assert "b is on the meta device" in fault.value.why


@pytest.mark.parametrize("place", [0.3, 0.5, 0.8])
def test_one_turned_bit_is_seen_by_the_files_own_checksum(tmp_path: Path, place: float):
    file = save(tmp_path / "w.pt", {"a": torch.randn(4000), "b": torch.randn(2000)})
    content = bytearray(file.read_bytes())
    content[int(place * 24_000)] ^= 1
    file.write_bytes(content)
    with pytest.raises(UnsafeCheckpoint) as fault:
        foreign.read(file)
    assert "checksum" in fault.value.why or "neither" in fault.value.why
