"""The search that skips most pairs finds the sets that trying every pair finds; turned and mirrored copies are among them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from test_duplicates import scene

from receptron.data.dataset.scan import scan
from receptron.data.deduplication.crop_matching import FULL, SAME, WINDOWS, Tries, details, likeness
from receptron.data.deduplication.disjoint_sets import DisjointSets
from receptron.data.deduplication.hash_index import NEAR, HashIndex
from receptron.data.deduplication.near_duplicates import TINT, Link, near_links
from receptron.data.deduplication.orientations import ORIENTATIONS, Orientation, laid
from receptron.data.deduplication.perceptual_hash import PerceptualHashes, hashes, look
from receptron.progress import Silent

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]

TURNS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "mirrored": ImageOps.mirror,
    "mirrored top to bottom": ImageOps.flip,
    "turned by 90 degrees counterclockwise": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turned by 180 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "turned by 90 degrees clockwise": lambda image: image.transpose(Image.Transpose.ROTATE_270),
    "mirrored and turned by 90 degrees": lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    "mirrored and turned by 270 degrees": lambda image: image.transpose(Image.Transpose.TRANSVERSE),
}


def looks_of(images: list[Image.Image]) -> PerceptualHashes:
    seen = [look(np.asarray(image.convert("RGB"))) for image in images]
    return PerceptualHashes(
        np.stack([one.grey for one in seen]),
        np.stack([one.colour for one in seen]),
        np.array([one.digest for one in seen], np.uint64),
        np.array([one.unoriented for one in seen], np.uint64),
        np.array([min(image.size) for image in images], np.int32),
    )


def searched(looks: PerceptualHashes) -> tuple[list[Link], tuple[int, ...]]:
    sets = DisjointSets(len(looks.sides))
    return near_links(looks, np.arange(len(looks.sides)), sets, Silent()), sets.roots()


def every_pair(looks: PerceptualHashes) -> tuple[int, ...]:
    """Sets by trying all pairs in both roles and all eight ways: no index, no order, nothing passed over."""
    detail, clear = details(looks.grey)
    by_window = np.stack([hashes(looks.grey, window) for window in WINDOWS])
    tried: list[tuple[int, int, int, int]] = []
    for number, way in enumerate(ORIENTATIONS):
        full = hashes(way.of(looks.grey))
        distance = np.bitwise_count(by_window[:, :, None] ^ full[None, None])  # (W, wholes, parts)
        window = distance.argmin(axis=0)
        for whole, part in np.argwhere((distance.min(axis=0) <= NEAR) & clear[:, None] & clear[None]):
            if whole != part:
                tried.append((whole, part, window[whole, part], number))
                if distance[WINDOWS.index(FULL), whole, part] <= NEAR:
                    tried.append((whole, part, WINDOWS.index(FULL), number))
    tries = Tries(*np.array(tried, np.intp).reshape(-1, 4).T)
    colours = [
        looks.colour[tries.wholes].astype(float),
        np.array([ORIENTATIONS[w].of(looks.colour[[p]])[0] for p, w in zip(tries.parts, tries.ways, strict=True)]).reshape(-1, 8, 8, 3),
    ]
    tints = [colour - colour.mean(axis=3, keepdims=True) for colour in colours]
    grey = np.minimum(*(np.abs(tint).mean(axis=(1, 2, 3)) for tint in tints)) < 1
    same = (likeness(looks.grey, detail, tries) >= SAME) & (grey | (np.abs(tints[0] - tints[1]).mean(axis=(1, 2, 3)) <= TINT))
    sets = DisjointSets(len(looks.sides))
    for whole, part in zip(tries.wholes[same], tries.parts[same], strict=True):
        sets.join(int(whole), int(part))
    return sets.roots()


def frames(count: int, *, shake: int = 0, night: bool = False, noise: float = 3.0) -> list[Image.Image]:
    """What one camera sees: noise, changing light, a small thing that moves; every other frame by night with other shadows."""
    rng = np.random.default_rng(1)
    view = np.asarray(scene(1000, 112), float)
    found: list[Image.Image] = []
    for number in range(count):
        x, y = rng.integers(8 - shake, 9 + shake, 2)
        seen = view[y : y + 96, x : x + 96].copy()
        if night and number % 2:
            seen = 0.5 * seen + 0.2 * seen[::-1, ::-1]
        left, top = rng.integers(0, 88, 2)
        seen[top : top + 8, left : left + 8] = rng.uniform(0, 255, 3)
        seen = seen * rng.uniform(0.92, 1.08) + rng.normal(0, noise, seen.shape)
        found.append(Image.fromarray(np.clip(seen, 0, 255).astype(np.uint8)))
    return found


def symmetrical(seed: int) -> Image.Image:
    """A scene that is its own mirror image."""
    pixels = np.asarray(scene(seed), float)
    return Image.fromarray(((pixels + pixels[:, ::-1]) / 2).astype(np.uint8))


SETS: dict[str, Callable[[], list[Image.Image]]] = {
    "a still camera": lambda: frames(80) + [scene(seed) for seed in range(40)],
    "a shaking camera": lambda: frames(80, shake=2) + [scene(seed) for seed in range(40)],
    "day and night": lambda: frames(80, night=True) + [scene(seed) for seed in range(40)],
    "noise hides most": lambda: frames(60, noise=25),
    "turned copies": lambda: [turn(scene(seed)) for seed in range(12) for turn in (lambda image: image, *TURNS.values())],
    "symmetrical pictures": lambda: [symmetrical(seed) for seed in range(60)] + [ImageOps.mirror(symmetrical(seed)) for seed in range(20)],
    "different pictures": lambda: [scene(seed) for seed in range(150)],
}


@pytest.mark.parametrize("name", SETS)
def test_the_sets_are_those_of_trying_every_pair(name: str):
    looks = looks_of(SETS[name]())
    links, found = searched(looks)
    assert found == every_pair(looks)
    assert len(links) == len(found) - len(set(found)), "links hold each set together as a tree does"


@pytest.mark.shared
@pytest.mark.parametrize("data", ["flowers", "chest_xray"])
def test_photos_fall_into_the_sets_of_trying_every_pair(data: str, shared: Path):
    items = scan(shared / "data" / data).items
    images = [Image.open(item.path).convert("RGB") for item in items[:: len(items) // 280]]
    turned = [turn(image) for image, turn in zip(images, [*TURNS.values()] * 9, strict=False)]
    looks = looks_of([*images, *turned])
    found = searched(looks)[1]
    assert found == every_pair(looks)
    assert sum(root != place for place, root in enumerate(found)) >= len(turned)


@pytest.mark.parametrize("words", TURNS)
def test_a_turned_copy_is_found_and_how_it_lies_is_said(words: str):
    """Also of pictures that are not square, and also when it was saved smaller, darker and as JPEG."""
    for seed in range(4):
        image = scene(seed).crop((0, 0, 160, 120 + 10 * seed))
        other = TURNS[words](image)
        smaller = other.resize((other.width * 3 // 4, other.height * 3 // 4)).point(lambda value: value * 0.85)
        for copy in (other, smaller):
            (link,), _ = searched(looks_of([image, copy, scene(50 + seed)]))
            assert (link.first, link.second, link.lies.words) == (0, 1, words)
            (link,), _ = searched(looks_of([copy, image]))
            assert link.lies.inverse.words == words


def test_orientations_are_those_of_pillow():
    image = scene(3, 40)
    for words, turn in TURNS.items():
        (way,) = [way for way in ORIENTATIONS if way.words == words]
        assert np.array_equal(way.of(np.asarray(image)[None])[0], np.asarray(turn(image)))
        assert np.array_equal(way.inverse.of(way.of(np.asarray(image)[None]))[0], np.asarray(image))
    pictures = np.random.default_rng(0).integers(0, 256, (8, 5, 5)).astype(np.uint8)
    every = laid(pictures, np.arange(8))
    assert all(np.array_equal(every[n], way.of(pictures[[n]])[0]) for n, way in enumerate(ORIENTATIONS))
    assert ORIENTATIONS[0] == Orientation() and len({way.words for way in ORIENTATIONS}) == 8


@pytest.mark.parametrize("spread", [0, 3, 63])
def test_the_index_finds_every_hash_within_reach_and_none_of_its_own_set(spread: int):
    """Hashes that are equal, that differ in a few bits, and at random, against all pairs."""
    rng = np.random.default_rng(spread)
    flips = rng.random((300, 63)) < (0.5 if spread == 63 else spread / 63)
    stored = np.array([sum(1 << bit for bit in np.flatnonzero(row).tolist()) for row in flips], np.uint64)
    asked = stored.copy()
    for number, bits in enumerate(rng.integers(0, 12, 300)):
        for bit in rng.choice(63, bits, replace=False):
            asked[number] ^= np.uint64(1 << int(bit))
    sets, askers = rng.integers(0, 20, (2, 300))
    places, entries, distance = HashIndex(stored, sets).near(asked, askers)
    bits = {(i, j): (int(asked[i]) ^ int(stored[j])).bit_count() for i in range(300) for j in range(300) if askers[i] != sets[j]}
    expected = {pair: count for pair, count in bits.items() if count <= NEAR}
    assert expected
    assert dict(zip(zip(places.tolist(), entries.tolist(), strict=True), distance.tolist(), strict=True)) == expected


def test_thousands_of_equal_pictures_are_compared_once_each(monkeypatch: pytest.MonkeyPatch):
    """Pairs looked at closely grow with images, not with their square."""
    from receptron.data.deduplication import near_duplicates

    looked: list[int] = []

    def counting(grey: Pixels, detail: Pixels, tries: Tries) -> object:
        looked.append(len(tries.wholes))
        return likeness(grey, detail, tries)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(near_duplicates, "likeness", counting)
    images = frames(60)
    for copies in (10, 20):
        looked.clear()
        found = searched(looks_of(images * copies))[1]
        assert set(found) == {0}
        assert sum(looked) <= 4 * len(found)
