"""Where a forward pass broke off, and what kind of fault that is."""

import linecache
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Literal

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd  # pyright: ignore[reportPrivateUsage] what all convolutions are

from receptron.analysis.recording import Unrecordable
from receptron.analysis.tape import ModuleCall, Tape

Fault = Literal["shapes", "input", "view", "arguments", "types", "code"]
"""Two shapes that do not fit, a layer that refuses its input, a view to another number of numbers, arguments of forward that are
missing or too many, numbers of two types, anything else that the network raised."""

OPERATORS = frozenset({"convolution", "addmm", "mm", "bmm", "matmul", "baddbmm", "add", "mul", "sub", "div", "cat", "stack", "where"})
"""Operators in which two shapes meet."""
TWO_SHAPES = (nn.Linear, _ConvNd, nn.Sequential, nn.ModuleList)
"""Layers of torch of which a clash is one of their input with their weights, and no more."""
VIEWS = frozenset({"view", "reshape", "_unsafe_view"})
OF_TYPES = (r"should be the same", r"scalar type", r"must have the same dtype", r"expected .* dtype", r"same dtype", r"to have dtype")
OF_ARGUMENTS = (r"missing \d+ required", r"positional arguments? but", r"unexpected keyword", r"missing .* keyword-only")
TORCH, OURS = Path(torch.__file__).parent, Path(__file__).parents[2]


@dataclass(frozen=True)
class Break:
    """A broken forward pass of `net`, which is a copy on the meta device that may be looked at and copied again."""

    net: nn.Module
    cause: Unrecordable

    @property
    def tape(self) -> Tape:
        """What ran before."""
        return self.cause.tape

    @cached_property
    def scope(self) -> ModuleCall:
        """The innermost module that had begun and did not end."""
        calls = self.tape.module_calls
        return next((scope for scope in reversed(calls) if scope.last < 0 and scope.parent >= 0), calls[0])

    @property
    def path(self) -> str:
        """Path of that module."""
        return self.scope.path

    @cached_property
    def module(self) -> nn.Module:
        """That module, in the copy."""
        return self.net.get_submodule(self.path)

    @property
    def op(self) -> str:
        """The operator that failed; empty where none had begun."""
        return self.cause.attempt[0]

    @property
    def operands(self) -> tuple[int, ...]:
        """Values that met in it, or went into the module."""
        return self.cause.attempt[1] if self.op else self.scope.inputs

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Their shapes."""
        return tuple(self.tape.values[value].shape for value in self.operands)

    @property
    def given(self) -> tuple[int, ...]:
        """Shape of what went into the module."""
        return self.tape.values[self.scope.inputs[0]].shape if self.scope.inputs else ()

    @property
    def spatial(self) -> bool:
        """Whether what went into the module is a map."""
        return len(self.given) > 3

    @cached_property
    def map_before(self) -> tuple[int, ...]:
        """Sides of the map that was flattened into what went into the module; none if it was not."""
        value = self.scope.inputs[0] if self.scope.inputs else -1
        made = next((call for call in reversed(self.tape.calls) if value in call.outputs), None)
        if made is None or made.op not in (*VIEWS, "flatten") or not made.inputs:
            return ()
        shape = self.tape.values[made.inputs[0]].shape[1:]
        return shape if len(shape) > 1 else ()

    @cached_property
    def fault(self) -> Fault:
        """What kind of fault it is."""
        message = _text(self.cause.__cause__)
        if isinstance(self.cause.__cause__, TypeError) and _says(message, OF_ARGUMENTS):
            return "arguments"
        if _says(message, OF_TYPES):
            return "types"
        if self.op in VIEWS or "is invalid for input of size" in message:
            return "view"
        torchs = type(self.module).__module__.startswith("torch.nn.modules")
        if self.op in OPERATORS and len(self.shapes) > 1 and (not torchs or isinstance(self.module, TWO_SHAPES)):
            return "shapes"
        return "input" if torchs else "code"

    @property
    def wants_two_dimensions(self) -> bool:
        """Whether a view that failed was to have two: what flattens a map for a linear layer."""
        wanted = re.search(r"shape '\[(.*?)\]' is invalid", _text(self.cause.__cause__))
        return wanted is not None and wanted[1].count(",") == 1

    @cached_property
    def _frame(self) -> tuple[FrameType, int] | None:
        frames = [found for found in _frames(self.cause.__cause__) if not _is_library(Path(found[0].f_code.co_filename))]
        return frames[-1] if frames else None

    @property
    def place(self) -> str:
        """File and line of the network's own code that ran last; empty where all of it is torch's."""
        return "" if self._frame is None else f"{Path(self._frame[0].f_code.co_filename).name}, line {self._frame[1]}"

    @property
    def line(self) -> str:
        """The same with its text."""
        if self._frame is None:
            return ""
        frame, number = self._frame
        text = linecache.getline(frame.f_code.co_filename, number, frame.f_globals).strip()
        return self.place + (f": {text}" if text else "")


def _says(message: str, signs: tuple[str, ...]) -> bool:
    return any(re.search(sign, message) for sign in signs)


def _text(error: BaseException | None) -> str:
    """The whole text of a stranger's error; nothing if that fails itself."""
    try:
        return str(error or "")
    except Exception:  # `__str__` may raise anything, and so may `__bool__`
        return ""


def _frames(error: BaseException | None) -> Iterator[tuple[FrameType, int]]:
    trace = error.__traceback__ if error is not None else None
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _is_library(file: Path) -> bool:
    return TORCH in file.parents or OURS in file.parents
