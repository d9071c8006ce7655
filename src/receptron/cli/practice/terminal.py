"""Where practice happens: the store, the clock, chance, and how things look on this terminal."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import typer

from receptron.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from receptron.tutor.learner.store import Store


@dataclass(frozen=True)
class Setting:
    """What a program that runs the commands may set: the clock and the seed of chance."""

    clock: "Callable[[], datetime] | None" = None
    seed: int | None = None


@dataclass(frozen=True)
class PracticeTerminal:
    """Shared by all commands of practice."""

    path: Path | None
    plain: bool
    setting: Setting

    @property
    def store(self) -> "Store":
        """The learner's events."""
        from receptron.tutor.learner.store import Store, utc

        return Store(self.path, self.setting.clock or utc)

    def random(self, seed: int | None = None) -> Random:
        """Chance: from `seed`, else as the setting says."""
        return Random(self.setting.seed if seed is None else seed)

    def say(self, text: str = "", style: str = "") -> None:
        """A paragraph; `style` colours what its words say anyway."""
        screen.paragraph(text, style, plain=self.plain)


def terminal_of(context: typer.Context) -> PracticeTerminal:
    """The terminal that the command group opened."""
    found = context.find_object(PracticeTerminal)
    return found or PracticeTerminal(None, False, Setting())
