"""The measured trial: which candidates there are, and that the fastest wins by enough, with time told by a clock of our own."""

import pytest
from small import context

from receptron.errors import BadValue
from receptron.training.hardware import autotune
from receptron.training.hardware.autotune import candidates, choose
from receptron.training.hardware.device import Engine, find_device


def formats(engines: list[Engine]) -> list[tuple[str, bool]]:
    return [(engine.precision, engine.channels_last) for engine in engines]


def test_candidates_start_with_the_plainest_and_a_wish_leaves_nothing_to_the_trial():
    assert formats(candidates("cpu")) == [("float32", False), ("float32", True), ("bfloat16", True)]
    assert formats(candidates("cpu", "float32")) == [("float32", True)]
    assert formats(candidates("cpu", "bfloat16")) == [("bfloat16", True)]


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [((1.0, 0.5, 0.4), 2), ((1.0, 0.9, 0.9), 0), ((1.0, 2.0, 0.8), 2), ((1.0, 1.1, 1.2), 0), ((1.0, 0.86, 2.0), 1), ((1.0, 0.88, 2.0), 0)],
)
def test_the_fastest_wins_if_it_beats_plain_float32_by_enough(monkeypatch: pytest.MonkeyPatch, seconds: tuple[float, ...], chosen: int):
    now, engines = [0.0], candidates("cpu")
    monkeypatch.setattr(autotune.time, "perf_counter", lambda: now[0])

    def step(engine: Engine):
        first = [True]

        def run() -> None:
            now[0] += seconds[engines.index(engine)] * (50 if first[0] else 1)  # the first, which warms up, does not count
            first[0] = False

        return run

    engine, speed, told = choose("a stage", engines, context(12), step, 32)
    assert speed == pytest.approx(32 / seconds[chosen])
    assert engines.index(engine) == chosen and [t.chosen for t in told].index(True) == chosen
    assert [t.images_per_second for t in told] == pytest.approx([32 / s for s in seconds])
    assert [t.precision for t in told] == ["float32", "float32", "bfloat16"]


def test_a_device_that_is_not_there_is_refused():
    assert find_device("cpu") == "cpu"
    with pytest.raises(BadValue, match="--device tpu") as caught:
        find_device("tpu")
    assert "auto" in caught.value.mend
