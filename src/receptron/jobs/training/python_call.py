"""The call from Python that makes a run again, for runs that no command line began."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from receptron.jobs.options import Extras

_DEFAULTS: dict[str, object] = {"time": "10m", "seed": 0, "device": "auto", "test_size": 0.2}


def python_call(given: Mapping[str, object], extras: Extras) -> str:
    """The call from Python that makes this run; what was left at its default is left out."""
    plain = {name: value for name, value in given.items() if value != _DEFAULTS.get(name) and name != "path"}
    rare = {
        name: getattr(extras, name)
        for name in ("precision", "allow_broken", "image_memory", "augment", "labels", "synthetic", "arguments")
        if getattr(extras, name) != getattr(Extras(), name)
    }
    parts = [repr(str(given["path"])), *(f"{name}={_shown(value)}" for name, value in plain.items())]
    told = [f"{name}={value!r}" for name, value in rare.items()] + ([f"images={extras.images.call}"] if extras.images.given else [])
    if extras.recipe.given:
        told.append(f"recipe={extras.recipe.call}")
    if extras.ensembling.kind:
        told.append(f"ensembling={extras.ensembling.call}")
    if told:
        parts.append(f"extras=receptron.Extras({', '.join(told)})")
    return f"receptron.train({', '.join(parts)})"


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_shown(one) for one in cast(Sequence[object], value))}]"
    return repr(str(value) if isinstance(value, Path) else value)
