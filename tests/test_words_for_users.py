"""What users read never speaks of texts that they have not seen: commands as they print, and every sentence in source, pages and docs."""

import ast
import json
import re
from pathlib import Path

import pytest

from receptron.tutor import TEMPLATES, problem
from receptron.tutor.cheat_sheet import text as sheet
from receptron.tutor.learner.review_plan import CHECKPOINTS
from receptron.tutor.question_bank import QUESTIONS
from receptron.tutor.worked_problems import PROBLEMS
from shell import run

ROOT = Path(__file__).parent.parent
UNSEEN = re.compile(r"\bdocuments?\b|\bseed texts?\b|\b(first|second|both) texts?\b|\bboth sources\b", re.IGNORECASE)
TITLES = ("Gradient-Based Learning Applied to Document Recognition",)
LISTS = ("lessons", "claims", "templates", "sheet", "explain", "problems", "plan", "progress")


def unseen(text: str) -> list[str]:
    """Places with some words around them; titles of papers are left out."""
    for title in TITLES:
        text = text.replace(title, "")
    return [text[max(0, found.start() - 40) : found.end() + 40] for found in UNSEEN.finditer(text)]


@pytest.mark.parametrize(
    "said",
    ["wrong in both documents", "The document says 3.", "5 M (first Document)", "the second text says 9", "as the seed documents print it"],
)
def test_each_way_to_speak_of_an_unseen_text_would_be_found(said: str):
    assert unseen(said)


@pytest.mark.parametrize("command", LISTS)
def test_lists_of_practice_speak_of_no_unseen_text(command: str, tmp_path: Path):
    for form in ((), ("--json",)) if command not in ("problems",) else ((),):
        done = run("practice", "--store", tmp_path / "store.sqlite", command, *form)
        assert done.code == 0 and done.out, done
        assert not unseen(done.out + done.err)
    assert not unseen(run("practice", command, "--help").out)


@pytest.mark.parametrize("name", TEMPLATES)
def test_problems_speak_of_no_unseen_text(name: str):
    for difficulty in (1, 2, 3):
        task = problem(name, difficulty=difficulty, seed=difficulty).task
        told = [task.text, task.worked, *task.hints]
        told += [f"{mistake.name} {mistake.refutation}" for mistake in task.mistakes]
        assert not unseen("\n".join(told))


def test_questions_long_problems_and_checkpoints_speak_of_no_unseen_text(tmp_path: Path):
    told = [repr(question) + question.model_answer for question in QUESTIONS.values()]
    told += [run("practice", "--store", tmp_path / "s.sqlite", "problems", name, "--json").out for name in PROBLEMS]
    told += [repr(CHECKPOINTS), sheet()]
    assert all(text for text in told) and not unseen("\n".join(told))


@pytest.mark.parametrize("scene", ["whiteboard", "mixed"])
def test_an_interview_speaks_of_no_unseen_text(scene: str, tmp_path: Path):
    done = run("practice", "--store", tmp_path / "s.sqlite", "interview", scene, "--json", stdin=b"1\nn\n" * 60)
    assert json.loads(done.out)["verdict"] and not unseen(done.out + done.err)


def test_no_sentence_in_source_speaks_of_an_unseen_text():
    """Messages, help, docstrings: every string constant, wherever it may be shown."""
    found: list[str] = []
    for file in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found += [f"{file.relative_to(ROOT)}:{node.lineno}: {place}" for place in unseen(node.value)]
    assert not found


def test_no_page_speaks_of_an_unseen_text():
    pages = [*(ROOT / "src").rglob("*.j2"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"]
    assert len(pages) > 5
    assert not [(page.name, place) for page in pages for place in unseen(page.read_text(encoding="utf-8"))]
