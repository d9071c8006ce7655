"""The cache of activations: cached equals computed, whatever the batch; nothing that happens to its folder changes or stops a run."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save
from small import SPEC, VARIED, context, net
from torch import nn

from receptron.data.augmentation.views import augmented
from receptron.data.preprocessing.normalize import prepare
from receptron.errors import NonFinite
from receptron.progress import Silent
from receptron.training.features import cache
from receptron.training.features.cache import FeatureCache, FeatureViews, cache_key, prune
from receptron.training.features.extraction import compute
from receptron.training.features.frozen_backbone import divide, frozen
from receptron.training.hardware.device import Engine

VIEWS = FeatureViews(SPEC, 3, VARIED, 3)
ENGINE = Engine()
COUNT = 2 * cache.BLOCK + 7
WHOLE = 2 * cache.BLOCK + cache.CHUNK  # images through the front where all are computed: the last chunk is filled up


class Counted:
    """Runs the front and counts the images it was given."""

    def __init__(self) -> None:
        self.images = 0

    def __call__(self, front: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        self.images += len(batch)
        with torch.inference_mode():
            return front(ENGINE.place(batch)).contiguous()


CONTEXT, FRONT = context(COUNT), frozen(divide(net(), 3, 32).front, ENGINE)
DIGESTS = list(CONTEXT.images.digests)


def gather(folder: Path | None, digests: list[str] = DIGESTS, views: FeatureViews = VIEWS) -> tuple[torch.Tensor, int]:
    """Activations, and how many images went through the front."""
    run = Counted()
    return FeatureCache(folder).gather(FRONT, views, digests, CONTEXT.canvases, run, Silent()), run.images


@pytest.fixture(scope="module")
def truth() -> torch.Tensor:
    """Every image and view alone, straight through the plain network."""
    plain, rows = net(), []
    boundary = divide(plain, 3, 32).boundary
    with torch.inference_mode():
        for digest in DIGESTS:
            canvas = CONTEXT.canvases[digest]
            seen = [prepare([canvas], SPEC, 3)]
            seen += [augmented([canvas], [digest], SPEC, VARIED, channels=3, seed=0, epoch=view) for view in (1, 2)]
            rows.append(plain.stages[:boundary](plain.stem(torch.cat(seen))))
    return torch.stack(rows).clone()


def close(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    return bool((ours - theirs).abs().max() <= 1e-5 * max(1.0, float(theirs.abs().max())))


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    gather(tmp_path / "cache")
    return tmp_path / "cache"


def test_cached_and_uncached_features_agree_whatever_the_batch(tmp_path: Path, truth: torch.Tensor):
    fresh, computed = gather(tmp_path)
    again, nothing = gather(tmp_path)
    without, _ = gather(None)
    assert computed == 3 * WHOLE and nothing == 0
    assert torch.equal(fresh, again) and torch.equal(fresh, without)
    assert close(fresh, truth)
    for part in (DIGESTS[5:6], DIGESTS[60:70], DIGESTS[::-1]):
        assert close(gather(None, part)[0], truth[[DIGESTS.index(d) for d in part]])


def test_a_wrong_view_would_be_noticed(truth: torch.Tensor):
    assert not close(gather(None)[0].roll(1, dims=1), truth)
    assert not close(gather(None)[0].roll(1, dims=0), truth)


def test_fewer_views_come_from_more_and_more_are_computed(filled: Path):
    full, _ = gather(filled)
    fewer, nothing = gather(filled, views=replace(VIEWS, count=2))
    assert nothing == 0 and torch.equal(fewer, full[:, :2])
    more, computed = gather(filled, views=replace(VIEWS, count=4))
    assert computed and torch.equal(more[:, :3], full)


def test_the_same_file_twice_is_computed_once(tmp_path: Path):
    rows, computed = gather(tmp_path, [DIGESTS[0], DIGESTS[1], DIGESTS[0]])
    assert computed == 3 * cache.CHUNK and torch.equal(rows[0], rows[2])


def _delete(file: Path) -> None:
    file.unlink()


def _truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)


def _garbage(file: Path) -> None:
    """Well named, but no safetensors."""
    file.unlink()
    (file.parent / f"{hashlib.sha256(b'x').hexdigest()}.safetensors").write_bytes(b"x")


@pytest.mark.parametrize("harm", [_delete, _truncate, _empty, _flip, _garbage])
def test_a_lost_or_damaged_block_is_computed_again(filled: Path, harm, truth: torch.Tensor):
    whole, _ = gather(filled)
    harm(sorted(filled.glob("*.safetensors"))[0])
    rows, computed = gather(filled)
    assert computed in (3 * cache.BLOCK, 3 * cache.CHUNK) and close(rows, truth) and close(rows, whole), "one block, the last is short"
    assert gather(filled)[1] == 0


def test_a_block_that_goes_while_it_is_read_is_computed_again(filled: Path, monkeypatch: pytest.MonkeyPatch, truth: torch.Tensor):
    read = Path.read_bytes

    def vanishing(self: Path) -> bytes:
        if self.suffix == ".safetensors":
            self.unlink(missing_ok=True)
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", vanishing)
    rows, computed = gather(filled)
    assert computed == 3 * WHOLE and close(rows, truth)


def test_a_folder_that_goes_away_is_made_again(filled: Path, truth: torch.Tensor):
    shutil.rmtree(filled)
    assert close(gather(filled)[0], truth) and gather(filled)[1] == 0


def test_a_folder_that_cannot_be_written_costs_the_cache_and_not_the_run(tmp_path: Path, truth: torch.Tensor):
    (tmp_path / "file").write_text("a file where a folder should be")
    rows, computed = gather(tmp_path / "file" / "cache")
    assert computed == 3 * WHOLE and close(rows, truth)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_costs_the_cache_and_not_the_run(tmp_path: Path, truth: torch.Tensor):
    (tmp_path / "cache").mkdir(mode=0o555)
    assert close(gather(tmp_path / "cache")[0], truth)


def test_half_written_files_of_a_killed_run_are_no_blocks(filled: Path):
    block = sorted(filled.glob("*.safetensors"))[0]
    (filled / f".receptron-new-{block.name}-1-0123abcd").write_bytes(block.read_bytes()[:100])
    assert gather(filled)[1] == 0


CHILD = """
import sys
from pathlib import Path
import torch
sys.path[:0] = [{tests!r}, {tests!r} + "/training"]
from test_features import DIGESTS, gather
torch.save(gather(Path(sys.argv[1]), DIGESTS[::int(sys.argv[2])])[0], sys.argv[3])
"""


def test_two_processes_share_one_folder(tmp_path: Path, truth: torch.Tensor):
    """Both start at once from nothing, with images in a different order; each must get the right rows, and leave sound blocks."""
    code, cache = CHILD.format(tests=str(Path(__file__).parents[1])), tmp_path / "cache"
    started = [subprocess.Popen([sys.executable, "-c", code, cache, str(step), tmp_path / f"{step}.pt"]) for step in (1, -1)]
    assert [child.wait(120) for child in started] == [0, 0]
    for step in (1, -1):
        assert close(torch.load(tmp_path / f"{step}.pt"), truth[::1] if step == 1 else truth.flip(0))
    assert gather(cache)[1] == 0
    for file in cache.iterdir():
        assert hashlib.sha256(file.read_bytes()).hexdigest() == file.stem


@pytest.mark.parametrize(
    "change",
    [
        {"spec": replace(SPEC, mean=(0.5, 0.45, 0.41))},
        {"spec": replace(SPEC, interpolation="bicubic")},
        {"channels": 1},
        {"policy": replace(VARIED, flip=False)},
    ],
    ids=["mean", "interpolation", "channels", "policy"],
)
def test_the_key_hangs_on_everything_that_an_activation_hangs_on(change):
    state = FRONT.state_dict()
    key = cache_key(state, VIEWS, "float32")
    assert cache_key(state, replace(VIEWS, **change), "float32") != key
    assert cache_key(state, VIEWS, "bfloat16") != key
    assert cache_key(state, replace(VIEWS, count=9), "float32") == key
    for name in state:
        touched = state[name].contiguous().clone()
        touched.view(-1)[-1] += 1e-3
        assert cache_key({**state, name: touched}, VIEWS, "float32") != key, name


def test_the_key_does_not_hang_on_the_memory_layout():
    state = FRONT.state_dict()
    last = {name: t.to(memory_format=torch.channels_last) if t.dim() == 4 else t for name, t in state.items()}
    assert cache_key(last, VIEWS, "float32") == cache_key({n: t.contiguous() for n, t in state.items()}, VIEWS, "float32")


def test_features_that_are_not_finite_name_their_images_and_are_not_kept(tmp_path: Path):
    broken, place = net(), context(12, cache=tmp_path)
    with torch.no_grad():
        broken.stem.conv.weight[0, 0, 0, 0] = torch.nan
    with pytest.raises(NonFinite, match=r"12 of 12 images: bars/0\.png"):
        compute(broken, place, [])
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_climb_gets_the_same_features_from_its_cache(tmp_path: Path):
    first = compute(net(), context(30, cache=tmp_path), [])
    second = compute(net(), context(30, cache=tmp_path), [])
    assert torch.equal(first.maps, second.maps) and torch.equal(first.pooled, second.pooled)
    assert first.pooled.shape == (30, first.views.count, 64) and np.isfinite(first.pooled.numpy()).all()


def test_a_cache_beyond_its_limit_loses_the_oldest_blocks_first(tmp_path: Path):
    mine = [tmp_path / ("a" * 32) / "backbone.safetensors", tmp_path / "mine" / f"{'0' * 64}.safetensors", tmp_path / "top.safetensors"]
    blocks = [tmp_path / ("a" * 32) / f"{digit * 64}.safetensors" for digit in "012"]
    for age, file in enumerate([*blocks, *mine]):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(bytes(100))
        os.utime(file, (1_000_000 - age, 1_000_000 - age))
    prune(tmp_path, limit=250)
    assert [file.exists() for file in blocks] == [True, True, False]
    assert all(file.exists() for file in mine), "what the user keeps there is not ours to remove"


@pytest.mark.parametrize(
    "row", [torch.tensor(1.0), torch.zeros(17, 3), torch.zeros(3, 8).half()], ids=["no axes", "another shape", "another type"]
)
def test_rows_of_another_kind_with_a_right_digest_cost_the_cache_and_not_the_run(filled: Path, truth: torch.Tensor, row: torch.Tensor):
    block = sorted(filled.glob("*.safetensors"))[0]
    content = save({name: row.clone() for name in load_file(block)})
    block.unlink()
    (filled / f"{hashlib.sha256(content).hexdigest()}.safetensors").write_bytes(content)
    assert close(gather(filled)[0], truth)


class Steps(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.total, self.steps, self.outcome = 0, list[int](), ""

    def start(self, stage: str, total: int, unit: str) -> None:
        self.total = total

    def advance(self, count: int = 1, note: str = "") -> None:
        self.steps.append(count)

    def done(self, note: str = "") -> None:
        self.outcome = note


@pytest.mark.parametrize(("there", "asked", "views"), [(0, 35, 3), (0, 1, 1), (9, 70, 2), (12, 12, 3)])
def test_progress_moves_with_the_first_images_and_ends_where_it_was_to_go(tmp_path: Path, there: int, asked: int, views: int):
    wanted = replace(VIEWS, count=views)
    if there:
        gather(tmp_path, DIGESTS[:there], wanted)
    told = Steps()
    FeatureCache(tmp_path).gather(FRONT, wanted, DIGESTS[:asked], CONTEXT.canvases, Counted(), told)
    missing = asked - there
    assert sum(told.steps) == told.total == missing * views
    assert all(step <= cache.CHUNK for step in told.steps), "no step waits for a whole block"
    assert told.outcome == f"{missing} image{'s' * (missing != 1)} computed, {there} from the cache"
