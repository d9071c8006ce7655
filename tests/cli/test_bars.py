"""Progress where nobody watches: what begins is said when it begins."""

import pytest

from receptron.cli.output.bars import Bars


@pytest.mark.parametrize(
    ("stage", "total", "unit", "begun"),
    [
        ("features", 595, "views", "features: 595 views to go"),
        ("Reading images", 1, "images", "Reading images: 1 image to go"),
        ("fetching", 14, "MB", "fetching: 14 MB to go"),
    ],
)
def test_a_stage_is_told_when_it_begins(stage: str, total: int, unit: str, begun: str, capfd: pytest.CaptureFixture[str]):
    bars = Bars()
    bars.start(stage, total, unit)
    assert capfd.readouterr().err == begun + "\n"
    bars.advance(total)
    assert capfd.readouterr().err == ""
    bars.done("well")
    assert capfd.readouterr().err.startswith(f"{stage}: {begun.removeprefix(stage + ': ').removesuffix(' to go')}, ")


def test_what_is_usually_short_is_told_neither_before_nor_after(capfd: pytest.CaptureFixture[str]):
    bars = Bars(patience=60)
    bars.start("Looking at images", 3, "images")
    bars.advance(3)
    bars.done()
    assert capfd.readouterr().err == ""


def test_nothing_to_do_is_not_announced(capfd: pytest.CaptureFixture[str]):
    Bars().start("features", 0, "views")
    assert capfd.readouterr().err == ""
