"""Ctrl-C and SIGTERM while a network trains: the first ends the work cleanly, the second Ctrl-C at once."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Self


class StopSignals:
    """Flags that the loop reads between two steps. Use as a context manager around the work.

    `stop` is set by a first Ctrl-C: the loop ends the phase with the best so far. `terminate` is set by SIGTERM: the loop
    saves a checkpoint and leaves with exit code 143. Outside the main thread no signal can be caught, and the flags stay down.
    `tell` is told of the first Ctrl-C.
    """

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self.stop, self.terminate, self.tell = False, False, tell

    def __enter__(self) -> Self:
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._catch) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def leave_if_told(self) -> None:
        """Raises: SystemExit(143) after a SIGTERM; call it where everything worth keeping is on disk."""
        if self.terminate:
            raise SystemExit(143)

    def _catch(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGTERM:
            self.terminate = True
        elif self.stop:
            raise KeyboardInterrupt
        else:
            self.stop = True
            if self.tell:
                self.tell("Interrupted: what is learnt so far is judged and saved now. Press Ctrl-C again to stop at once.")
