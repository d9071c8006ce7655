"""The catalogue, cards and timeline, as records and on the command line."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from receptron import zoo
from receptron.cli.app import commands
from receptron.errors import BadValue, UnknownName
from receptron.zoo import cards
from receptron.zoo.papers import PAPERS

run = CliRunner().invoke


def test_filters_keep_what_they_say():
    rows = cards.catalogue(cards.Filter(2015, 2016, 30, 5.0, True), "macs")
    assert rows and all(2015 <= row.year <= 2016 and row.parameters <= 30e6 and row.macs <= 5e9 and row.weights for row in rows)
    assert [row.macs for row in rows] == sorted(row.macs for row in rows)
    every = {row.name for row in cards.catalogue()}
    left_out = [row for row in cards.catalogue() if row.name not in {kept.name for kept in rows}]
    assert every == set(zoo.ZOO)
    assert all(not (2015 <= r.year <= 2016 and r.parameters <= 30e6 and r.macs <= 5e9 and r.weights) for r in left_out)


def test_the_best_accuracy_comes_first():
    rows = cards.catalogue(sort="top1")
    known = [row.top1 for row in rows if row.top1 is not None]
    assert known == sorted(known, reverse=True) and rows[-1].top1 is None


@pytest.mark.parametrize(
    ("text", "bounds"),
    [("2015", (2015, 2015)), ("2015-2017", (2015, 2017)), ("2019-", (2019, None)), ("-2014", (None, 2014)), ("", (None, None))],
)
def test_years_are_read(text: str, bounds: tuple[int | None, int | None]):
    assert cards.years(text) == bounds


def test_a_year_that_is_none_and_an_order_that_is_none_are_refused():
    with pytest.raises(BadValue, match="years '15'"):
        cards.years("15")
    with pytest.raises(UnknownName, match="no order named 'size'"):
        cards.catalogue(sort="size")


def test_a_cards_stages_add_up():
    card = zoo.card("resnet50")
    assert sum(stage.parameters for stage in card.stages) == card.row.parameters == 25_557_032
    assert [stage.shape for stage in card.stages] == [(64, 56, 56), (256, 56, 56), (512, 28, 28), (1024, 14, 14), (2048, 7, 7), (1000,)]
    assert card.before == "vgg" and "densenet" in card.after


def test_a_variants_card_says_what_differs_and_shows_its_working():
    assert zoo.card("resnet50_v1_plain").notes == (
        "the skip-free twin: the same layers without their shortcuts",
        "the stride sits in the first 1x1 of a bottleneck, as in the paper; the plain name has it in the 3x3",
    )
    assert "79.9 % in the paper" in zoo.card("convnext_ladder_06").notes[0]
    working = zoo.card("efficientnet_b2").notes
    assert "depth = α^φ = 1.2^1" in working[0] and "260 pixels" in working[1]
    assert zoo.card("resnet50").notes == ()


def test_accuracies_are_the_sources_own():
    row = cards.catalogue_row("resnet50")
    first = row.weights[0]
    assert (first.reference, first.top1, first.inputs.resize, first.licence) == ("torchvision/IMAGENET1K_V2", 80.858, 232, "BSD-3-Clause")


def test_the_history_runs_from_lenet_to_mobilenet_v4_without_gaps():
    papers = zoo.timeline()
    assert (papers[0].net, papers[0].year, papers[-1].net, papers[-1].year) == ("lenet5", 1998, "mobilenet_v4_conv_small", 2024)
    assert [paper.year for paper in papers] == sorted(paper.year for paper in papers)
    for paper in papers:
        assert paper.net in zoo.ZOO
        assert not paper.before or PAPERS[paper.before].year <= paper.year
    assert {net.paper for net in zoo.ZOO.values()} == PAPERS.keys()


def test_the_command_prints_a_table_a_card_and_the_history():
    table = run(commands(), ["zoo", "--year", "2012", "--sort", "name"])
    assert table.exit_code == 0 and "alexnet_2012" in table.stdout and "resnet18" not in table.stdout
    card = run(commands(), ["zoo", "lenet5"])
    assert "61,706" in card.stdout and "16 x 5 x 5" in card.stdout
    assert "convolution and" in run(commands(), ["zoo", "--timeline"]).stdout


def test_the_command_prints_records():
    rows = json.loads(run(commands(), ["zoo", "--json", "--max-parameters", "0.1"]).stdout)
    assert {row["name"] for row in rows} == {"lenet5", "lenet5_1998"}
    assert json.loads(run(commands(), ["zoo", "vgg16", "--json"]).stdout)["row"]["parameters"] == 138_357_544
    assert json.loads(run(commands(), ["zoo", "--timeline", "--json"]).stdout)[0]["key"] == "lenet"


def test_importing_the_zoo_imports_no_oracle_and_no_network_library():
    code = "import sys, receptron.zoo; print([m for m in ('torchvision', 'timm', 'sklearn', 'PIL') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
