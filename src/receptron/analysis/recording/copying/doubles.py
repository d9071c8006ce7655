"""A network's double: modules, attributes and hooks of its own, and tensors that a rule gives in place of the network's.

What is copied is what `copy.deepcopy` copies, by the same protocols, and beyond it what leads back to the live network: the
variables of functions that are kept in it, weak references, methods of built-in objects. Nothing of the network is written to.
What cannot be copied is told with its place.

>>> from torch import nn
>>> net = nn.Linear(2, 2)
>>> double = doubled(net, lambda tensor, owned: tensor)
>>> double is net, double.weight is net.weight
(False, True)
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.fx import GraphModule

from receptron.analysis.recording.copying.deep_copies import DeepCopier, Stuck, reason_of
from receptron.analysis.recording.parameters import modules_in, tables_of
from receptron.errors import Uncopyable

Twin = Callable[[Tensor, bool], Tensor]
"""From a tensor, and whether a module owns it as parameter or buffer, to what stands in its place. Raises: ValueError."""

_TABLES = ("_parameters", "_buffers", "_modules")
_STATES = {nn.Module.__getstate__, nn.RNNBase.__getstate__}
"""Ways of telling a module's state that leave out nothing but caches."""


def doubled(net: nn.Module, twin: Twin) -> nn.Module:
    """The double of a network; what is shared in the network is shared in its double. Raises: Uncopyable."""
    doubler = _Doubler(twin)
    try:
        doubler.adopt(net)
        made = doubler.copied(net)
        _refuse_live(net, made)
    except Stuck as stuck:
        raise _uncopyable(net, stuck) from stuck
    except RecursionError as error:
        raise _uncopyable(net, Stuck("it is nested too deep")) from error
    return made


class _Doubler(DeepCopier):
    """A copy of a network in the making."""

    def __init__(self, twin: Twin) -> None:
        super().__init__()
        self._twin = twin

    def adopt(self, net: nn.Module) -> None:
        """Give what the network owns its twins first, wherever else it is held."""
        for path, module in modules_in(net):
            for table in tables_of(module):
                for name, tensor in list(table.items()):
                    if tensor is not None and id(tensor) not in self.memo:
                        try:
                            self._tensor(tensor, owned=True)
                        except Stuck as stuck:
                            stuck.steps += [f".{name}", *([f".{path}"] if path else [])]
                            raise

    def way(self, kind: type) -> Callable[[Any], Any]:
        """Tensors by the rule; modules by their attributes, unless their class has its own way."""
        if issubclass(kind, Tensor):
            return self._tensor
        if issubclass(kind, nn.Module):
            if kind.__name__ == "OptimizedModule" and kind.__module__.startswith("torch._dynamo"):
                return self._uncompiled
            if issubclass(kind, GraphModule):
                return self._program
            if _is_plain(kind):
                return self._module
        return super().way(kind)

    def _tensor(self, tensor: Tensor, owned: bool = False) -> Tensor:
        try:
            made = self._twin(tensor, owned)
        except (ValueError, RuntimeError, NotImplementedError) as error:
            raise Stuck(reason_of(error)) from error
        self.memo[id(tensor)] = made
        if made is not tensor and type(made) is type(tensor) and tensor.__dict__:
            vars(made).update(self.named(vars(tensor)))
        return made

    def _module(self, module: nn.Module) -> nn.Module:
        made = self.memo[id(module)] = object.__new__(type(module))  # a program's class would make a new class first
        own = made.__dict__
        name = ""
        try:
            for name, value in module.__dict__.copy().items():
                own[name] = self.named(value) if name in _TABLES else self.copied(value)
        except Stuck as stuck:
            stuck.steps += [] if name in _TABLES else [f".{name}"]
            raise
        if isinstance(made, nn.DataParallel):
            made.device_ids = []  # it would send its input to devices
        return made

    def _program(self, module: GraphModule) -> nn.Module:
        """A traced program, which keeps notes on its nodes that running it does not read."""
        self.memo[id(module.meta)] = module.meta
        return self._module(module)

    def _uncompiled(self, module: nn.Module) -> nn.Module:
        """What torch.compile wraps."""
        return self.copied(module._modules["_orig_mod"])  # pyright: ignore[reportPrivateUsage]


def _is_plain(kind: type[nn.Module]) -> bool:
    """Whether the attributes of its modules are all there is to copy."""
    own = hasattr(kind, "__deepcopy__") or kind.__reduce_ex__ is not object.__reduce_ex__ or kind.__reduce__ is not object.__reduce__
    return not own and kind.__getstate__ in _STATES and not any([vars(part).get("__slots__") for part in kind.__mro__])


def _refuse_live(net: nn.Module, made: nn.Module) -> None:
    live = {id(module) for _, module in modules_in(net)}
    for path, module in modules_in(made):
        if id(module) in live:
            raise Stuck(f"__deepcopy__ of {type(module).__name__} gives the module itself", f".{path}")


def _uncopyable(net: nn.Module, stuck: Stuck) -> Uncopyable:
    return Uncopyable(
        f"{type(net).__name__}{''.join(reversed(stuck.steps))} cannot be copied, and a network is only recorded on a copy.",
        why=stuck.reason,
        mend="keep it out of the network, or give a function that makes the network: record(lambda: Net(), ...)",
    )
