"""Translate the parameter names of another library's checkpoint into ours.

A rule is a pair of templates. `{i}` stands for a whole number, `{i-1}` on the right for that number less one, and a closing `*` for the
rest of the name; nothing on the right means that the parameter is left out on purpose:

    ("layer{s}.{b}.conv{c}.*", "stages.{s-1}.{b}.body.conv{c}.conv.*")

The first rule that matches wins; a name that no rule matches is an error, never skipped in silence.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from receptron.errors import CheckpointMismatch

Rule = tuple[str, str | None]


@dataclass(frozen=True)
class KeyMap:
    """Rules from the names of `source` to ours."""

    source: str
    rules: tuple[Rule, ...] = (("*", "*"),)

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str | None]]:
        return [(re.compile(_pattern(theirs)), ours) for theirs, ours in self.rules]

    def translate(self, key: str) -> str | None:
        """Our name of `key`, None if it is left out. Raises: CheckpointMismatch."""
        for pattern, ours in self._patterns:
            if match := pattern.fullmatch(key):
                return None if ours is None else _fill(ours, match.groupdict())
        raise CheckpointMismatch(
            f"no rule of the {self.source} key map matches the parameter {key!r}.",
            why="the checkpoint belongs to another network, or to another version of its library",
            mend="name the network that the checkpoint was made for, or the right key map (receptron, torchvision, timm)",
        )

    def __call__(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`state` under our names. Raises: CheckpointMismatch, also where two tensors would get one name."""
        found: dict[str, Tensor] = {}
        for key, tensor in state.items():
            if (ours := self.translate(key)) is None:
                continue
            if ours in found:
                raise CheckpointMismatch(
                    f"two parameters of the {self.source} checkpoint are {ours!r} of ours, the second {key!r}.",
                    why="one of them would be lost",
                    mend="save the weights of one network only",
                )
            found[ours] = tensor
        return found


OURS = KeyMap("receptron")


def conv_norm(conv: str, norm: str, ours: str) -> tuple[Rule, Rule]:
    """Rules for a convolution and its norm, which other libraries keep side by side and we keep in one block."""
    return (f"{conv}.*", f"{ours}.conv.*"), (f"{norm}.*", f"{ours}.norm.*")


def load(net: nn.Module, state: Mapping[str, Tensor], *, source: str = "receptron") -> None:
    """Copy `state`, in our names, into `net`; every name and shape must agree, every number be finite, and all faults are told at once.

    A linear layer may come as the convolution that it equals, and a gain as a plain vector: same first axis, same number of values.
    Raises: CheckpointMismatch, with nothing copied.
    """
    ours = net.state_dict()
    counters = {
        k for k in ours.keys() - state.keys() if k.endswith("num_batches_tracked")
    }  # absent in checkpoints older than PyTorch 0.4.1
    faults = [f"missing {k} {tuple(ours[k].shape)}" for k in ours.keys() - state.keys() - counters]
    faults += [f"unexpected {k} {tuple(state[k].shape)}" for k in state.keys() - ours.keys()]
    both = ours.keys() & state.keys()
    faults += [f"{k} is {tuple(state[k].shape)}, needed {tuple(ours[k].shape)}" for k in both if not _fits(state[k], ours[k])]
    faults += [f"{k} holds {state[k].dtype}" for k in both if not _keeps(state[k], ours[k])]
    faults += [f"{k} {odd}" for k in both if _keeps(state[k], ours[k]) and (odd := _oddity(k, state[k], ours[k].dtype))]
    if faults:
        shown = "; ".join(sorted(faults)[:8]) + (f"; and {len(faults) - 8} more" if len(faults) > 8 else "")
        what = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise CheckpointMismatch(
            f"the {source} checkpoint does not fit {getattr(net, 'name', '') or type(net).__name__}: {what}.",
            why=shown,
            mend="build the network with the checkpoint's own variant and number of classes, or give another file",
        )
    shaped = {k: state[k].reshape(ours[k].shape) for k in both}
    net.load_state_dict(shaped | {k: ours[k] for k in counters})


def _fits(theirs: Tensor, ours: Tensor) -> bool:
    """Whether both are the same numbers in the same order: equal, or one of them a matrix or vector of the other's rows."""
    if theirs.shape == ours.shape:
        return True
    flat = min(theirs.ndim, ours.ndim) in (1, 2) and theirs.ndim != ours.ndim  # a 1x7 filter is no 7x1 filter
    return flat and theirs.numel() == ours.numel() and theirs.shape[:1] == ours.shape[:1]


def _keeps(theirs: Tensor, ours: Tensor) -> bool:
    """Whether copying would lose nothing that has a meaning: no imaginary parts, and no whole numbers whose scale is elsewhere."""
    return not theirs.is_complex() and theirs.is_floating_point() >= ours.is_floating_point()


def _oddity(name: str, theirs: Tensor, kept: torch.dtype) -> str:
    """What no training that went well leaves behind in a tensor of this name, or nothing; `kept` is the kind of numbers it will be."""
    if not theirs.is_floating_point():
        return ""
    values = theirs.to(kept if kept.is_floating_point else torch.float32)
    if odd := int((~torch.isfinite(values)).sum()):
        return f"has {odd:,} of {values.numel():,} values that are no finite number"
    return "has a variance below zero" if name.endswith("running_var") and bool((values < 0).any()) else ""


def _pattern(template: str) -> str:
    pattern = re.escape(template).replace(r"\*", "(?P<rest>.+)")
    seen: set[str] = set()

    def number(match: re.Match[str]) -> str:
        name = match[1]
        again = name in seen
        seen.add(name)
        return f"(?P={name})" if again else rf"(?P<{name}>\d+)"

    return re.sub(r"\\\{(\w+)\\\}", number, pattern)


def _fill(template: str, found: dict[str, str]) -> str:
    def number(match: re.Match[str]) -> str:
        return str(int(found[match[1]]) + int(match[2] or 0))

    return re.sub(r"\{(\w+)([+-]\d+)?\}", number, template).replace("*", found.get("rest", ""))
