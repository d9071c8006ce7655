"""The page in a real browser: nothing is asked of a network, nothing is thrown, everything fits, and every word can be read."""

from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest
from sample import awkward

from receptron.report import render

pytestmark = pytest.mark.browser
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
CASES = ("leaks", "forty classes", "long names", "hostile", "bare")

# For each text: its colour, and the first ancestor's colour that covers it; in charts, the cell or the page behind it.
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const poor = []; let seen = 0;
  for (const node of document.querySelectorAll("body, body *")) {
    const words = [...node.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join("");
    if (!words || !node.checkVisibility() || node.closest("title, script, style, .visually-hidden, .skip")) continue;
    const style = getComputedStyle(node), inSvg = node.namespaceURI.endsWith("svg");
    const text = rgba(inSvg ? style.fill : style.color);
    const back = node.matches("text.count") ? rgba(getComputedStyle(node.previousElementSibling).fill) : behind(node);
    const [a, b] = [luminance(text), luminance(back)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05), size = parseFloat(style.fontSize);
    seen += 1;
    if (ratio < (size >= 24 ? 3 : 4.5)) poor.push(`${ratio.toFixed(2)} "${words.slice(0, 30)}" ${text} on ${back}`);
  }
  return {seen, poor};
}"""
HIDDEN_CHARTS = """() => [...document.querySelectorAll("figure.chart")].filter(f => {
  const at = f.querySelector("svg.plot, .rows").getBoundingClientRect();
  return at.width < 120 || at.height < 20;
}).map(f => f.textContent.trim().slice(0, 40))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the Python package playwright")
    path = next((found for name in BROWSERS if (found := which(name))), None)
    if path is None:
        pytest.skip(f"needs a Chromium to look at the page: none of {', '.join(BROWSERS)} is installed")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    cases = awkward()
    for name in CASES:
        (folder / f"{name}.html").write_text(render(*cases[name]), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in CASES}


@pytest.fixture
def visit(browser, pages):
    """Opens a page; at the end of the test, anything it logged, threw or asked for fails the test."""
    contexts, complaints = [], []

    def open_page(name: str, width: int = 1400, scheme: str = "light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else complaints.append(f"request: {r.url}"))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(pages[name].as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("name", CASES)
def test_the_page_fits_its_window_and_every_chart_is_seen(visit, name: str, width: int):
    page = visit(name, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(HIDDEN_CHARTS) == []
    assert page.locator("figure.chart").count() >= 6


@pytest.mark.parametrize("width", [360, 390, 1440])
@pytest.mark.parametrize("name", ["leaks", "forty classes", "bare"])
def test_every_column_of_the_scores_is_seen_without_scrolling(visit, name: str, width: int):
    page = visit(name, width)
    right = page.evaluate("Math.max(...[...document.querySelectorAll('.scores th, .scores td')].map(c => c.getBoundingClientRect().right))")
    region = page.evaluate("document.querySelector('.scores').parentElement.getBoundingClientRect().right")
    assert right <= region + 0.5


SHADOWED = """() => [...document.querySelectorAll(".scroll, .canvas")].filter(e => e.checkVisibility()
  && !getComputedStyle(e).backgroundImage.includes("linear-gradient")).length"""


@pytest.mark.parametrize("name", ["leaks", "long names", "forty classes"])
def test_whatever_scrolls_hints_at_what_is_cut(visit, name: str):
    page = visit(name, 390)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(SHADOWED) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["leaks", "forty classes", "hostile"])
def test_a_cell_of_the_matrix_has_a_colour_that_its_legend_shows(visit, name: str, scheme: str):
    page = visit(name, scheme=scheme)
    colours = "[...document.querySelectorAll('.natural %s')].map(e => getComputedStyle(e).fill)"
    cells = set(page.evaluate(colours % ".plot .cell:not(.none)"))
    assert cells and cells <= set(page.evaluate(colours % ".legend rect"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["leaks", "hostile"])
def test_every_text_stands_out_from_what_is_behind_it(visit, name: str, scheme: str):
    page = visit(name, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = page.evaluate(CONTRAST)
    assert found["seen"] > 300
    assert found["poor"] == []


def test_a_pale_text_would_be_found(visit):
    page = visit("leaks")
    page.evaluate("document.querySelector('.lead').style.setProperty('color', '#bbb')")
    assert any("Measured on" in poor for poor in page.evaluate(CONTRAST)["poor"])


@pytest.mark.parametrize(("scheme", "other"), [("light", "dark"), ("dark", "light")])
def test_the_toggle_turns_the_colours_and_the_page_remembers(visit, scheme: str, other: str):
    page = visit("leaks", scheme=scheme)
    paper = "getComputedStyle(document.body).backgroundColor"
    before, toggle = page.evaluate(paper), page.locator("#theme")
    assert toggle.text_content() == other.title()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "theme"
    page.keyboard.press("Enter")
    after = page.evaluate(paper)
    assert after != before
    assert toggle.get_attribute("aria-pressed") == str(other == "dark").lower()
    page.reload()
    assert page.evaluate(paper) == after


def test_numbers_open_with_the_keyboard(visit):
    page = visit("leaks")
    summary = page.locator("figure.chart summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("figure.chart table").first.is_visible()


def test_the_copy_button_takes_the_whole_command(visit):
    page = visit("leaks")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#again button.copy").click()
    page.wait_for_function("document.querySelector('#again button.copy').textContent !== 'Copy'")
    taken = page.evaluate("() => getSelection().toString() || navigator.clipboard.readText()")
    assert taken.strip() == page.locator("#again code").text_content()


def test_the_page_reads_without_scripts(browser, pages):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["leaks"].as_uri())
    assert page.locator("h1").is_visible()
    assert page.locator("#theme").is_hidden()
    assert page.locator("button.copy").first.is_hidden()
    context.close()


def test_it_prints_on_paper_in_light_colours_whatever_the_screen(visit):
    page = visit("leaks", scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("nav").is_hidden()
    assert page.evaluate(CONTRAST)["poor"] == []
    assert len(page.pdf(format="A4")) > 20_000
