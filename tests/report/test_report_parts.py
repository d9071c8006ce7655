"""The parts of the page one by one: verdict, words, pictures of numbers, thumbnails, and what is left out."""

import io
import math
import re
import shlex
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sample import Wish, awkward, painted, points, run

from receptron.data.reading.depth_scale import NOMINAL, DepthRange, DepthScale
from receptron.data.records import Finding
from receptron.evaluation.records import TOO_FEW, Answer, BaselineComparison, Estimate
from receptron.report import render, words
from receptron.report.scales import Scale, ticks, whole_ticks
from receptron.report.svg import tag
from receptron.report.thumbnails import SIDE, Thumbnail, Thumbnails, from_folder, thumbnail
from receptron.report.training.commands import following
from receptron.report.training.confusion import LEVELS_RIGHT, LEVELS_WRONG, confusion, level, mixups
from receptron.report.training.curves import curves
from receptron.report.training.intervals import track
from receptron.report.training.of_a_hundred import of_a_hundred
from receptron.report.training.reliability import reliability
from receptron.report.training.selection import findings_shown, ranked, samples_shown
from receptron.report.training.verdict import caveats, verdict
from receptron.training.records import InputCheck, PhaseName

share = st.floats(0, 1)


def gain(low: float, high: float, better: bool) -> BaselineComparison:
    return BaselineComparison(
        "nearest neighbour", Estimate(0.8, 0.75, 0.85, 200, "Wilson"), Estimate((low + high) / 2, low, high, 200, "paired"), better
    )


def test_it_is_real_only_where_every_baseline_is_beaten():
    assert verdict((gain(0.05, 0.1, True), gain(0.4, 0.6, True))).kind == "real"
    assert verdict((gain(0.05, 0.1, True), gain(-0.01, 0.06, False))).kind == "unsure"
    assert verdict((gain(-0.2, -0.1, False), gain(0.4, 0.6, True))).kind == "worse"
    assert verdict(()).kind == "unknown"


def test_the_verdict_tells_the_gain_that_decided_it():
    reason = verdict((gain(0.4, 0.6, True), gain(-0.01, 0.06, False))).reason
    assert "2.5 points better (−1.0 to +6.0) than the nearest neighbour" in reason
    assert "reaches zero" in reason


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (-0.15, -0.016, "8.3 points worse (−15.0 to −1.6) than"),
        (-0.1, 0.06, "2.0 points worse (−10.0 to +6.0) than"),
        (-0.05, 0.05, "neither better nor worse (−5.0 to +5.0) than"),
        (-0.0003, -0.0001, "neither better nor worse (−0.0 to −0.0) than"),
        (0.02, 0.06, "4.0 points better (+2.0 to +6.0) than"),
    ],
)
def test_a_loss_is_told_as_a_loss_and_never_as_a_gain(low: float, high: float, told: str):
    reason = verdict((gain(low, high, low > 0),)).reason
    assert told in reason and "gain" not in reason


def test_weights_that_are_fed_wrongly_are_held_against_the_headline():
    fault = "the weights were not trained on images normalised by mean 0, std 1; mean 0.5, std 0.5 would fit"
    wrong = InputCheck("stem.0.norm", 48, 1.2, "mean 0.5, std 0.5", 0.02, fault)
    clean = run(Path("photos"), wish=Wish(findings=False))
    assert any("mean 0.5, std 0.5 would fit" in told for told in caveats(replace(clean, input_check=wrong)))
    assert caveats(replace(clean, input_check=replace(wrong, fault=""))) == ()


def test_the_legend_of_the_matrix_shows_every_shade_that_a_cell_can_have():
    page = render(run(Path("photos")), painted)
    figure = page[page.index("Truth in rows") :].partition("</figure>")[0]
    legend = figure[figure.index('<ul class="legend"') :]
    for kind in ("right", "wrong"):
        assert re.findall(rf'class="cell {kind}-(\d)"', legend) == ["1", "2", "3", "4", "5"]
        used = set(re.findall(rf'class="cell {kind}-(\d)"', figure.partition("<ul")[0]))
        assert used <= set("12345") and used


def test_no_image_is_shown_as_a_mistake_and_as_a_doubt():
    made = run(Path("photos"))
    assert made.mistakes and made.doubtful
    assert not {answer.path for answer in made.mistakes} & {answer.path for answer in made.doubtful}


@pytest.mark.parametrize("home", ["/home/anna/work/flowers-model", "out", "/srv/my models/it's one"])
def test_commands_for_whom_the_page_is_sent_to_hold_no_path_of_its_maker(home: str):
    made = run(Path("/home/anna/my photos"), wish=Wish(findings=False))
    made = replace(made, model=Path(home) / "model", report=Path(home) / "report.html")
    for step in following(made):
        assert "/home" not in step.command and "/srv" not in step.command
    assert shlex.split(following(made)[0].command) == ["receptron", "predict", Path(home).name, "new-photos/"]


def test_few_images_leaks_and_serious_findings_are_held_against_the_headline():
    clean = run(Path("photos"), wish=Wish(findings=False))
    assert caveats(clean) == ()
    doubtful = " ".join(caveats(run(Path("photos"), wish=Wish(tested=40, leaks=7)))).replace("\u00a0", " ")
    assert "40 images only" in doubtful
    assert "7 test images" in doubtful
    assert "1 finding in the images is serious" in doubtful


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (words.percent, 0.92345, "92.3 %"),
        (words.percent, math.nan, "–"),
        (words.points, -0.031, "−3.1"),
        (words.duration, 0.44, "0.4 s"),
        (words.duration, 59.7, "1 min"),
        (words.duration, 252.2, "4 min 12 s"),
        (words.duration, 3780, "1 h 3 min"),
        (words.magnitude, 2_230_277, "2.23 million"),
        (words.magnitude, 61_706, "61,706"),
        (words.number, 1797, "1,797"),
        (words.number, 0.0123456, "0.0123"),
        (words.day, "2026-11-22T00:03:00+00:00", "22 November 2026, 00:03 UTC"),
        (words.day, "yesterday", "yesterday"),
        (words.sentence, "time is up", "Time is up."),
    ],
)
def test_numbers_read_as_a_person_would_say_them(function, value, text: str):
    assert function(value).replace("\u00a0", " ") == text


@given(st.text(max_size=60), st.integers(4, 30))
def test_a_shortened_name_fits_and_keeps_both_ends(name: str, length: int):
    short = words.shortened(name, length)
    assert len(short) <= length
    assert short == name or (name.startswith(short.split("…")[0]) and name.endswith(short.rsplit("…", 1)[1]))


@given(st.lists(share, min_size=3, max_size=3).map(sorted))
def test_the_picture_has_a_hundred_dots_and_its_kinds_follow_the_interval(ends: list[float]):
    low, value, high = ends
    html = of_a_hundred(Estimate(value, low, high, 100, "Wilson")).picture
    counts = [html.count(f'class="dot-{kind}"') for kind in ("sure", "maybe", "miss")]
    assert sum(counts) == 100
    assert 100 * low - 1 < counts[0] <= 100 * low + 1e-6
    assert 100 * (1 - high) - 1 < counts[2] <= 100 * (1 - high) + 1e-6


def test_an_unknown_interval_is_told_in_words_everywhere():
    made = run(Path("photos"))
    nothing, gain = Estimate(0.9, 0, 1, 40, TOO_FEW), Estimate(0.1, -1, 1, 40, TOO_FEW)
    compared = BaselineComparison("nearest neighbour", nothing, gain, False)
    judged = replace(made.card.evaluation, accuracy=nothing, balanced_accuracy=nothing, ece_before=nothing, ece_after=nothing)
    groups = replace(made.split, train_groups=5, test_groups=3, group_noun="patient")
    page = render(replace(made, card=replace(made.card, evaluation=judged, comparisons=(compared,)), split=groups), painted)
    told = re.sub(r"<[^>]+>", "", page).replace("\u00a0", " ")
    assert "is unknown: too few groups." in told and "expect between" not in told
    assert "10.0 points better (unknown: too few groups)" in told
    assert "5 patients to learn from and 3 patients for the test only" in told and "images of further patients" in told
    assert "Groups stayed whole: 5 patients to learn from, 3 patients to be tested on." in told
    assert verdict((compared,)).kind == "unknown"
    assert words.with_interval(nothing) == "90.0\u00a0% (unknown: too few groups)"
    assert "0 to 100" not in of_a_hundred(nothing).text


@given(share, st.floats(-0.5, 1.5), st.floats(-0.5, 1.5))
def test_a_track_never_leaves_its_line(value: float, low: float, high: float):
    places = [float(x) for x in re.findall(r' x[12]="([^"]*)"', track(Estimate(value, low, high, 10, "bootstrap")))]
    assert all(0 <= x <= 100 for x in places)


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4), st.integers(2, 8))
def test_ticks_are_round_even_and_inside(low: float, span: float, wanted: int):
    found = ticks(low, low + span, wanted)
    gaps = np.diff(found)
    assert all(low - 1e-6 * span <= t <= low + span * (1 + 1e-6) for t in found)
    assert len(found) <= wanted + 1
    assert np.allclose(gaps, gaps[0]) if len(gaps) else True
    if len(gaps):
        digits = gaps[0] / 10 ** math.floor(math.log10(gaps[0] * 1.0000001))
        assert min(abs(digits - d) for d in (1, 2, 5)) < 1e-3


@given(st.integers(0, 200), st.integers(0, 500))
def test_epochs_are_marked_in_whole_numbers(low: int, span: int):
    found = whole_ticks(low, low + span)
    assert found
    assert all(low <= t <= low + span for t in found)
    assert len(found) <= 7


def test_a_scale_without_a_span_still_has_a_place():
    assert Scale(3, 3, 10, 20)(3) == 10


@given(share, st.booleans())
def test_a_larger_share_is_never_a_lighter_shade(part: float, right: bool):
    assert level(0, right) == 0
    assert level(part, right) <= level(min(1, part + 0.1), right) <= 5
    assert all(level(edge, right) > level(edge - 1e-9, right) for edge in (LEVELS_RIGHT if right else LEVELS_WRONG))


def test_mixups_are_the_heaviest_cells_off_the_diagonal():
    evaluation = awkward()["leaks"][0].card.evaluation
    matrix = np.array(evaluation.confusion)
    np.fill_diagonal(matrix, 0)
    heaviest = sorted(matrix.flatten(), reverse=True)[:6]
    assert [m.count for m in mixups(evaluation)] == [int(n) for n in heaviest if n]
    assert all(m.of == sum(evaluation.confusion[[c.label for c in evaluation.classes].index(m.truth)]) for m in mixups(evaluation))


def test_a_class_without_test_images_is_drawn_without_dividing_by_zero():
    evaluation = awkward()["two classes"][0].card.evaluation
    assert confusion(replace(evaluation, confusion=((0, 0), (3, 17)))).rows == (("cracked", "0", "0"), ("sound", "3", "17"))


def test_of_very_many_classes_the_most_mixed_up_are_drawn_and_the_page_stays_small():
    record = run(Path("photos"), wish=Wish(tuple(f"kind {i}" for i in range(150)), tested=1500, skill=5.0, baseline=0.5))
    evaluation = record.card.evaluation
    chart = confusion(evaluation)
    assert len(chart.rows) == 40
    assert "the 40 of 150 classes" in chart.title
    matrix = np.array(evaluation.confusion)
    mistakes = dict(zip([c.label for c in evaluation.classes], matrix.sum(0) + matrix.sum(1) - 2 * matrix.diagonal(), strict=True))
    shown = {row[0] for row in chart.rows}
    assert min(mistakes[name] for name in shown) >= max(n for name, n in mistakes.items() if name not in shown)
    assert len(render(record, painted).encode()) < 3e6


def test_curves_skip_what_is_not_finite_and_draw_a_single_epoch():
    odd = [replace(points(1, 3)[0], loss=math.nan), *points(1, 3)[1:]]
    drawn = curves(odd)
    assert len(drawn) == 2
    assert "nan" not in drawn[0].picture
    assert "NaN" not in drawn[0].picture
    single = curves([replace(p, epoch=1) for p in points(1, 1)])
    assert all("<circle" in one.picture and "<path" not in one.picture for one in single)
    assert curves(()) == ()


def test_each_trained_part_has_its_own_pair_of_curves():
    both = [*points(2, 3), *(replace(p, phase=PhaseName("everything", 0)) for p in points(1, 3)[:3])]
    assert [row[1] for row in curves(both)[0].rows[:3]] == ["1", "2", "3"]
    assert [c.title for c in curves(both)][::2] == ["Loss, last stage", "Loss, everything"]


def test_the_reliability_bars_stand_at_the_accuracy_of_their_bin():
    evaluation = awkward()["leaks"][0].card.evaluation
    chart = reliability("before", evaluation.reliability_before, evaluation.ece_before)
    bars = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" class="bar main"', chart.picture)
    filled = [b for b in evaluation.reliability_before if b.count]
    assert len(bars) == len(filled)
    for (_, y, _, height), b in zip(bars, filled, strict=True):
        assert float(height) / (270 - 12) == pytest.approx(b.accuracy, abs=1e-3)
        assert float(y) + float(height) == pytest.approx(270, abs=0.02)


@pytest.mark.parametrize("name", ["\u202egnp.x", "a\x1b[31m", "b\x07", "\u2066c"])
def test_nothing_in_a_drawing_reorders_or_hides_what_stands_beside_it(name: str):
    drawn = tag("g", {"aria-label": name}, tag("title", {}, f"{name} answered as x: 5 of 5"))
    assert not {*name} & {"\u202e", "\x1b", "\x07", "\u2066"} & {*drawn}
    assert tag("b", {}, "a\u00a0b") == "<b>a\u00a0b</b>"


def test_markup_escapes_texts_and_attributes_but_not_its_own():
    inner = tag("title", {}, "<b>")
    assert str(tag("g", {"class": '"><script>', "x": None}, inner)) == '<g class="&#34;&gt;&lt;script&gt;"><title>&lt;b&gt;</title></g>'


def photo(size: tuple[int, int], kind: str = "JPEG", exif: Image.Exif | None = None) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (size[1] // 8 + 1, size[0] // 8 + 1, 3)).astype(np.uint8)
    file = io.BytesIO()
    extra = {} if exif is None else {"exif": exif.tobytes()}
    Image.fromarray(pixels).resize(size).save(file, kind, **extra)
    return file.getvalue()


def opened(small: Thumbnail | None) -> Image.Image:
    assert small is not None
    return Image.open(io.BytesIO(b64decode(small.uri.split(",")[1])))


def test_a_thumbnail_is_small_upright_and_carries_no_metadata():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010E] = "secret place 52.5 N"
    content = photo((400, 200), exif=exif)
    assert b"secret place" in content
    small = opened(thumbnail(content))
    assert small.size == (SIDE // 2, SIDE)
    assert not small.getexif()
    assert b"secret" not in b64decode(thumbnail(content).uri.split(",")[1])  # type: ignore[union-attr]


def test_a_deep_picture_is_shown_by_the_scale_that_the_network_saw_it_by():
    """One of a set whose white is 60,000: half of that is grey, though nothing in this picture is brighter."""
    file = io.BytesIO()
    Image.fromarray(np.full((40, 40), 30_000, np.uint16)).save(file, "PNG")
    scale = DepthScale(DepthRange(0.0, 60_000.0, "range"), NOMINAL.floats)
    shown = Thumbnails(lambda _: file.getvalue(), scale)("a.png")
    assert np.abs(np.asarray(opened(shown).convert("L"), int) - 128).max() <= 1
    assert np.asarray(opened(thumbnail(file.getvalue())).convert("L")).max() != 128, "by itself it would be another"


def test_a_tiny_image_keeps_every_pixel():
    content = photo((28, 28), "PNG")
    assert thumbnail(content).tiny and not thumbnail(photo((300, 200))).tiny  # type: ignore[union-attr]
    assert (np.asarray(opened(thumbnail(content)).convert("RGB")) == np.asarray(Image.open(io.BytesIO(content)))).all()


@pytest.mark.parametrize("content", [b"", b"not an image", photo((300, 300))[:900]], ids=["empty", "text", "truncated"])
def test_what_does_not_decode_is_no_picture(content: bytes):
    assert Thumbnails(lambda _: content)("a.jpg") is None


def test_the_budget_ends_the_pictures_and_not_the_page():
    one = thumbnail(painted("a") or b"")
    assert one is not None
    pictures = Thumbnails(painted, budget=3 * len(one.uri))
    made = [pictures(f"photo {i}") for i in range(12)]
    assert 1 <= sum(m is not None for m in made) < 12
    assert sum(len(m.uri) for m in made if m) <= 3 * len(one.uri)


def test_files_are_read_from_their_folder_or_not_at_all(tmp_path: Path):
    (tmp_path / "a.bin").write_bytes(b"bytes")
    read = from_folder(tmp_path)
    assert read("a.bin") == b"bytes"
    assert read("none.bin") is None
    assert read("a\0b") is None
    assert read(".") is None


def test_an_answer_is_set_against_the_truth_it_missed_or_else_the_next_likely():
    chances = {"a": 0.5, "b": 0.3, "c": 0.2}
    assert ranked(Answer("x", "a", 0.5, chances, "c")) == (("a", 0.5), ("c", 0.2))
    assert ranked(Answer("x", "a", 0.5, chances, "a")) == (("a", 0.5), ("b", 0.3))
    assert ranked(Answer("x", "a", 0.5, chances)) == (("a", 0.5), ("b", 0.3))
    assert ranked(Answer("x", "a", 1.0, {"a": 1.0}, "a")) == (("a", 1.0),)


def test_errors_come_before_warnings_and_notes():
    found = [Finding("k", severity, severity, "cure") for severity in ("note", "odd", "error", "warning")]
    assert [s.finding.severity for s in findings_shown(found, lambda _: None)] == ["error", "warning", "note", "odd"]


def test_many_classes_show_fewer_samples_each():
    many = {f"class {i}": [f"{i}/{j}.jpg" for j in range(9)] for i in range(200)}
    shown = samples_shown(many, lambda _: None)
    assert sum(map(len, shown.values())) <= 120
    assert len(samples_shown({"a": many["class 0"]}, lambda _: None)["a"]) == 6
