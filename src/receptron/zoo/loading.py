"""Published weights into a network of the zoo."""

from pathlib import Path

from receptron.blocks.classifier import Classifier
from receptron.errors import CheckpointMismatch
from receptron.weights.keymap import load
from receptron.weights.pretrained import Pretrained
from receptron.weights.sidecar import Sidecar
from receptron.weights.source import resolve
from receptron.zoo.adapt import FITS, State
from receptron.zoo.keys.table import key_map


def resolved(name: str, pretrained: str | Path | Pretrained) -> Pretrained:
    """The weights that `pretrained` names for the net `name`. Raises: WeightsUnavailable, UnsafeCheckpoint, UnknownName, BadValue."""
    return pretrained if isinstance(pretrained, Pretrained) else resolve(pretrained, Sidecar(net=name))


def load_pretrained(net: Classifier, weights: Pretrained) -> None:
    """Copy weights into `net`, fitted to its channels, classes and size, in place. Raises: CheckpointMismatch, UnsafeCheckpoint."""
    if weights.net != net.name:
        raise CheckpointMismatch(
            f"{weights.reference} holds weights of {weights.net}, not of {net.name}.",
            mend=f"build {weights.net}, or give weights of {net.name}",
        )
    state: State = key_map(net.name, weights.keys)(weights.state())
    for fit in FITS:
        state = fit(net, state)
    load(net, state, source=weights.keys)
