"""Every call of a module while a forward pass is recorded becomes a scope of the tape. Followed are the modules of the copy alone."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from torch import nn

from receptron.analysis.recording.parameters import UNSHAPED, tables_of
from receptron.analysis.recording.tape_builder import TapeBuilder

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
