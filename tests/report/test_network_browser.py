"""Pages of inspect, compare and practice in a real browser: they fold, zoom, hint and draw; hostile names do nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from drawn_nets import every
from hostile_network import NAMES, hostile_net
from PIL import Image
from test_report_browser import CONTRAST, browser
from torch import Tensor, nn

from receptron.analysis.comparison import compare
from receptron.analysis.inspection import examine, inspect
from receptron.report.network import comparison_page, inspection_page
from receptron.report.network.graph.drawing import path_of
from receptron.report.network.graph.nodes import tree_of
from receptron.report.network.graph.opening import opened_at_first
from receptron.report.network.graph.place import Block, PlacedBlock, blocks_of, placed
from receptron.report.practice import sheet_page
from receptron.zoo import build

pytestmark = pytest.mark.browser
__all__ = ["browser"]
KINDS = ("inspect", "hostile", "branches", "compare", "sheet")
SIZE = (3, 96, 96)


class Branches(nn.Module):
    """Blocks with more than one line in and out, in blocks, side by side."""

    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            p, q = self.a(x) + y, self.b(y) * x
            return self.b(p) + q, torch.cat([p, q], 1)[:, :3]

    class Four(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.three = (Branches.Pair() for _ in range(3))

        def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            a, b = self.one(x, y)
            c, d = self.two(y, x)
            return self.three(a + d, c)[0] + b, d

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Branches.Four(), Branches.Four()

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.first(x, torch.relu(x))
        c, d = self.second(b, a)
        return torch.cat([a, b, c, d, x, a + d, b * c], 1)


@pytest.fixture(scope="module")
def nets() -> dict[str, Block]:
    """The networks of the pages, ready to be placed."""
    made = {"branches": (Branches(), (3, 32, 32)), "hostile": (hostile_net(), (3, 600, 600)), "inspect": (build("resnet18"), SIZE)}
    return {name: blocks_of(tree_of(tape, found.layers)) for name, (found, tape) in ((n, examine(*net)) for n, net in made.items())}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    Image.new("RGB", (64, 48), "teal").save(folder / "photo.png")
    net, bad = build("resnet18"), hostile_net()
    found, evil = inspect(net, SIZE, name="resnet18"), inspect(bad, (3, 600, 600), name=NAMES[0])
    pages = {
        "inspect": inspection_page(found, net, SIZE, folder / "photo.png"),
        "hostile": inspection_page(evil, bad, (3, 600, 600)),
        "branches": inspection_page(inspect(Branches(), (3, 32, 32)), Branches(), (3, 32, 32)),
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
    page.locator(".drawing").hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_function(f"{width} > {1.3 * before}")
    page.click("[data-zoom=fit]")
    assert page.evaluate(width) <= page.evaluate("document.querySelector('.drawing').clientWidth") + 1


PLACES = """() => [...document.querySelectorAll('g.node')].filter(g => !g.closest('g.shut')).map(g => [Number(g.dataset.box),
  ...g.getAttribute('transform').match(/-?[0-9]+/g).map(Number),
  Number(g.firstChild.getAttribute('width')), Number(g.firstChild.getAttribute('height'))])"""
PATHS = "[...document.querySelectorAll('path.arrow')].filter(p => !p.closest('g.shut')).map(p => p.getAttribute('d')).sort()"
SPILT = """() => { const spilt = [];
  for (const text of document.querySelectorAll('.graph text')) if (text.checkVisibility()) {
    const t = text.getBBox(), box = text.closest('g.node').querySelector('rect.plate');
    if (t.x < 2 || t.x + t.width > Number(box.getAttribute('width')) - 2) spilt.push(text.textContent);
    for (const other of text.parentElement.querySelectorAll('text')) if (other !== text) {
      const o = other.getBBox();
      if (t.x < o.x + o.width && o.x < t.x + t.width
          && t.y + 3 < o.y + o.height && o.y + 3 < t.y + t.height) spilt.push(`${text.textContent} on ${other.textContent}`);
    }
  }
  return spilt; }"""


def told(shown: PlacedBlock, opened: frozenset[int], places: list[list[int]], paths: list[str]) -> None:
    paths += [path_of(line) for line in shown.lines]
    for node in shown.nodes:
        if node.block.item.stripes:
            places.append([node.block.number, node.x, node.y, node.width, node.height])
        if node.block.number in opened:
            told(node, opened, places, paths)


@pytest.mark.parametrize("name", ["branches", "hostile", "inspect"])
def test_the_script_places_everything_as_python_does_whatever_is_open(visit: Any, name: str, nets: dict[str, Block]):
    whole = nets[name]
    openable = [b.number for b in every(whole) if b.plan is not None]
    page = visit(name)
    opened = set(opened_at_first(whole))
    for number in [None, *openable[1:12]]:
        if number is not None:
            page.evaluate(
                "n => document.querySelector(`[data-toggle='${n}']`).dispatchEvent(new MouseEvent('click', {bubbles: true}))", number
            )
            opened ^= {number}
        places: list[list[int]] = []
        paths: list[str] = []
        told(placed(whole, frozenset(opened)), frozenset(opened), places, paths)
        assert sorted(page.evaluate(PLACES)) == sorted(places)
        assert page.evaluate(PATHS) == sorted(paths)
        assert page.evaluate(SPILT) == []


def test_without_its_script_the_page_shows_the_same_picture(visit: Any, nets: dict[str, Block], browser: Any, folder: Path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "branches.html").as_uri())
    opened = opened_at_first(nets["branches"])
    places: list[list[int]] = []
    told(placed(nets["branches"], opened), opened, places, [])
    assert page.locator("g.node").evaluate_all("all => all.filter(g => !g.closest('g.shut')).length") == len(places)
    assert page.locator(".tools").is_hidden() and page.locator("svg.graph").is_visible()
    context.close()


def test_unfolding_everything_shows_every_layer_and_folding_it_the_outermost(visit: Any):
    page = visit("branches")
    shown = "[...document.querySelectorAll('g.stripe')].filter(s => !s.closest('g.shut')).length"
    page.click("[data-fold=open]")
    assert page.evaluate(shown) == page.locator("g.stripe").count()
    page.click("[data-fold=shut]")
    assert 0 < page.evaluate(shown) < 20


def test_the_graph_is_walked_and_folded_with_keys(visit: Any):
    page = visit("inspect")
    here = "document.activeElement.dataset.hint"
    page.locator("g.stripe[tabindex='0']").focus()
    assert page.locator("g.stripe[tabindex='0']").count() == 1
    first = page.evaluate(here)
    page.keyboard.press("ArrowDown")
    assert page.evaluate(here) != first and page.locator("#hint").is_visible()
    assert page.locator("#hint").text_content() == page.evaluate(here)
    page.keyboard.press("ArrowUp")
    assert page.evaluate(here) == first
    while "Sequential" not in page.evaluate(here):
        page.keyboard.press("ArrowDown")
    before = page.evaluate("document.activeElement.getAttribute('aria-expanded')")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") != before
    page.keyboard.press("End")
    assert page.evaluate(here).startswith("output")


def test_search_finds_layers_in_folded_blocks(visit: Any):
    page = visit("inspect")
    page.click("[data-fold=shut]")
    page.keyboard.press("/")
    page.keyboard.type("stages.3.1.body.conv2.conv")
    found = page.locator("g.here")
    assert found.count() == 1 and found.is_visible() and found.get_attribute("data-path") == "stages.3.1.body.conv2.conv"
    assert page.locator("#hits").text_content() == "1 of 1"
    page.locator("#search").fill("Conv2d")
    one = page.locator("g.here").get_attribute("data-path")
    page.keyboard.press("Enter")
    assert page.locator("g.here").get_attribute("data-path") != one
    page.locator("#search").fill("no such thing")
    assert page.locator("#hits").text_content() == "nothing found" and page.locator("g.here").count() == 0


def test_a_mouse_drags_the_drawing(visit: Any):
    page = visit("inspect")
    page.locator(".drawing").scroll_into_view_if_needed()
    box = page.locator(".drawing").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 100, steps=4)
    page.mouse.up()
    assert page.evaluate("document.querySelector('.drawing').scrollTop") == 200


@pytest.mark.parametrize("place", ["g[data-hint]", "tr[data-hint]"])
def test_a_hint_tells_the_working(visit: Any, place: str):
    page = visit("inspect")
    page.locator(place).first.scroll_into_view_if_needed()
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")  # scrolling takes a hint away
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
