"""What a run decided by the clock of its machine, in words: another run decides otherwise unless it is told."""

from collections.abc import Mapping
from typing import Any, cast

from receptron.report.words import number, things
from receptron.training.checkpointing.decision_log import RANKING


def timed(decisions: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Name and outcome of each decision, in the order in which they were taken.

    >>> timed({"threads": 2, "views": 4, "epochs": 40, "time for last stage, fold 1": ""})
    (('Threads', '2'), ('Augmented views of an image', '4'), ('Epochs', '40'), ('Time for last stage, fold 1', 'yes'))
    """
    return tuple(_told(name, value) for name, value in decisions.items())


def _told(name: str, value: Any) -> tuple[str, str]:
    if name == RANKING:
        return "Weights", next(one["reference"] for one in value if one["chosen"]) + f", the best of {len(value)} at hand"
    if isinstance(value, dict) and "tried" in value and "decay" in value:  # what a search found
        return name[:1].upper() + name[1:], f"{value['rate']:g} and {value['decay']:g}" + ("" if value["unknown"] else ", searched for")
    if isinstance(value, dict):  # a range test
        return f"Learning {name}", f"{number(cast(float, value['rate']))}, by a range test"
    if isinstance(value, list):  # trials of number formats
        chosen: Mapping[str, Any] = next(trial for trial in value if trial["chosen"])
        tried = f" of {things(len(value), 'format')} tried" if len(value) > 1 else ", asked for"
        return f"Number format, {chosen['stage']}", f"{chosen['precision']}, {chosen['memory_format']}{tried}"
    shown = {"views": "augmented views of an image"}.get(name, name)
    return shown[:1].upper() + shown[1:], number(value) if isinstance(value, int | float) else str(value) or "yes"
