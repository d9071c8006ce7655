"""A model directory comes back as it was, or is refused with the name of the file that changed."""

import random
from pathlib import Path

import pytest
import torch

from cards import card, network, saved
from faults import Strike, raising, struck
from receptron import atomic_write
from receptron.bundle import manifest, store
from receptron.bundle.card import ModelCard
from receptron.bundle.store import Placed
from receptron.errors import BundleCorrupt, BundleFault, NonFinite, NotABundle, StorageFault
from receptron.records import from_json, to_json

SPLIT = (
    Placed("a" * 64, "rose/1.jpg", "train", "rose"),
    Placed("b" * 64, 'a,b "c"\n\udcff=1.jpg', "test", "tulip"),
)
FILES = (store.WEIGHTS, store.CARD, store.SPLIT, manifest.NAME)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return saved(tmp_path / "model", SPLIT)


def test_card_weights_and_split_come_back_unchanged(folder: Path):
    found = store.read(folder)
    assert found.card == card() and found.split == SPLIT
    expected = network().state_dict()
    assert found.state.keys() == expected.keys()
    assert all(torch.equal(found.state[name], tensor) for name, tensor in expected.items())
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_the_same_model_gives_the_same_bytes(tmp_path: Path, folder: Path):
    again = saved(tmp_path / "again", SPLIT)
    assert all((again / name).read_bytes() == (folder / name).read_bytes() for name in FILES)


def test_sixty_single_bit_flips_are_all_found(folder: Path):
    draw = random.Random(0)
    sizes = {name: (folder / name).stat().st_size for name in FILES}
    for i in range(60):
        name = FILES[i % 4]
        path, bit = folder / name, draw.randrange(8 * sizes[name])
        good = path.read_bytes()
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bad)
        with pytest.raises(BundleFault) as caught:
            store.verify(folder)
        assert str(path) in caught.value.what
        path.write_bytes(good)
    store.verify(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("left", [0.0, 0.5, -1])
def test_a_cut_file_is_named(folder: Path, name: str, left: float):
    path = folder / name
    data = path.read_bytes()
    path.write_bytes(data[: -1 if left < 0 else int(len(data) * left)])
    with pytest.raises(BundleCorrupt, match=name):
        store.read(folder)


@pytest.mark.parametrize("name", FILES[:3])
def test_a_missing_file_is_named(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(BundleCorrupt, match=f"{name} is missing"):
        store.read(folder)


def test_an_extra_file_is_named_and_what_file_managers_leave_is_not(folder: Path):
    (folder / ".DS_Store").write_bytes(b"x")
    store.verify(folder)
    (folder / "model.pt").write_bytes(b"x")
    with pytest.raises(BundleCorrupt, match=r"model\.pt is not part"):
        store.verify(folder)


def test_a_manifest_that_was_made_anew_without_a_needed_file_is_refused(folder: Path):
    (folder / store.SPLIT).unlink()
    (folder / manifest.NAME).write_bytes(manifest.of({n: (folder / n).read_bytes() for n in FILES[:2]}))
    with pytest.raises(BundleCorrupt, match=r"split\.csv is missing"):
        store.verify(folder)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "", ".", "..", "MANIFEST.json"])
def test_a_manifest_cannot_point_elsewhere(folder: Path, name: str):
    sums = {n: manifest.Sum(1, "0" * 64) for n in (name, *FILES[:3])}
    (folder / manifest.NAME).write_bytes(manifest.text(1, sums))
    with pytest.raises(BundleCorrupt, match=r"MANIFEST\.json is damaged"):
        store.verify(folder)


def rewritten(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    (folder / manifest.NAME).write_bytes(manifest.of({n: (folder / n).read_bytes() for n in FILES[:3]}))


def test_an_unknown_format_of_card_or_manifest_says_to_upgrade(folder: Path):
    text = (folder / store.CARD).read_bytes()
    rewritten(folder, store.CARD, b'{"format": 7, "anything": "else"}')
    with pytest.raises(BundleFault, match="format 7, this version reads 1") as caught:
        store.read(folder)
    assert "upgrade" in caught.value.mend
    rewritten(folder, store.CARD, text)
    listed = from_json((folder / manifest.NAME).read_bytes(), manifest.Manifest)
    (folder / manifest.NAME).write_bytes(manifest.text(2, listed.files))
    with pytest.raises(BundleFault, match=r"MANIFEST\.json has format 2"):
        store.read(folder)


@pytest.mark.parametrize("data", [b"\x80\x04\x95cos\nsystem\n", b"PK\x03\x04", b"\xff" * 8 + b"{}", b""])
def test_a_pickle_in_place_of_the_weights_is_refused_unread(folder: Path, data: bytes):
    rewritten(folder, store.WEIGHTS, data)
    with pytest.raises(BundleCorrupt, match="not a sound safetensors file"):
        store.read(folder)


def test_places_without_a_model_are_told(tmp_path: Path):
    with pytest.raises(NotABundle, match="nowhere is no model directory"):
        store.read(tmp_path / "nowhere")
    (tmp_path / "photos").mkdir()
    with pytest.raises(NotABundle, match=r"no MANIFEST\.json"):
        store.read(tmp_path / "photos")


def test_a_folder_with_something_else_is_never_replaced(tmp_path: Path, folder: Path):
    place = tmp_path / "photos"
    place.mkdir()
    (place / "cat.jpg").write_bytes(b"x")
    (folder / "notes.txt").write_text("mine")
    for taken in (place, folder):
        with pytest.raises(BundleFault, match="something else than a model"):
            saved(taken)
    assert (place / "cat.jpg").exists() and (folder / "notes.txt").exists()
    (tmp_path / "empty").mkdir()
    store.verify(saved(tmp_path / "empty"))


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path, poison: float):
    state = network().state_dict()
    name = next(iter(state))
    state[name].view(-1)[3] = poison
    with pytest.raises(NonFinite, match=name):
        store.save(tmp_path / "model", card(), state)
    assert not (tmp_path / "model").exists()


def test_a_failed_save_leaves_the_older_model_good(tmp_path: Path):
    place, n = saved(tmp_path / "model", SPLIT), 0
    while True:
        n += 1
        strike = Strike(n, raising(28))
        with struck(strike, tmp_path):
            try:
                saved(place)
            except StorageFault as error:
                assert str(place) in error.what
        store.verify(place)
        if strike.count < n:
            break
        assert sorted(path.name for path in tmp_path.iterdir()) == ["model"], n
    assert n > 16 and store.read(place).split == ()


def test_a_model_moved_aside_by_a_killed_save_is_read_where_it_lies_and_brought_back_by_a_writer(folder: Path):
    staging = folder.parent / ".receptron-staging-model"
    staging.mkdir()
    (staging / "mark").write_text(atomic_write._MARK)
    folder.rename(staging / "old")
    assert store.read(folder).card == card() and not folder.exists(), "who reads writes nothing"
    atomic_write.recover(folder)
    assert store.read(folder).card == card() and not staging.exists()


def test_the_card_survives_json():
    assert from_json(to_json(card()), ModelCard) == card()


def test_a_file_that_cannot_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch):
    opened = Path.open

    def failing(path: Path, *args: object, **rest: object):
        if path.name == store.SPLIT:
            raise OSError(5, "Input/output error")
        return opened(path, *args, **rest)

    monkeypatch.setattr(Path, "open", failing)
    with pytest.raises(BundleFault, match=r"split\.csv cannot be read") as caught:
        store.verify(folder)
    assert "Input/output error" in caught.value.why


def test_digests_are_plain_sha256(folder: Path):
    listed = from_json((folder / manifest.NAME).read_bytes(), manifest.Manifest)
    assert {n: s.sha256 for n, s in listed.files.items()} == {n: atomic_write.sha256(folder / n) for n in FILES[:3]}
