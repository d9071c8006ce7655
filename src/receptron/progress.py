"""How long work tells how far it is. The command line draws it; a program may pass its own, or stay `Silent`."""

from typing import Protocol


class Progress(Protocol):
    """Told of one stage at a time: `start`, any number of `advance`, `done`; and of what is worth a line at any moment."""

    def start(self, stage: str, total: int, unit: str) -> None:
        """A stage of `total` units begins; `unit` is the plural word for one step, such as "images"."""
        ...

    def advance(self, count: int = 1, note: str = "") -> None:
        """`count` more units are done; `note` is a short word on how it goes, such as the loss."""
        ...

    def done(self, note: str = "") -> None:
        """The stage is over; `note` is its outcome in a few words."""
        ...

    def tell(self, line: str) -> None:
        """Something that a person should know now: where a run writes, what was passed over."""
        ...


class Silent:
    """Says nothing."""

    def start(self, stage: str, total: int, unit: str) -> None:
        """Nothing to say."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """Nothing to say."""

    def done(self, note: str = "") -> None:
        """Nothing to say."""

    def tell(self, line: str) -> None:
        """Nothing to say."""
