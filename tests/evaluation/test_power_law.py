"""A power law is found again where there is one; its interval holds as often as it says."""

import numpy as np
import pytest

from receptron.evaluation.power_law import forecast

SHARES = np.array([1 / 8, 1 / 4, 1 / 2, 0.8])


@pytest.mark.parametrize(
    ("level", "rate", "floor"), [(0.1, 0.5, 0.0), (0.3, 0.25, 0.0), (0.02, 0.9, 0.2), (0.4, 0.6, 0.4), (0.2, 0.0, 0.0)]
)
def test_an_exact_law_is_found_again(level: float, rate: float, floor: float):
    found = forecast(SHARES, level * (floor + (1 - floor) * SHARES**-rate), 1e-6, np.full(4, 1e-8))
    doubled = level * (floor + (1 - floor) * 2**-rate)
    assert found.now.middle == pytest.approx(level, rel=0.05)
    assert found.doubled.low <= doubled <= found.doubled.high
    assert found.doubled.high - found.doubled.low < 0.25 * level


def test_intervals_hold_as_often_as_they_say():
    draw, held = np.random.default_rng(0), []
    for _ in range(300):
        rate, floor, own, common = draw.uniform(0, 1), draw.uniform(0, 0.5), 0.05, 0.1
        errors = 0.2 * (floor + (1 - floor) * SHARES**-rate) * np.exp(draw.normal(0, own, 4) + draw.normal(0, common))
        found = forecast(SHARES, errors, common**2, np.full(4, own**2))
        held.append(found.doubled.low <= 0.2 * (floor + (1 - floor) * 2**-rate) <= found.doubled.high)
    assert 0.85 <= np.mean(held) <= 0.97


@pytest.mark.parametrize("common", [0.01, 0.04, 0.25])
def test_what_is_less_sure_is_wider(common: float):
    errors = 0.2 * SHARES**-0.5
    spans = [forecast(SHARES, errors, one, np.full(4, 1e-3)).doubled for one in (common, 2 * common)]
    assert spans[0].high / spans[0].low < spans[1].high / spans[1].low


def test_no_error_is_above_all_images():
    found = forecast(SHARES, np.array([0.99, 0.98, 0.97, 0.96]), 0.5, np.full(4, 0.1))
    assert found.now.high == 1.0
