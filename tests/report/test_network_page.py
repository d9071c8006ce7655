"""Pages of inspect, compare and practice: one frame, nothing live in them but their own script, and no file of others replaced."""

import hashlib
import os
from base64 import b64encode
from pathlib import Path

import pytest
from hostile_network import NAMES, hostile_net
from PIL import Image
from reading import Page, live, outward, read

from receptron.analysis.comparison import compare
from receptron.analysis.inspection import inspect
from receptron.report import frame
from receptron.report.network import comparison_page, inspection_page
from receptron.report.practice import sheet_page
from shell import run

SIZE = (3, 600, 600)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    photo = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.new("RGB", (64, 48), "teal").save(photo)
    net = hostile_net()
    found = inspect(net, SIZE, name=NAMES[0])
    other = inspect(net[0], SIZE, name=NAMES[1])
    return {"inspect": inspection_page(found, net, SIZE, photo), "compare": comparison_page(compare(found, other)), "sheet": sheet_page()}


KINDS = pytest.mark.parametrize("kind", ["inspect", "compare", "sheet"])


def running(page: Page) -> list[str]:
    return [script.text for script in page.all("script") if script.attributes.get("type") != "application/json"]


@KINDS
def test_the_policy_allows_the_pages_own_script_and_style_by_their_hash(kind: str, pages: dict[str, str]):
    page = read(pages[kind])
    policy = next(e.attributes["content"] for e in page.all("meta") if e.attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    (script,), (style,) = running(page), [e.text for e in page.all("style")]
    for name, text in (("script", script), ("style", style)):
        assert f"{name}-src 'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy


@KINDS
def test_nothing_in_the_page_could_run_or_restyle_or_load(kind: str, pages: dict[str, str]):
    page = read(pages[kind])
    assert page.faults == []
    assert [each for each in live(page) if each != "2 scripts"] == [] and len(running(page)) == 1
    assert outward(page) == []
    assert [e for e in page.elements if any(a.startswith("on") for a in e.attributes)] == []


def test_hostile_names_are_shown_as_they_are(pages: dict[str, str]):
    words = read(pages["inspect"]).words()
    for name in NAMES:
        assert name.replace(".", "") in words or " ".join(name.replace(".", "").split()) in words, name


def test_without_escaping_the_names_would_be_live(monkeypatch: pytest.MonkeyPatch):
    closed = frame.environment
    monkeypatch.setattr(frame, "environment", lambda filters: closed(filters).overlay(autoescape=False))
    net = hostile_net()
    page = read(inspection_page(inspect(net, SIZE), net, SIZE))
    assert [each for each in live(page) if each != "2 scripts"] or page.faults


@KINDS
def test_a_page_is_known_as_ours_and_others_are_not(kind: str, pages: dict[str, str], tmp_path: Path):
    ours, theirs = tmp_path / "ours.html", tmp_path / "theirs.html"
    ours.write_text(pages[kind])
    theirs.write_text(f"<html><!-- {'x' * 2000} --><meta name='generator' content='Receptron'>")
    assert frame.is_ours(ours)
    assert not frame.is_ours(theirs) and not frame.is_ours(tmp_path) and not frame.is_ours(tmp_path / "none")


COMMANDS = {
    "inspect": ("inspect", "lenet5"),
    "compare": ("compare", "lenet5", "lenet5"),
    "sheet": ("practice", "sheet"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_no_page_of_ours_is_kept(command: str, tmp_path: Path):
    path = tmp_path / "thesis.html"
    path.write_text("years of work")
    done = run(*COMMANDS[command], "--html", path)
    assert done.code == 2 and "is no page of Receptron" in " ".join(done.err.split()) and "--overwrite" in done.err and done.out == ""
    assert path.read_text() == "years of work"
    for more in (("--overwrite",), ()):  # the second replaces a page of ours
        assert run(*COMMANDS[command], "--html", path, *more).code == 0
        assert frame.is_ours(path)
    done = run(*COMMANDS[command], "--html", tmp_path, "--overwrite")
    assert done.code == 2 and "is a folder" in " ".join(done.err.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_pipe_or_a_device_is_refused_before_it_is_opened(command: str, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for path in (tmp_path / "pipe", tmp_path / "link", "/dev/zero", "/dev/full"):
        for more in ((), ("--overwrite",)):
            done = run(*COMMANDS[command], "--html", path, *more)
            assert done.code == 2 and "is no plain file" in " ".join(done.err.split()) and done.out == ""
    assert not frame.is_ours(tmp_path / "pipe")


def test_practice_export_keeps_what_is_no_export(tmp_path: Path):
    path, store = tmp_path / "events.json", tmp_path / "p.sqlite"
    path.write_text("{}")
    done = run("practice", "--store", store, "export", path)
    assert done.code == 2 and "is no export of practice" in " ".join(done.err.split()) and path.read_text() == "{}"
    for more in (("--overwrite",), ()):
        assert run("practice", "--store", store, "export", path, *more).code == 0
