"""Every call of a module while a forward pass is recorded becomes a scope of the tape. Followed are the modules of the copy alone."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from threading import get_ident
from typing import Any

import torch
from torch import nn

from receptron.analysis.recording.parameters import UNSHAPED, tables_of
from receptron.analysis.recording.tape_builder import TapeBuilder
from receptron.errors import AnalysisFault

_CALL = "_call_impl"
"""What calling a module calls: its forward with all hooks, which belong to its scope. As an attribute of one module it is that module's."""


@contextmanager
def followed(modules: Iterable[nn.Module], builder: TapeBuilder) -> Generator[None]:
    """Tell the builder of every call of these modules by this thread."""
    modules = list(modules)
    for module in modules:
        module.__dict__[_CALL] = _following(module, builder)
    try:
        yield
    finally:
        for module in modules:
            module.__dict__.pop(_CALL, None)


def check_followed(builder: TapeBuilder) -> None:
    """Raises: AnalysisFault if a network ran and no call of a module was seen, as torch might call them otherwise one day."""
    if len(builder.module_calls) == 1:
        why = f"no call of a module was seen: torch {torch.__version__} does not go by Module.{_CALL}"
        raise AnalysisFault("networks cannot be recorded with this torch.", why=why, mend="use the versions of constraints.txt")


def _following(module: nn.Module, builder: TapeBuilder) -> Any:
    run, here = getattr(module, _CALL), get_ident()
    unshaped = any([type(tensor) in UNSHAPED for table in tables_of(module) for tensor in table.values()])

    def call(*args: Any, **kwargs: Any) -> Any:
        if get_ident() != here:
            return run(*args, **kwargs)
        builder.enter(module, (args, kwargs) if kwargs else args)
        try:
            if unshaped:
                raise ValueError("an uninitialized parameter has no shape")
            out = run(*args, **kwargs)
        except BaseException:
            builder.leave_broken()
            raise
        builder.leave(out)
        return out

    return call
