"""Commands to type next."""

import shlex
from dataclasses import dataclass

from receptron.training.records import Run


@dataclass(frozen=True)
class NextCommand:
    """One thing to do, and how."""

    purpose: str
    command: str


def following(run: Run) -> tuple[NextCommand, ...]:
    """What one does with a trained model."""
    model, root = shlex.quote(str(run.model)), shlex.quote(str(run.audit.root))
    root += f" --layout {run.settings['layout']}" if "layout" in run.settings else ""
    python = f'import receptron\n\nmodel = receptron.load({str(run.model)!r})\nmodel.predict(["photo.jpg"])'
    return (
        NextCommand("Ask it about new images", f"receptron predict {model} new-photos/"),
        NextCommand("Measure it on images that it has never seen", f"receptron evaluate {model} labelled-photos/"),
        NextCommand("See every finding in the images again, after mending them", f"receptron audit {root}"),
        NextCommand("Use it from Python", python),
    )
