"""Commands to type next."""

import shlex
from dataclasses import dataclass

from receptron.training.records import Run


@dataclass(frozen=True)
class Step:
    """One thing to do, and how."""

    purpose: str
    command: str


def following(run: Run) -> tuple[Step, ...]:
    """What one does with a trained model."""
    model, root = shlex.quote(str(run.model)), shlex.quote(str(run.audit.root))
    python = f'import receptron\n\nmodel = receptron.load({str(run.model)!r})\nmodel.predict(["photo.jpg"])'
    return (
        Step("Ask it about new images", f"receptron predict {model} new-photos/"),
        Step("Measure it on images that it has never seen", f"receptron evaluate {model} labelled-photos/"),
        Step("See every finding in the images again, after mending them", f"receptron audit {root}"),
        Step("Use it from Python", python),
    )
