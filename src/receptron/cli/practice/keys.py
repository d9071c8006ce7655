"""One line from a person, where some single keys act at once; from a pipe the same as whole lines."""

import codecs
import os
import select
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from receptron.cli import streams

QUIT = "q"
_ENTER, _ERASE, _END, _ESCAPE = ("\n", "\r"), ("\x7f", "\b"), "\x04", "\x1b"


def read(prompt: str, keys: str) -> str:
    """What was typed, or the one of `keys` that was pressed on an empty line. The end of input is the key q."""
    if streams.reader_left():
        return QUIT
    if not (sys.stdin.isatty() and _has_terminal()):
        _echo(prompt)
        line = sys.stdin.readline()
        return line.strip() if line else QUIT
    with _one_by_one(sys.stdin.fileno()):
        _echo(prompt)
        return _typed(sys.stdin.fileno(), keys)


def paragraphs(prompt: str) -> str:
    """Lines up to an empty one."""
    lines: list[str] = []
    while not streams.reader_left() and (line := _line(prompt if not lines else "")):
        lines.append(line)
    return "\n".join(lines)


def _line(prompt: str) -> str:
    _echo(prompt)
    return sys.stdin.readline().strip()


def _typed(handle: int, keys: str) -> str:
    text = ""
    for character in _characters(handle):
        if character in _ENTER:
            _echo("\n")
            return text.strip()
        if not text and character and character in keys:
            _echo(f"{character}\n")
            return character
        if character == _END:
            if not text:
                _echo("\n")
                return QUIT
        elif character in _ERASE:
            if text:
                text = text[:-1]
                _echo("\b \b")
        elif character.isprintable():
            text += character
            _echo(character)
    return text or QUIT


def _characters(handle: int) -> Iterator[str]:
    """Characters as they come; arrow keys and their like are passed over."""
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    while byte := _byte(handle):
        character = decoder.decode(byte)
        if character == _ESCAPE:
            while select.select([handle], [], [], 0.02)[0] and not os.read(handle, 1).isalpha():
                continue
        elif character:
            yield character


def _byte(handle: int) -> bytes:
    """The next byte. Waiting in short turns lets a Ctrl-C through that arrives in the instant before the wait begins."""
    while not select.select([handle], [], [], 0.1)[0]:
        continue
    return os.read(handle, 1)


def _echo(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _has_terminal() -> bool:
    try:
        import termios  # not on Windows
    except ImportError:
        return False
    return bool(termios)


@contextmanager
def _one_by_one(handle: int) -> Generator[None, None, None]:
    """Keys without waiting for Enter; Ctrl-C still interrupts."""
    import termios
    import tty

    before = termios.tcgetattr(handle)
    try:
        tty.setcbreak(handle, termios.TCSADRAIN)  # what was typed ahead is kept
        yield
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)
