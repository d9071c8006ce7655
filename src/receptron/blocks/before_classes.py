"""What comes between a network's features and its class layer while it learns: a hidden layer, and dropout."""

from torch import nn

from receptron.blocks.class_layers import width_of
from receptron.errors import BadValue

HIDDEN, ACT, DROP = "hidden", "hidden_act", "hidden_drop"  # names in the head, before `fc`


def hidden_layers(width: int, units: int, dropout: float) -> dict[str, nn.Module]:
    """(N, width) -> (N, units): what goes before a class layer, by name."""
    return {HIDDEN: nn.Linear(width, units), ACT: nn.ReLU(), DROP: nn.Dropout(dropout)}


def add_hidden(net: nn.Module, units: int, dropout: float = 0.0) -> None:
    """Put a hidden layer of `units` with dropout before `head.fc`, in place; the class layer is made afresh for it.

    What `embed` gives is then the hidden layer's answer, as it is what the class layer sees. Raises: BadValue for a head without one.
    """
    head = _head(net)
    last = head.get_submodule("fc")
    if not isinstance(last, nn.Linear):
        raise BadValue(
            f"--head hidden:{units} does not fit this network.", why="its class layer is no linear one", mend="use --head linear"
        )
    made = hidden_layers(width_of(last), units, dropout) | {"fc": nn.Linear(units, last.out_features)}
    for layer in made.values():
        layer.to(last.weight.device, last.weight.dtype).train(net.training)
    _insert(head, made)


def set_dropout(net: nn.Module, rate: float) -> None:
    """Leave out so large a share of what `head.fc` sees while training, in place. Raises: BadValue for a head without an order."""
    head = _head(net)
    names = list(dict(head.named_children()))
    before = head.get_submodule(names[names.index("fc") - 1]) if names.index("fc") else None
    if isinstance(before, nn.Dropout):
        before.p = rate
    else:
        _insert(head, {"class_drop": nn.Dropout(rate).train(net.training), "fc": head.get_submodule("fc")})


def _insert(head: nn.Sequential, made: dict[str, nn.Module]) -> None:
    """Put `made`, whose last is a class layer, in the place of the class layer that is there."""
    parts = list(head.named_children())
    for name, _ in parts:
        delattr(head, name)
    for name, part in parts:
        for new, layer in made.items() if name == "fc" else ((name, part),):
            head.add_module(new, layer)


def _head(net: nn.Module) -> nn.Sequential:
    """Raises: BadValue."""
    head = getattr(net, "head", None)
    if not isinstance(head, nn.Sequential) or "fc" not in dict(head.named_children()):
        raise BadValue("this network's head has no place for --head hidden or --dropout.", mend="leave them out, or use another net")
    return head


def head_of(net: nn.Module) -> str:
    """What comes before the class layer: "linear", or "hidden:256" for a layer of so many units."""
    found = dict(_head(net).named_children()).get(HIDDEN) if isinstance(getattr(net, "head", None), nn.Sequential) else None
    return f"hidden:{found.out_features}" if isinstance(found, nn.Linear) else "linear"
