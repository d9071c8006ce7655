"""Commands to type next."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from receptron.data.dataset.scan_options import flags_of
from receptron.training.records import Run


@dataclass(frozen=True)
class NextCommand:
    """One thing to do, and how."""

    purpose: str
    command: str


_ONCE = {"--resume", "--overwrite"}  # flags that concern the first run only
_PLACED = {"--out", "--like"}  # and those with a value


def again(run: Run) -> str:
    """The command that makes the same network again, beside the first: with the decisions that the run timed, by `--like`."""
    command, like = run.card.provenance.command, str(run.report.parent)
    if not command.startswith("receptron train"):
        first, extras, rest = command.partition("receptron.Extras(")
        given = f"like={like!r}" + (", " if extras else "")
        return f"{first}{extras}{given}{rest}" if extras else f"{command.removesuffix(')')}, extras=receptron.Extras({given}))"
    return shlex.join([*_lasting(command), "--like", like])


def correcting(run: Run, table: str) -> str:
    """The command that trains as this run did, with the labels of one more table of corrections."""
    command = run.card.provenance.command
    if command.startswith("receptron train"):
        return shlex.join([*_lasting(command), "--labels", table])
    tables = run.corrections.tables if run.corrections else ()
    words = ["receptron", "train", run.settings.get("path", str(run.audit.root))]
    labels = [word for one in (*tables, table) for word in ("--labels", one)]
    return " ".join(part for part in (shlex.join(words), flags_of(run.settings), shlex.join(labels)) if part)


def _lasting(command: str) -> list[str]:
    """The words of a command without flags that concern one run only."""
    words: list[str] = []
    skip = False
    for word in shlex.split(command):
        if not skip and word.partition("=")[0] not in _ONCE | _PLACED:
            words.append(word)
        skip = not skip and word in _PLACED
    return words


def following(run: Run) -> tuple[NextCommand, ...]:
    """What one does with a trained model, typed beside its folder: a page is sent to others, to whom paths of its maker mean nothing."""
    folder, images = run.model.parent.name or run.model.name, shlex.quote(_images(run))
    flags = flags_of(run.settings)
    given = f", net={_own_net(run)!r}" if _own_net(run) else ""
    python = f'import receptron\n\nmodel = receptron.load({folder!r}{given})\nmodel.predict(["photo.jpg"])'
    net = own_flag(run)
    return (
        NextCommand("Ask it about new images", f"receptron predict {shlex.quote(folder)} new-photos/{net}"),
        NextCommand("Measure it on images that it has never seen", f"receptron evaluate {shlex.quote(folder)} labelled-photos/{net}"),
        NextCommand("See every finding in the images again, after mending them", f"receptron audit {images} {flags}".rstrip()),
        NextCommand("Use it from Python", python),
    )


def own_flag(run: Run) -> str:
    """What predict and evaluate want besides, where the network is the user's own."""
    return f" --net {shlex.quote(_own_net(run))}" if _own_net(run) else ""


def _own_net(run: Run) -> str:
    own = run.card.own
    if own is None:
        return ""
    place = run.settings.get("net file", own.file)
    return f"{place}:{own.name}"


def reviewing(run: Run) -> str:
    """The command that lists labels that may be wrong, typed beside the run's folder."""
    folder = shlex.quote(run.model.parent.name or run.model.name)
    return f"receptron review {folder} --html suspects.html --csv corrections.csv"


def _images(run: Run) -> str:
    """What the run was given, without the folders above: a table, or the root."""
    table = run.settings.get("path") if run.audit.layout == "table" else None
    return Path(table).name if table else run.audit.root.name or str(run.audit.root)
