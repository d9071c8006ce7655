"""Every call of a module while a forward pass is recorded: its scope, and the shortest way to what it does.

A layer that is one ATen call is not run but asked for it (layer_rules.py); a block whose twin was recorded gets that record
(repeats.py); everything else runs.
"""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module
from torch.utils._python_dispatch import _get_current_dispatch_mode  # pyright: ignore[reportPrivateUsage]

from receptron.analysis.recording.layer_rules import FORWARDS, LAYERS, Rule
from receptron.analysis.recording.recorder import Recorder
from receptron.analysis.recording.repeats import Repeats
from receptron.analysis.tape import Scope

_CALL = "_call_impl"
"""Method that calls a module with its hooks; torch has no public place that all calls pass and that may go another way."""


@contextmanager
def visits(recorder: Recorder, repeats: Repeats | None) -> Generator[None]:
    """Tell the recorder of every module that this thread calls; without `repeats` each one runs."""
    run = getattr(nn.Module, _CALL)
    here, draft = get_ident(), recorder.draft

    def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if get_ident() != here:
            return run(module, *args, **kwargs)
        rule = rules.get(type(module))
        if rule is not None and len(args) == 1 and not kwargs:
            out = _answer(recorder, module, rule, args[0])
            if out is not None:
                return out
        draft.enter(module, args)
        if repeats is not None and repeats.knows(module):
            out = repeats.forward(module, partial(run, module), args, kwargs)
        else:
            out = run(module, *args, **kwargs)
        draft.leave(out)
        return out

    rules = {kind: rule for kind, rule in LAYERS.items() if repeats is not None and kind.forward is FORWARDS[kind]}
    setattr(nn.Module, _CALL, call)
    try:
        yield
    finally:
        setattr(nn.Module, _CALL, run)


def is_alone() -> bool:
    """Whether nobody else watches every module or every call: hooks on all modules, other dispatch modes."""
    hooks = torch_module._global_forward_hooks, torch_module._global_forward_pre_hooks  # pyright: ignore[reportPrivateUsage]
    return not any(hooks) and _get_current_dispatch_mode() is None  # neither can be asked for in another way


def _answer(recorder: Recorder, module: nn.Module, rule: Rule, x: Any) -> Tensor | None:
    """What a layer gives that need not run; None if it has to."""
    own, draft = module.__dict__, recorder.draft
    if type(x) is not Tensor or not x.is_meta or "forward" in own or torch._C._is_any_autocast_enabled():  # pyright: ignore[reportPrivateUsage]
        return None
    try:
        hooked = own["_forward_hooks"] or own["_forward_pre_hooks"] or own["_backward_hooks"] or own["_backward_pre_hooks"]
        asked = None if hooked or own["training"] else rule(own, x)
    except KeyError:  # somebody took an attribute away
        return None
    if asked is None:
        return None
    func, owned, settings = asked
    first, parent, scope = len(draft.calls), draft.open[-1], len(draft.scopes)
    if func is None:
        out, inputs = x, (draft.read(x),)
        outputs = inputs
    else:
        out = recorder.ask(func, x, owned, settings, scope)
        if out is None:
            return None
        call = draft.calls[-1]
        inputs, outputs = call.inputs[:1], call.outputs
    draft.scopes.append(Scope(draft.paths.get(id(module), ""), type(module).__name__, parent, first, inputs, outputs, len(draft.calls)))
    return out
