"""Progress drawn on stderr: a bar per stage with rate and time left; where stderr is no terminal, a line at its beginning and its end."""

import time

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn

from receptron.cli.output import screen
from receptron.printable import printable
from receptron.wording import counted


class Bars:
    """A `receptron.progress.Progress` for people who watch; stages shorter than `patience` seconds leave no line behind.

    Who is patient is not told of beginnings either, for which stages will be short is not known then.
    """

    def __init__(self, patience: float = 0.0) -> None:
        self.patience = patience
        self.stage, self.unit, self.count, self.began = "", "", 0, 0.0
        self.bar: Progress | None = None
        self.task = TaskID(0)

    def start(self, stage: str, total: int, unit: str) -> None:
        """Draw a new bar, or say what begins."""
        self.stage, self.unit, self.count, self.began = stage, unit, 0, time.perf_counter()
        watched = screen.err().file.isatty()
        if not watched and not self.patience and total:
            screen.say(f"{stage}: {self._counted(total)} to go")
        self.bar = Progress(
            SpinnerColumn("line" if screen.err().options.ascii_only else "dots"),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=screen.err(),
            transient=True,
            disable=not watched,
        )
        self.task = self.bar.add_task(stage, total=total, rate="", note="")
        self.bar.start()

    def advance(self, count: int = 1, note: str = "") -> None:
        """Lengthen the bar."""
        self.count += count
        if self.bar:
            self.bar.update(self.task, advance=count, rate=self._rate(), note=printable(note))

    def done(self, note: str = "") -> None:
        """Replace the bar by one line that stays."""
        if self.bar:
            self.bar.stop()
            self.bar = None
        words = f"{self.stage}: {self._counted(self.count)}, {self._rate()}"
        if time.perf_counter() - self.began >= self.patience:
            screen.say(f"{words}; {note}" if note else words)

    def tell(self, line: str) -> None:
        """A line that stays, above the bar if one is drawn."""
        screen.exactly(line)

    def _counted(self, count: int) -> str:
        return counted(count, self.unit.removesuffix("s")) if self.unit.endswith("s") else f"{count:,} {self.unit}"

    def _rate(self) -> str:
        rate = self.count / max(time.perf_counter() - self.began, 1e-9)
        return f"{rate:,.{0 if rate >= 10 else 1}f} {self.unit}/s"
