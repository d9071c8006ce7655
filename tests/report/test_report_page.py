"""The page as text: whole, self-contained, safe against hostile names, and with the record's own numbers in it."""

import hashlib
import os
import re
from base64 import b64encode
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from reading import Page, live, outward, read
from sample import HOSTILE, Wish, awkward, flowers, painted, run

from receptron.errors import StorageFault
from receptron.evaluation.records import Estimate, SuspectLabels
from receptron.report import frame, render, write
from receptron.training.records import Run

NAMES = sorted(awkward())
NBSP = "\u00a0"


@cache
def drawn(name: str) -> tuple[Run, str, Page]:
    record, images = awkward()[name]
    html = render(record, images)
    return record, html, read(html)


def percent(share: float) -> str:
    return f"{round(share * 1000) / 10:.1f} %"


def both_ends(e: Estimate) -> str:
    return f"{100 * e.low:.1f} to {100 * e.high:.1f} %"


@pytest.fixture(params=NAMES)
def case(request: pytest.FixtureRequest) -> tuple[Run, str, Page]:
    return drawn(request.param)


def test_every_tag_is_closed_in_its_order(case: tuple[Run, str, Page]):
    assert case[2].faults == []


def test_the_walk_finds_a_tag_left_open():
    assert read("<div><p>a</div>").faults
    assert read("<p>a</p>").faults == []


def test_ids_are_unique_and_every_reference_to_one_is_met(case: tuple[Run, str, Page]):
    page = case[2]
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    pointed = [i for e in page.elements for i in e.attributes.get("aria-labelledby", "").split()]
    pointed += [e.attributes["href"][1:] for e in page.all("a")]
    assert pointed
    assert set(pointed) <= set(ids)


def test_every_picture_has_words(case: tuple[Run, str, Page]):
    page = case[2]
    assert all(e.attributes.get("alt", "").strip() for e in page.all("img"))
    for element in page.elements:
        if element.attributes.get("role") == "img":
            assert element.attributes.get("aria-label", "").strip(), element
        if element.name == "svg":
            assert element.attributes.get("aria-hidden") == "true" or element.attributes.get("role") == "img", element


def test_every_chart_has_its_numbers_in_a_table(case: tuple[Run, str, Page]):
    html = case[1]
    charts = re.findall(r"<figure class=\"chart.*?</figure>", html, re.S)
    assert len(charts) >= 6
    assert all("<details" in c and "<table>" in c and "<td>" in c for c in charts)


def test_nothing_outside_the_page_is_asked_for(case: tuple[Run, str, Page]):
    assert outward(case[2]) == []


@pytest.mark.parametrize(
    "foreign",
    ['<img src="http://a/b.png">', '<link rel="x">', "<style>a{b:url(c)}</style>", '<a href="x.html">', "<script>fetch('/a')</script>"],
)
def test_a_reference_outwards_would_be_found(foreign: str):
    assert outward(read(foreign))


def test_no_name_becomes_live(case: tuple[Run, str, Page]):
    assert live(case[2]) == []


def test_hostile_names_stand_as_plain_text():
    _, _, page = drawn("hostile")
    texts = [e.text for e in page.elements]
    for name in HOSTILE:
        assert name in texts, f"{name!r} is not shown as it is"


def test_without_escaping_the_hostile_names_would_be_live(monkeypatch: pytest.MonkeyPatch):
    record, images = awkward()["hostile"]
    closed = frame.environment
    monkeypatch.setattr(frame, "environment", lambda filters: closed(filters).overlay(autoescape=False))
    page = read(render(record, images))
    assert live(page) or page.faults


def test_the_policy_allows_the_pages_own_script_and_style_and_nothing_else():
    _, _, page = drawn("leaks")
    policy = next(e.attributes["content"] for e in page.all("meta") if e.attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    for name in ("script", "style"):
        digest = b64encode(hashlib.sha256(page.all(name)[0].text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


def test_the_headline_and_its_interval_are_the_records(case: tuple[Run, str, Page]):
    record, _, page = case
    accuracy, words = record.card.evaluation.accuracy, page.words().replace(NBSP, " ")
    assert next(e.text for e in page.all("strong")).replace(NBSP, " ") == percent(accuracy.value)
    assert both_ends(accuracy) in words
    assert record.card.evaluation.source in words


def test_every_number_of_the_class_table_and_matrix_is_the_records(case: tuple[Run, str, Page]):
    record, html, _ = case
    evaluation = record.card.evaluation
    order = sorted(range(len(evaluation.classes)), key=lambda i: in_order(evaluation.classes[i].label))
    classes = [evaluation.classes[i] for i in order]
    table = rows(re.search(r'<table class="scores">.*?</table>', html, re.S).group())  # type: ignore[union-attr]
    for shown, score in zip(table[1:], classes, strict=True):
        cells = [cell for e in (score.precision, score.recall, score.f1) for cell in (percent(e.value), both_ends(e))]
        assert shown == [score.label, f"{score.support:,}", *cells]
    matrix = rows(re.search(r'<figure class="chart natural">.*?(<table>.*?</table>)', html, re.S).group(1))  # type: ignore[union-attr]
    assert matrix[0][1:] == [c.label for c in classes]
    assert [[int(n) for n in row[1:]] for row in matrix[1:]] == [[evaluation.confusion[i][j] for j in order] for i in order]


def in_order(name: str) -> str:
    """Numbers padded to one width: then letters and numbers sort as people do."""
    return re.sub(r"[0-9]+", lambda found: found[0].zfill(9), name)


def test_classes_that_are_numbers_stand_in_the_order_of_numbers():
    record, _, _ = drawn("leaks")
    names = ["1", "10", "11", "2", "20"]
    evaluation = record.card.evaluation
    renamed = {score.label: name for score, name in zip(evaluation.classes, names, strict=True)}
    scores = tuple(replace(score, label=renamed[score.label]) for score in evaluation.classes)
    counts = tuple(replace(one, label=renamed[one.label]) for one in record.split.counts)
    changed = replace(
        record, card=replace(record.card, evaluation=replace(evaluation, classes=scores)), split=replace(record.split, counts=counts)
    )
    html = render(changed, painted)
    for pattern in (
        r'<table class="scores">.*?</table>',
        r'<table class="sides">.*?</table>',
        r'<figure class="chart natural">.*?(<table>.*?</table>)',
    ):
        found = rows(re.search(pattern, html, re.S).group(0))  # type: ignore[union-attr]
        assert [row[0] for row in found if row and row[0] in names] == ["1", "2", "10", "11", "20"]


def rows(table: str) -> list[list[str]]:
    """The texts of a table, row by row."""
    found: list[list[str]] = []
    for element in read(table).elements:
        if element.name == "tr":
            found.append([])
        elif element.name in ("bdi", "td", "small", "th") and element.text.strip():
            found[-1].append(element.text.replace(NBSP, " ").strip())
    return found


def test_calibration_ladder_cost_and_provenance_are_the_records(case: tuple[Run, str, Page]):
    record, _, page = case
    words, card = page.words().replace(NBSP, " "), record.card
    evaluation = card.evaluation
    for error in (evaluation.ece_before, evaluation.ece_after):
        assert percent(error.value) in words
        assert both_ends(error) in words
    for rung in record.ladder:
        assert rung.why in words
        assert rung.accuracy is None or percent(rung.accuracy.value) in words
    assert f"{card.parameters:,}" in words
    assert record.card.provenance.data_sha256 in words
    assert record.card.provenance.command in words
    assert all(flag in words and value in words for flag, value in record.settings.items())
    assert all(finding.message in words and finding.cure in words for finding in record.audit.findings)
    for answer in record.mistakes[:12]:
        assert percent(answer.confidence) in words


def test_suspicious_labels_are_told_with_what_is_believed_instead(case: tuple[Run, str, Page]):
    record, html, page = case
    words = page.words().replace(NBSP, " ")
    found = record.suspects.images if record.suspects else ()
    for one in found[:12]:
        assert percent(one.belief) in words and percent(one.likelier_belief) in words
    assert f"<b>{len(found)}</b> of 1,500 training images" in html.replace(NBSP, " ")


@pytest.mark.parametrize(
    "why", ["only 9 of 90 training images were held out once; --test-size 0 holds out each", "there is one class only"]
)
def test_where_labels_were_not_looked_at_the_page_says_why(why: str):
    record, _, _ = drawn("leaks")
    html = render(replace(record, suspects=SuspectLabels((), 9, "from scratch", why)), painted)
    assert f"Not looked for: {why}." in html
    assert 'id="labels"' not in render(replace(record, suspects=None), painted), "of an older record nothing is said"


def test_another_record_gives_other_numbers():
    record, html, _ = drawn("leaks")
    evaluation = replace(record.card.evaluation, accuracy=Estimate(0.5123, 0.4567, 0.5678, 300, "Wilson"))
    other = render(replace(record, card=replace(record.card, evaluation=evaluation)), painted)
    assert f"51.2{NBSP}%" in other and f"45.7 to 56.8{NBSP}%" in other
    assert f"51.2{NBSP}%" not in html


def test_the_given_figure_stands_beside_the_honest_one():
    record, _, page = drawn("leaks")
    assert record.given is not None
    words = page.words().replace(NBSP, " ")
    assert "test side as given" in words
    assert percent(record.given.accuracy.value) in words
    assert "7 test images of the given split had a twin in training" in words


def test_images_that_cannot_be_read_are_named_in_their_place():
    record, _, page = drawn("broken images")
    assert page.all("img") == []
    missing = [e for e in page.elements if e.attributes.get("class") == "missing"]
    assert len(missing) >= len(record.mistakes[:12])


def test_no_mistakes_are_said_in_words():
    assert "No mistakes in 300 test images" in drawn("no mistakes")[2].words().replace(NBSP, " ")


def test_without_a_test_side_the_page_says_how_images_were_held_out():
    words = drawn("no test side")[2].words().replace(NBSP, " ")
    assert "No image was set aside for testing" in words
    assert "5-fold cross-validation on 98 images" in words


def test_five_classes_stay_under_three_megabytes_and_forty_too(tmp_path: Path):
    assert len(drawn("leaks")[1].encode()) < 3e6
    assert len(drawn("forty classes")[1].encode()) < 3e6


@pytest.mark.shared
def test_real_photos_stay_under_three_megabytes(shared: Path):
    root, files = flowers(shared)
    html = render(run(root, files), root)
    assert len(html.encode()) < 3e6
    assert len(read(html).all("img")) >= 5 * 6 + 24


def test_write_puts_the_page_where_the_record_says(tmp_path: Path):
    record, images = awkward()["two classes"]
    record = replace(record, report=tmp_path / "model/report.html")
    assert write(record, images) == record.report
    assert record.report.read_text(encoding="utf-8") == render(record, images)


def test_a_write_that_fails_says_so(tmp_path: Path):
    record, images = awkward()["bare"]
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFault):
        write(replace(record, report=tmp_path / "file/report.html"), images)


def test_the_same_record_gives_the_same_bytes():
    record, images = awkward()["right to left"]
    assert render(record, images) == drawn("right to left")[1]


def test_a_file_name_that_is_no_unicode_does_not_stop_the_page():
    record, images = awkward()["two classes"]
    odd = os.fsdecode(b"cracked/\xff\xfe.jpg")
    html = render(replace(record, mistakes=(replace(record.mistakes[0], path=odd),)), lambda path: None if path == odd else images(path))
    assert r"cracked/\udcff\udcfe.jpg" in html
    html.encode()


@pytest.mark.parametrize(("wish", "said"), [(Wish(), "Measured on"), (Wish(leaks=3), "Measured on"), (Wish(folds=True), "Measured by")])
def test_the_page_says_by_what_it_measured_whatever_the_source_is_called(wish: Wish, said: str):
    record = run(Path("photos"), wish=wish)
    evaluation = replace(record.card.evaluation, source="a cross-validation of words, test images")
    page = render(replace(record, card=replace(record.card, evaluation=evaluation)), painted)
    assert said in page and page.count('<h2 id="curves-title">') == 1
