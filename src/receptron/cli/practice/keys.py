"""One line from a person, where some single keys act at once; from a pipe the same as whole lines.

In a terminal prompt_toolkit reads: it loses nothing that is typed ahead, takes a pasted text whole and knows Windows; click's getchar,
which reads key by key, drops what arrives between two keys.
"""

import os
import sys

from receptron.cli.output import streams

QUIT = "q"


def read(prompt: str, keys: str, *, plain: bool = False) -> str:
    """What was typed, or the one of `keys` that was pressed on an empty line; `plain`: as whole lines. The end of input is the key q."""
    if streams.reader_left():
        return QUIT
    if sys.stdin.isatty() and sys.stdout.isatty() and not plain:
        return _asked(prompt, keys)
    line = _line(prompt)
    return line.strip() if line else QUIT


def paragraphs(prompt: str) -> str:
    """Lines up to an empty one."""
    lines: list[str] = []
    while not streams.reader_left() and (line := _line(prompt if not lines else "").strip()):
        lines.append(line)
    return "\n".join(lines)


def _line(prompt: str) -> str:
    sys.stdout.write(prompt)
    sys.stdout.flush()
    return sys.stdin.readline()


def _asked(prompt: str, keys: str) -> str:
    """Raises: KeyboardInterrupt for Ctrl-C."""
    os.environ.setdefault("PROMPT_TOOLKIT_NO_CPR", "1")  # one line needs no cursor position, which some terminals never tell
    from prompt_toolkit import PromptSession
    from prompt_toolkit.application import get_app
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    bindings = KeyBindings()

    def pressed(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(event.data)
        event.current_buffer.validate_and_handle()

    for key in keys:
        bindings.add(key, filter=Condition(lambda: not get_app().current_buffer.text))(pressed)
    try:
        return PromptSession[str](key_bindings=bindings).prompt(prompt).strip()
    except EOFError:
        return QUIT
