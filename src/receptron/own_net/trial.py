"""A user's network tried before images are read: what would break, or answer wrongly without a word, is refused with its cure."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from receptron.errors import BadValue, ForwardFault
from receptron.own_net.own_network import CLASSES, SAMPLE, OwnNet, outputs_fault
from receptron.own_net.users_code import fenced

_CLOSE = 1e-3  # of the largest score: sums in another order differ by less
USUAL_SIDES = (224, 32, 28, 64, 96, 128, 227, 299, 48, 256)  # px, asked for a size at which a network runs


@dataclass(frozen=True)
class Tried:
    """How a network may be used."""

    bfloat16: bool  # whether its code bears numbers of fewer bits


def try_out(own: OwnNet, classes: int, channels: int, pixels: int) -> Tried:
    """Build it, let it answer, learn and be copied. Raises: BadValue, ForwardFault with the line of the user's file."""
    torch.manual_seed(0)
    net = own.fresh(classes, channels)
    if not any(parameter.requires_grad for parameter in net.parameters()):
        raise BadValue(f"{own.place} has nothing to learn.", why="it has no parameter that requires a gradient", mend="give it layers")
    _check_state(net, own.place)
    net = _copied(net, own, "")
    images = torch.randn(SAMPLE, channels, pixels, pixels, generator=torch.Generator().manual_seed(0))
    _check_answers(net.eval(), images, own, classes)
    _check_learns(net, images, own, classes)
    net = _copied(net, own, " after it has learnt a step")
    _check_alone(net.eval(), images, own)
    _check_kept(net, own.fresh(classes, channels), images, own)
    return Tried(_bears_bfloat16(net, images, own))


def side_that_runs(own: OwnNet, classes: int, channels: int) -> int | None:
    """A usual size at which a network runs that refused the images' own."""
    for pixels in USUAL_SIDES:
        try:
            with torch.no_grad(), fenced(own.place, own.root):
                answer: object = own.fresh(classes, channels).eval()(torch.zeros(1, channels, pixels, pixels))
        except Exception:  # a stranger's code may raise anything
            continue
        if isinstance(answer, Tensor) and answer.dim() == 2:
            return pixels
    return None


def _answer(net: nn.Module, images: Tensor, own: OwnNet) -> object:
    with fenced(f"{own.place}, fed with {tuple(images.shape)},", own.root):
        return net(images)


def _scores(net: nn.Module, images: Tensor, own: OwnNet) -> Tensor:
    with torch.no_grad():
        answer = _answer(net, images, own)
    return answer if isinstance(answer, Tensor) else torch.zeros(0)


def _check_state(net: nn.Module, place: str) -> None:
    odd = [name for name, value in net.state_dict().items() if not isinstance(value, Tensor)]
    if odd:
        raise BadValue(
            f"{place} keeps {odd[0]} in its state, which is no tensor.",
            why="a model directory holds plain tensors only, so it would be lost",
            mend="keep it as a buffer (register_buffer), or compute it in __init__",
        )
    bare = [name for name, value in net.named_parameters() if isinstance(value, nn.parameter.UninitializedParameter)]
    if bare:
        raise BadValue(f"{place} has a lazy layer: {bare[0]} has no shape yet.", mend="give layers their sizes: Linear, not LazyLinear")


def _copied(net: nn.Module, own: OwnNet, when: str) -> nn.Module:
    mend = "keep no open files, generators or results of forward on self"
    with fenced(f"copying {own.place}{when} (copy.deepcopy)", own.root, mend):
        return copy.deepcopy(net)


def _check_answers(net: nn.Module, images: Tensor, own: OwnNet, classes: int) -> None:
    given, before = images.clone(), {name: value.clone() for name, value in net.state_dict().items()}
    with torch.no_grad():
        answer = _answer(net, images, own)
    _check_shape(answer, own, classes, "")
    scores = _scores(net, given.clone(), own)
    if not torch.equal(images, given):
        raise BadValue(
            f"{own.place} changes the images that it is given.",
            why="its first step works in place, and the next one would see other pixels",
            mend="use inplace=False on the first layer, and x = x + y rather than x += y",
        )
    if not bool(torch.isfinite(scores).all()):
        raise BadValue(f"{own.place} gives NaN or infinity before it has learnt anything.", mend="look at its start weights and divisions")
    changed = [name for name, value in net.state_dict().items() if not torch.equal(value, before[name])]
    if changed:
        raise BadValue(
            f"{own.place} changes {changed[0]} while it answers, in eval mode.",
            why="no two answers to one image would be alike",
            mend="change it only where self.training",
        )
    if not torch.allclose(_scores(net, given, own), scores, atol=_tolerance(scores)):
        raise BadValue(
            f"{own.place} answers one image in two ways, in eval mode.",
            why="something in it is drawn by chance, such as F.dropout, which drops always unless it is told not to",
            mend="F.dropout(x, p, self.training), or nn.Dropout",
        )


def _check_shape(answer: object, own: OwnNet, classes: int, when: str) -> None:
    fault = outputs_fault(answer, SAMPLE, classes)
    if not fault:
        return
    if not isinstance(answer, Tensor):
        mend = "return the class scores alone, in training and in eval"
    elif answer.dim() == 2 and not own.sized:
        mend = f"let it take the number of classes, as {CLASSES[1]} or {CLASSES[0]}, or have {classes} outputs (by --args, say)"
    else:
        mend = "return one score for each class, (N, classes)"
    raise BadValue(f"{own.place} does not classify these images{when}.", why=fault, mend=mend)


def _check_learns(net: nn.Module, images: Tensor, own: OwnNet, classes: int) -> None:
    net.train()
    answer = _answer(net, images.clone(), own)
    _check_shape(answer, own, classes, " in training mode")
    mend = "x = x + y rather than x += y, and no .data, .detach() or .item() on the way"
    with fenced(f"a step of learning with {own.place}", own.root, mend):
        loss = nn.functional.cross_entropy(answer, torch.arange(SAMPLE) % classes)  # pyright: ignore[reportArgumentType]
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
    if not any(p.grad is not None and bool(p.grad.any()) for p in net.parameters()):
        raise ForwardFault(f"{own.place} would learn nothing: no parameter gets a gradient.", mend=mend)
    for parameter in net.parameters():
        parameter.grad = None


def _check_alone(net: nn.Module, images: Tensor, own: OwnNet) -> None:
    together = _scores(net, images, own)
    alone = torch.cat([_scores(net, images[i : i + 1].clone(), own) for i in range(len(images))])
    if together.shape != alone.shape or not torch.allclose(together, alone, atol=_tolerance(together)):
        raise BadValue(
            f"{own.place} answers an image otherwise where others stand beside it.",
            why="in eval mode something in it is computed over the batch, such as BatchNorm without running statistics",
            mend="track_running_stats=True, or a norm over each image alone",
        )


def _check_kept(net: nn.Module, fresh: nn.Module, images: Tensor, own: OwnNet) -> None:
    """What is saved is the state_dict: another network of the class with that state must answer alike."""
    state: Mapping[str, Tensor] = net.state_dict()
    with fenced(f"loading a state_dict into {own.place}", own.root):
        fresh.load_state_dict(state)
    said, again = _scores(net.eval(), images, own), _scores(fresh.eval(), images, own)
    if not torch.allclose(said, again, atol=_tolerance(said)):
        raise BadValue(
            f"{own.place} answers otherwise after its state_dict was saved and loaded.",
            why="something that it computes with is no part of the state_dict: a tensor drawn in __init__, or layers in a plain list",
            mend="self.register_buffer(name, tensor), nn.Parameter, nn.ModuleList",
        )


def _bears_bfloat16(net: nn.Module, images: Tensor, own: OwnNet) -> bool:
    try:
        with torch.no_grad(), fenced(own.place, own.root):
            with torch.autocast("cpu", torch.bfloat16):
                net(images)
            copy.deepcopy(net).to(torch.bfloat16)(images.bfloat16())
    except Exception:  # a stranger's code may raise anything
        return False
    return True


def _tolerance(scores: Tensor) -> float:
    return _CLOSE * max(1e-3, float(scores.abs().max()) if scores.numel() else 0.0)
