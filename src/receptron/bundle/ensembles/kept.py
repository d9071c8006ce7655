"""How a model directory keeps an ensemble: a part of its card, and every tensor once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import Tensor

from receptron.blocks.classifier import Classifier
from receptron.bundle.ensembles.ensemble import parts
from receptron.evaluation.records import Count, Note

MEMBER = "members"


@dataclass(frozen=True)
class EnsembleCard:
    """What a model directory says of the networks that answer together."""

    kind: Note  # "folds" or "seeds:K"
    members: Annotated[int, Meta(ge=2, le=64)]
    shared: Annotated[int, Meta(ge=0, le=10_000)]  # leading parts before the class layer that all of them have in common
    inner: Annotated[float, Meta(ge=0.01, le=100)]  # temperature at which each one's probabilities go into the mean
    macs_of_one: Count | None  # None where its code does not run without numbers
    caveat: Note  # on what confidence and sets rest

    @property
    def words(self) -> str:
        """How many they are, and how they answer."""
        return f"{self.members} networks ({self.kind}) answer by the mean of their probabilities"

    def work_words(self, macs: int | None) -> str:
        """By how much they work more than one, if that is known; `macs` are those of all together."""
        return f"; {macs / self.macs_of_one:.2f} times the work of one" if macs and self.macs_of_one else ""


def parts_of(net: Classifier) -> int:
    """How many parts may be shared."""
    return len(parts(net))


def state_of(nets: Sequence[Classifier], shared: int) -> dict[str, Tensor]:
    """One flat dict: the first network's tensors by their names, of the others what they do not share, by names with a number."""
    found = dict(nets[0].state_dict())
    for number, net in enumerate(nets[1:], 1):
        state = net.state_dict()
        found |= {f"{MEMBER}.{number}.{name}": state[name] for name in own_names(net, shared)}
    return found


def state_of_member(state: Mapping[str, Tensor], net: Classifier, number: int, shared: int) -> dict[str, Tensor]:
    """The whole state of one network out of the flat dict."""
    own = {name: state[f"{MEMBER}.{number}.{name}"] for name in own_names(net, shared)} if number else {}
    return {name: own.get(name, state[name]) for name in net.state_dict()}


def own_names(net: Classifier, shared: int) -> list[str]:
    """Names of the tensors that are not in the leading parts."""
    common = tuple(f"{place}." for place in list(parts(net))[:shared])
    return [name for name in net.state_dict() if not name.startswith(common)]
