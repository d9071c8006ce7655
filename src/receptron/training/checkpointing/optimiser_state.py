"""What an optimiser remembers, as plain tensors and a record, and back, to the last bit."""

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim import Optimizer

from receptron.errors import CheckpointMismatch

Plain = bool | int | float | str | None | list[Any]


@dataclass(frozen=True)
class OptimiserState:
    """Everything but the tensors: settings of each parameter group, and what it keeps per parameter as plain values."""

    groups: list[dict[str, Plain]]
    values: dict[str, dict[str, Plain]]  # parameter number -> name -> value


def flatten(optimiser: Optimizer) -> tuple[dict[str, Tensor], OptimiserState]:
    """Tensors under "PARAMETER.NAME" ("3.momentum_buffer", "3.exp_avg_sq") and group settings under "group.GROUP.NAME", and the rest."""
    told = optimiser.state_dict()
    tensors: dict[str, Tensor] = {}
    values: dict[str, dict[str, Plain]] = {}
    for number, kept in told["state"].items():
        tensors |= {f"{number}.{name}": value for name, value in kept.items() if isinstance(value, Tensor)}
        values[str(number)] = {name: value for name, value in kept.items() if not isinstance(value, Tensor)}
    groups: list[dict[str, Plain]] = []
    for i, group in enumerate(told["param_groups"]):
        tensors |= {f"group.{i}.{name}": value for name, value in group.items() if isinstance(value, Tensor)}
        groups.append({name: _plain(value) for name, value in group.items() if not isinstance(value, Tensor)})
    return tensors, OptimiserState(groups, values)


def restore(optimiser: Optimizer, tensors: dict[str, Tensor], state: OptimiserState) -> None:
    """Put back what `flatten` took from an optimiser of the same kind over the same parameters; memory formats follow the parameters.

    Raises: CheckpointMismatch if groups, parameters or shapes differ.
    """
    parameters: list[Tensor] = [p for group in optimiser.param_groups for p in group["params"]]
    _check(optimiser, parameters, tensors, state)
    kept: dict[int, dict[str, Any]] = {int(number): dict(values) for number, values in state.values.items()}
    groups = [_group(live, saved) for live, saved in zip(optimiser.param_groups, state.groups, strict=True)]
    for key, tensor in tensors.items():
        if key.startswith("group."):
            _, i, name = key.split(".", 2)
            groups[int(i)][name] = tensor
        else:
            number, name = key.split(".", 1)
            kept[int(number)][name] = _like(parameters[int(number)], tensor)
    optimiser.load_state_dict({"state": kept, "param_groups": groups})


def _check(optimiser: Optimizer, parameters: list[Tensor], tensors: dict[str, Tensor], state: OptimiserState) -> None:
    saved = [len(cast(list[int], group["params"])) for group in state.groups]
    live = [len(group["params"]) for group in optimiser.param_groups]
    if saved != live:
        raise CheckpointMismatch(
            f"the saved optimiser has groups of {saved} parameters, this one {live}.",
            why="the run was started with other settings",
            mend="resume with the same --net and settings, or start anew",
        )
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        if number.isdigit() and tensor.ndim and tensor.shape != parameters[int(number)].shape:
            raise CheckpointMismatch(
                f"{name} of parameter {number} is {tuple(tensor.shape)} in the checkpoint, {tuple(parameters[int(number)].shape)} here.",
                mend="resume with the same --net and classes, or start anew",
            )


def _group(live: dict[str, Any], saved: dict[str, Plain]) -> dict[str, Any]:
    """JSON knows no tuples: what is one in the live group (betas) becomes one again."""
    return {name: tuple(value) if isinstance(value, list) and isinstance(live.get(name), tuple) else value for name, value in saved.items()}


def _plain(value: Any) -> Plain:
    return list(value) if isinstance(value, tuple) else value


def _like(parameter: Tensor, tensor: Tensor) -> Tensor:
    if tensor.shape != parameter.shape:
        return tensor
    return torch.empty_like(parameter, dtype=tensor.dtype, device=tensor.device).copy_(tensor)
