"""Receptron: a workbench for convolutional networks on PyTorch.

What a program needs is here by name; each is imported when it is first used, so that `import receptron` costs nothing.

>>> import receptron
>>> receptron.arithmetic.output_size(receptron.arithmetic.Conv(kernel=3, stride=2, padding=1), 224).value
112
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from receptron import analysis, arithmetic, errors, zoo
    from receptron.analysis.inspection import Inspection, InspectionOptions, inspect
    from receptron.analysis.receptive_field.field import receptive_field
    from receptron.analysis.recording import record
    from receptron.analysis.tape import Tape
    from receptron.bundle.card import ModelCard
    from receptron.bundle.model import Model, load
    from receptron.data.dataset.scan_options import ScanOptions
    from receptron.data.records import Audit, Finding
    from receptron.errors import ReceptronError
    from receptron.evaluation.records import Answer, Estimate, Evaluation
    from receptron.jobs.audit import audit
    from receptron.jobs.evaluate import Evaluated, evaluate
    from receptron.jobs.options import Extras
    from receptron.jobs.predict import Predicted, predict
    from receptron.jobs.training.train import train
    from receptron.training.ensembling import Ensembling
    from receptron.training.loop.recipe import Recipe
    from receptron.training.records import Run
    from receptron.weights.sidecar import Sidecar
    from receptron.zoo import build

__version__ = "0.1.0"

_MODULES = ("analysis", "arithmetic", "errors", "zoo")
_HOMES = {
    "receptron.analysis.receptive_field.field": ("receptive_field",),
    "receptron.analysis.inspection": ("Inspection", "InspectionOptions", "inspect"),
    "receptron.analysis.recording": ("record",),
    "receptron.analysis.tape": ("Tape",),
    "receptron.bundle.card": ("ModelCard",),
    "receptron.bundle.model": ("Model", "load"),
    "receptron.data.dataset.scan_options": ("ScanOptions",),
    "receptron.data.records": ("Audit", "Finding"),
    "receptron.errors": ("ReceptronError",),
    "receptron.evaluation.records": ("Answer", "Estimate", "Evaluation"),
    "receptron.jobs.audit": ("audit",),
    "receptron.jobs.evaluate": ("Evaluated", "evaluate"),
    "receptron.jobs.predict": ("Predicted", "predict"),
    "receptron.jobs.options": ("Extras",),
    "receptron.jobs.training.train": ("train",),
    "receptron.training.ensembling": ("Ensembling",),
    "receptron.training.loop.recipe": ("Recipe",),
    "receptron.training.records": ("Run",),
    "receptron.weights.sidecar": ("Sidecar",),
    "receptron.zoo": ("build",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Answer",
    "Audit",
    "Ensembling",
    "Estimate",
    "Evaluated",
    "Evaluation",
    "Extras",
    "Finding",
    "Inspection",
    "InspectionOptions",
    "Model",
    "ModelCard",
    "Predicted",
    "ReceptronError",
    "Recipe",
    "Run",
    "ScanOptions",
    "Sidecar",
    "Tape",
    "__version__",
    "analysis",
    "arithmetic",
    "audit",
    "build",
    "errors",
    "evaluate",
    "inspect",
    "load",
    "predict",
    "receptive_field",
    "record",
    "train",
    "zoo",
]


def __getattr__(name: str) -> object:
    """The public object called `name`, imported now (PEP 562)."""
    if name in _MODULES:
        return import_module(f"receptron.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'receptron' has no attribute {name!r}")
    found = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
