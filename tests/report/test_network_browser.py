"""Pages of inspect, compare and practice in a real browser: they fold, zoom, hint and draw; hostile names do nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_network import NAMES, hostile_net
from PIL import Image
from test_report_browser import CONTRAST, browser

from receptron.analysis.comparison import compare
from receptron.analysis.inspection import inspect
from receptron.report.network import comparison_page, inspection_page
from receptron.report.practice import sheet_page
from receptron.zoo import build

pytestmark = pytest.mark.browser
__all__ = ["browser"]
KINDS = ("inspect", "hostile", "compare", "sheet")
SIZE = (3, 96, 96)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    Image.new("RGB", (64, 48), "teal").save(folder / "photo.png")
    net, bad = build("resnet18"), hostile_net()
    found, evil = inspect(net, SIZE, name="resnet18"), inspect(bad, (3, 600, 600), name=NAMES[0])
    pages = {
        "inspect": inspection_page(found, net, SIZE, folder / "photo.png"),
        "hostile": inspection_page(evil, bad, (3, 600, 600)),
        "compare": comparison_page(compare(found, evil)),
        "sheet": sheet_page(),
    }
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def visit(browser: Any, folder: Path) -> Iterator[Callable[..., Any]]:
    """Opens a page; anything that it logged, threw or asked for fails the test, and so does a call of `canary`."""
    contexts, complaints = [], []

    def open_page(name: str, width: int = 1440, scheme: str = "light", change: Callable[[str], str] = str) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.add_init_script("window.canary = () => console.error('canary')")
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else complaints.append(f"request: {r.url}"))
        path = folder / f"{name}.html"
        changed = change(path.read_text())
        if changed != path.read_text():
            path = folder / "changed.html"
            path.write_text(changed)
        page.goto(path.as_uri())
        return page

    open_page.complaints = complaints  # type: ignore[attr-defined]
    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("name", KINDS)
def test_the_page_fits_its_window(visit: Any, name: str, width: int):
    page = visit(name, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.querySelectorAll('[data-hint]').forEach(e => e.dispatchEvent(new MouseEvent('mousemove', {bubbles: true})))")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", KINDS)
def test_every_text_can_be_read(visit: Any, name: str, scheme: str):
    found = visit(name, scheme=scheme).evaluate(CONTRAST)
    assert found["seen"] > 30 and found["poor"] == []


def test_modules_fold_and_unfold_and_an_inner_fold_stays(visit: Any):
    page = visit("inspect")
    shown = "[...document.querySelectorAll('#layers tbody tr')].filter(r => r.checkVisibility()).length"
    row = "tr[data-path='{}'] button.fold"
    everything = page.evaluate(shown)
    page.click(row.format("stages.0"))
    inner = page.evaluate(shown)
    page.click(row.format("stages"))
    outer = page.evaluate(shown)
    assert everything > inner > outer
    page.click(row.format("stages"))
    assert page.evaluate(shown) == inner
    page.click(row.format("stages.0"))
    assert page.evaluate(shown) == everything


def test_the_graph_zooms(visit: Any):
    page = visit("inspect")
    width = "document.querySelector('svg.graph').getBoundingClientRect().width"
    before = page.evaluate(width)
    page.click("[data-zoom=in]")
    assert page.evaluate(width) == pytest.approx(1.25 * before, abs=1)
    page.click("[data-zoom=out]")
    assert page.evaluate(width) == pytest.approx(before, abs=1)
    page.click("[data-zoom=fit]")
    assert page.evaluate(width) == pytest.approx(page.evaluate("document.querySelector('svg.graph').parentElement.clientWidth"), abs=1)


@pytest.mark.parametrize("place", ["g[data-hint]", "tr[data-hint]"])
def test_a_hint_tells_the_working(visit: Any, place: str):
    page = visit("inspect")
    page.locator(place).first.hover()
    assert page.locator("#hint").is_visible()
    assert page.locator("#hint").text_content() == page.locator(place).first.get_attribute("data-hint")
    page.mouse.move(2, 2)
    assert page.locator("#hint").is_hidden()


def test_the_field_is_drawn_and_follows_the_pointer_and_the_layer(visit: Any):
    page = visit("inspect")
    picture = "document.getElementById('sight').toDataURL()"
    page.wait_for_function("document.getElementById('told').textContent.startsWith('sees')")
    first = page.evaluate(picture)
    page.locator("#sight").hover(position={"x": 30, "y": 30})
    second = page.evaluate(picture)
    page.select_option("#layer", index=0)
    assert len({first, second, page.evaluate(picture)}) == 3
    assert page.evaluate("document.getElementById('sight').getContext('2d').getImageData(2, 2, 1, 1).data[3]") == 255


@pytest.mark.parametrize("name", ["hostile", "compare"])
def test_hostile_names_stand_in_the_page_and_do_nothing(visit: Any, name: str):
    page = visit(name)
    page.evaluate(
        "document.querySelectorAll('[data-hint], td, g').forEach(e => { e.dispatchEvent(new MouseEvent('mouseover')); e.click?.() })"
    )
    assert page.evaluate("document.images.length + document.links.length + document.querySelectorAll('[onerror], [onload]').length") == 0
    assert NAMES[2].replace(".", "") in page.locator("table").last.text_content()


@pytest.mark.parametrize("name", KINDS)
def test_a_policy_that_blocks_the_pages_own_script_would_be_seen(visit: Any, name: str):
    visit(name, change=lambda text: text.replace('"use strict";', '"use strict"; '))
    assert any("Content Security Policy" in complaint for complaint in visit.complaints)
    visit.complaints.clear()


@pytest.mark.parametrize("name", KINDS)
def test_it_prints_in_light_colours(visit: Any, name: str):
    page = visit(name, scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(CONTRAST)["poor"] == []
    assert len(page.pdf(format="A4")) > 5_000


@pytest.mark.parametrize("width", [360, 390, 620])
def test_a_narrow_screen_shows_both_networks_of_a_comparison(visit: Callable[..., Any], width: int):
    page = visit("compare", width)
    for name in ("totals", "pairs"):
        right = page.evaluate(
            f"Math.max(...[...document.querySelectorAll('.{name} td, .{name} th')].filter(c => c.checkVisibility())"
            ".map(c => c.getBoundingClientRect().right))"
        )
        assert right <= width, name
    told = set(page.evaluate("[...document.querySelectorAll('.pairs [data-net]')].map(c => c.dataset.net)"))
    assert len(told) == 2, "each layer says whose it is"


def test_the_drawing_fills_the_page_and_is_not_cut_at_its_foot(visit: Callable[..., Any]):
    page = visit("inspect", 1440)
    sizes = "['clientHeight', 'scrollHeight', 'clientWidth', 'scrollWidth'].map(n => document.querySelector('.drawing')[n])"
    place = page.evaluate(sizes)
    assert place[0] == place[1] and place[2] == place[3]
    boxes = page.evaluate("[...document.querySelectorAll('rect.plate')].map(b => [b.x.baseVal.value, b.y.baseVal.value])")
    assert max(x for x, _ in boxes) - min(x for x, _ in boxes) > 600, "more than one column"
    assert len({tuple(b) for b in boxes}) == len(boxes), "no box lies on another"


def test_a_wide_drawing_begins_with_its_first_box_in_sight(visit: Callable[..., Any]):
    page = visit("inspect", 390)
    left, right = page.evaluate("(r => [r.left, r.right])(document.querySelector('rect.plate').getBoundingClientRect())")
    assert left >= 0 and right <= 390


def test_no_title_of_the_sheet_is_said_twice_and_no_fractions_touch(visit: Callable[..., Any]):
    page = visit("sheet", 1440)
    titles = page.evaluate("[...document.querySelectorAll('section h3')].map(h => h.firstChild.data.replace(/^.*[\\]] /, '').trim())")
    assert titles and not [title for title in titles if title.count(": ") and len(set(title.split(": "))) == 1]
    gaps = page.evaluate(
        "[...document.querySelectorAll('mtable')].flatMap(t => { const rows = [...t.querySelectorAll('mtr')].map(r => "
        "[...r.querySelectorAll('mfrac')].map(f => f.getBoundingClientRect())).filter(r => r.length);"
        "return rows.slice(1).map((r, i) => Math.min(...r.map(f => f.top)) - Math.max(...rows[i].map(f => f.bottom))); })"
    )
    assert gaps and min(gaps) >= 6
