"""A whole session in a pseudo-terminal, with the clock injected; and the commands as one types them."""

import json
import os
import pty
import re
import select
import signal
import sys
import termios
from datetime import UTC, datetime
from pathlib import Path

import pytest

from receptron.tutor.learner.store import Store
from receptron.tutor.problem import Task
from receptron.tutor.templates import problem
from shell import run

PROGRAM = """
import sys
from datetime import datetime
from receptron.cli.output import streams
from receptron.cli.app import commands
from receptron.cli.practice.terminal import Setting
streams.install()
commands()(sys.argv[2:], obj=Setting(lambda: datetime.fromisoformat(sys.argv[1]), 5))
"""
COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # and what moves the cursor


class Terminal:
    """`receptron practice` in a terminal of its own."""

    def __init__(self, when: str, *arguments: str, **environment: str) -> None:
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # where the tests run in the background it is ignored, and that is inherited
            os.environ.update({"TERM": "xterm-256color", "COLUMNS": "100", "PYTHONIOENCODING": "utf-8", **environment})
            os.execv(sys.executable, [sys.executable, "-c", PROGRAM, f"{when}T09:00:00+00:00", "practice", *arguments])
        self.raw, self.passed = "", 0

    @property
    def seen(self) -> str:
        """What is on the screen beyond what was waited for, without colour."""
        return COLOUR.sub("", self.raw).replace("\r", "")[self.passed :]

    def until(self, text: str, seconds: float = 30) -> str:
        """What appears up to `text`; the cursor may pass over a blank at its end."""
        text = text.rstrip(" ")
        while text not in self.seen:
            assert select.select([self.handle], [], [], seconds)[0], f"{text!r} did not come after:\n{self.seen}"
            more = self._read()
            assert more, f"it ended before {text!r}:\n{self.seen}"
        before = self.seen.partition(text)[0]
        self.passed += len(before) + len(text)
        return before

    def type(self, text: str) -> None:
        os.write(self.handle, text.encode())

    def finish(self) -> int:
        while self._read():
            pass
        os.close(self.handle)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self) -> str:
        try:
            text = os.read(self.handle, 65536).decode(errors="replace")
        except OSError:
            return ""
        self.raw += text
        return text


def right(task: Task) -> str:
    return " ".join(map(str, task.expected.values))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "p.sqlite"


def test_a_whole_session_right_wrong_hint_skip_quit_and_on_the_next_day(store: Path):
    place = ("--store", str(store))
    terminal = Terminal("2026-03-02", *place, "--template", "size.floor", "--difficulty", "2", "--seed", "21")
    tasks = [problem("size.floor", 2, 21 + i).task for i in range(4)]
    assert tasks[0].text[:30] in terminal.until("> ")
    terminal.type(right(tasks[0]) + "9\x7f\x1b[D\r")
    terminal.until("Right.")
    terminal.until("2 of 10")
    terminal.until("> ")
    mistake = tasks[1].mistakes[0]
    terminal.type(f"{mistake.values[0]}\r")
    told = terminal.until("Try again")
    assert mistake.name in told and mistake.refutation.split(".")[0] in told
    terminal.until("> ")
    terminal.type("h")
    terminal.until(f"Hint: {tasks[1].hints[0]}")
    terminal.until("> ")
    terminal.type("hhw")
    terminal.until("There are no more hints")
    terminal.until("source:")
    terminal.until("> ")
    terminal.type(f"{right(tasks[1])}\r")
    terminal.until("Right.")
    terminal.until("3 of 10")
    terminal.until("> ")
    terminal.type("s")
    terminal.until("Skipped.")
    terminal.until("4 of 10")
    terminal.until("> ")
    terminal.type("about nine\r")
    terminal.until("cannot read 'about nine'")
    terminal.until("> ")
    terminal.type("q")
    terminal.until("1 of 2 right, 1 without help, 1 skipped.")
    assert terminal.finish() == 0 and "\x1b[" in terminal.raw
    assert [(e.body.right, e.body.skipped) for e in Store(store).events()] == [(True, False), (False, False), (False, True)]

    terminal = Terminal("2026-03-02", *place, "plan", "--interview", "2026-03-12")
    terminal.until("2026-03-02 (today)")
    terminal.until("2026-03-11")
    terminal.until("interview on 2026-03-12")
    assert terminal.finish() == 0

    terminal = Terminal("2026-03-03", *place, "--plain", "--count", "1")
    opened = terminal.until("> ")
    assert "1 of 1 · size.floor" in opened, "what was wrong yesterday is due first"
    terminal.type("q\r")
    terminal.until("0 of 0 right")
    assert terminal.finish() == 0 and "\x1b[" not in terminal.raw
    kept = Store(store).events()
    assert len(kept) == 4 and kept[0].at == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_ctrl_c_keeps_what_was_answered_and_leaves_the_terminal_as_it_was(store: Path):
    terminal = Terminal("2026-03-02", "--store", str(store), "--template", "size.floor", "--difficulty", "1", "--seed", "3")
    before = termios.tcgetattr(terminal.handle)[3]
    terminal.until("> ")
    terminal.type(right(problem("size.floor", 1, 3).task) + "\r")
    terminal.until("2 of 10")
    terminal.until("> ")
    terminal.type("\x03")
    terminal.until("1 of 1 right")
    while terminal._read():
        pass
    assert termios.tcgetattr(terminal.handle)[3] == before
    terminal.finish()
    assert len(Store(store).events()) == 1


def test_a_kill_in_the_middle_keeps_what_was_answered(store: Path):
    terminal = Terminal("2026-03-02", "--store", str(store), "--template", "size.floor", "--difficulty", "1", "--seed", "3")
    terminal.until("> ")
    terminal.type("1\r")
    terminal.until("Try again")
    os.kill(terminal.pid, signal.SIGKILL)
    terminal.finish()
    assert len(Store(store).events()) == 1


def test_an_interview_in_a_terminal_ends_in_a_verdict(store: Path):
    terminal = Terminal("2026-03-02", "--store", str(store), "interview")
    for answer in ("3", "2", "1", "101", "2**51-1"):
        terminal.until("> ")
        terminal.type(f"{answer}\r")
        terminal.until("Noted.")
    terminal.until("large objects")
    terminal.type("It may see too little.\r\r")
    for _ in range(5):
        terminal.until("y/n> ")
        terminal.type("y")
    terminal.until("5 of 5 points")
    terminal.until("residual block")
    terminal.type("\r")
    terminal.until("y/n> ")
    terminal.type("q")
    terminal.until("> ")
    terminal.type("q")
    terminal.until("No Hire")
    terminal.until("changed assumptions")
    assert terminal.finish() == 0
    assert Store(store).events()[0].body.verdict == "No Hire"


def test_a_pipe_works_as_whole_lines(store: Path):
    task = problem("size.floor", 1, 8).task
    done = run(
        "practice",
        "--store",
        store,
        "--template",
        "size.floor",
        "--difficulty",
        "1",
        "--seed",
        "8",
        "--count",
        "1",
        stdin=f"h\n{right(task)}\n".encode(),
    )
    assert done.code == 0 and f"Hint: {task.hints[0]}" in done.out and "1 of 1 right, 0 without help" in done.out


def test_problems_are_printed_as_records_and_answers_judged(store: Path):
    done = run("practice", "--store", store, "--json", "--template", "cost.flops", "--difficulty", "3", "--seed", "4", "--count", "2")
    first, second = json.loads(done.out)
    assert first["seed"] == 4 and second["seed"] == 5 and first["working"][0]["steps"] and not store.exists()
    value = first["expected"]["values"][0]
    judged = run("practice", "answer", "cost.flops", f"{value} FLOPs", "--seed", "4", "--difficulty", "3", "--json")
    assert judged.code == 0 and json.loads(judged.out)["right"]
    half = run("practice", "answer", "cost.flops", f"{value // 2} FLOPs", "--seed", "4", "--difficulty", "3")
    assert half.code == 1 and "MACs for FLOPs" in half.out
    assert run("practice", "answer", "cost.flops", "much", "--seed", "4").code == 2


def test_ratings_and_progress_stand_side_by_side_and_travel(store: Path, tmp_path: Path):
    rated = run("practice", "--store", store, "assess", "--rate", "pooling=4", "--rate", "transfer=2", "--json")
    rows = {row["skill"]: row["rated"] for row in json.loads(rated.out)}
    assert rows["pooling"] == [4] and rows["separable"] == []
    assert run("practice", "--store", store, "assess", "--rate", "pooling=much").code == 2
    assert "2 events" in run("practice", "--store", store, "export", tmp_path / "x.json").err
    assert "2 events were new" in run("practice", "--store", tmp_path / "other.sqlite", "import", tmp_path / "x.json").err
    assert "pooling" in run("practice", "--store", store, "progress").out


def test_an_interview_as_a_record_keeps_its_conversation_off_stdout(store: Path):
    done = run("practice", "--store", store, "interview", "--json", stdin=b"3\nq\n")
    assert json.loads(done.out)["verdict"] == "No Hire" and "I draw a 6x6 map" in done.err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("templates",), "size.floor"), (("lessons", "problem-3-product"), "3,699,376,128"),
        (("claims",), "agrees"), (("sheet",), "Derivations"),
        (("explain",), "what-is-a-cnn"), (("problems",), "residual-gradient"), (("design", "--seed", "3", "--json"), "solution"),
        (("explain", "pooling", "--json"), "model_answer"),
        (("problems", "separable-cost", "--json"), "rubric"), (("plan", "--json"), "checkpoint"),
    ],
)  # fmt: skip
def test_each_list_is_shown(store: Path, command: tuple[str, ...], words: str):
    done = run("practice", "--store", store, *command)
    assert done.code == 0 and words in done.out, done


def test_words_are_ticked_and_a_design_is_judged_from_a_pipe(store: Path, tmp_path: Path):
    done = run("practice", "--store", store, "explain", "pooling", stdin=b"It halves.\n\ny\nn\ny\nn\nn\n")
    assert "2 of 5 points" in done.out and Store(store).events()[0].body.ticked == (1, 3)
    solved = run("practice", "--store", store, "problems", "separable-cost", stdin=b"3699376128 MACs\n418267136 MACs\n8.8\ny\ny\ny\n")
    assert "Strong Hire" in solved.out
    solution = "\n".join(json.loads(run("practice", "design", "--seed", "3", "--json").out)["solution"])
    assert run("practice", "design", "--seed", "3", stdin=f"{solution}\n\n".encode()).code == 0
    assert run("practice", "design", "--seed", "3", stdin=b"conv 3\n\n").code == 1
    assert run("practice", "--store", store, "sheet", "--html", tmp_path / "sheet.html").code == 0
    assert (tmp_path / "sheet.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    "arguments", [("--skill", "poling"), ("--template", "size.flor"), ("plan", "--interview", "soon"), ("explain", "nothing")]
)
def test_a_users_mistake_is_told_without_a_traceback(store: Path, arguments: tuple[str, ...]):
    done = run("practice", "--store", store, *arguments)
    assert done.code == 2 and "Traceback" not in done.err and ("Mend" in done.err or "Did you mean" in done.err)
