"""Random numbers that depend on a key and nothing else, checked against SplitMix64's published values and by their statistics."""

import subprocess
import sys

import numpy as np
import pytest

from receptron.data import stateless_random

NAMES = [f"class {i % 7}/{i}.jpg" for i in range(4000)]


def test_the_mixer_is_splitmix64():
    """The generator's first outputs for seed 1234567, as its reference implementation (Vigna, splitmix64.c) prints them."""
    golden, mask = 0x9E3779B97F4A7C15, 2**64 - 1
    states = np.array([(1234567 + golden * i) & mask for i in (1, 2, 3)], np.uint64)
    with np.errstate(over="ignore"):
        assert stateless_random._mix(states).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_numbers_depend_on_the_name_and_not_on_its_company():
    together = stateless_random.uniforms(NAMES, 3, 5, 14)
    alone = np.concatenate([stateless_random.uniforms([name], 3, 5, 14) for name in NAMES[:50]])
    assert np.array_equal(together[:50], alone)
    assert np.array_equal(stateless_random.uniforms(NAMES[::-1], 3, 5, 14)[::-1], together)
    assert np.array_equal(stateless_random.uniforms(NAMES, 3, 5, 4), together[:, :4])


@pytest.mark.parametrize("other", [(4, 5), (3, 6)])
def test_another_seed_or_epoch_draws_other_numbers(other: tuple[int, int]):
    first, second = stateless_random.uniforms(NAMES, 3, 5, 14), stateless_random.uniforms(NAMES, *other, 14)
    assert not (first == second).any()
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02


def test_numbers_are_uniform_and_columns_unrelated():
    drawn = stateless_random.uniforms(NAMES, 0, 0, 14)
    assert drawn.min() >= 0 and drawn.max() < 1
    counts = np.stack([np.histogram(column, 20, (0, 1))[0] for column in drawn.T])
    chi = ((counts - 200) ** 2 / 200).sum(1)
    assert chi.max() < 50  # 19 degrees of freedom: 1 in 10,000 lies above 50
    related = np.corrcoef(drawn.T) - np.eye(14)
    assert abs(related).max() < 0.07


def test_seed_and_epoch_cannot_be_confused_with_parts_of_a_name():
    assert stateless_random.keyed(1, "2").random() != stateless_random.keyed("1", 2).random() != stateless_random.keyed("1\x1f2").random()
    assert stateless_random.keyed(12, 3).random() != stateless_random.keyed(1, 23).random()


def test_an_order_is_a_permutation_of_its_own_for_every_epoch():
    orders = [stateless_random.order(500, 1, epoch) for epoch in range(4)]
    assert all(sorted(o.tolist()) == list(range(500)) for o in orders)
    assert len({tuple(o.tolist()) for o in orders}) == 4
    assert np.array_equal(orders[2], stateless_random.order(500, 1, 2))


def test_another_process_draws_the_same():
    """Python salts its own hashes in each process; these keys must not hang on them."""
    code = (
        "from receptron.data.stateless_random import keyed, uniforms; print(keyed(7, 'x').random(), uniforms(['a', 'ü'], 1, 2, 3).tolist())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == f"{stateless_random.keyed(7, 'x').random()} {stateless_random.uniforms(['a', 'ü'], 1, 2, 3).tolist()}"


def test_names_that_are_no_text_have_a_key():
    assert stateless_random.uniforms(["a\udcff.jpg"], 0, 0, 1)[0, 0] != stateless_random.uniforms(["a.jpg"], 0, 0, 1)[0, 0]
