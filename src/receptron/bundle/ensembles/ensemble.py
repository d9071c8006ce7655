"""Several networks of one shape that answer together: the mean of their probabilities. What they have in common is run once."""

from collections.abc import Sequence
from math import log

import torch
from torch import Tensor, nn

from receptron.blocks.classifier import Classifier, as_vectors, checked


class Ensemble(nn.Module):
    """(N, C, H, W) -> (N, classes): scores whose softmax at `inner` is the mean over networks of theirs.

    The networks must be equal in their first `shared` parts, of stem, stages and head; the embedding is that of the first network.
    """

    def __init__(self, nets: Sequence[Classifier], shared: int, inner: float) -> None:
        super().__init__()
        self.nets, self.shared, self.inner = nn.ModuleList(nets), shared, inner
        self.name = nets[0].name
        for net in nets[1:]:
            for place, part in list(parts(nets[0]).items())[:shared]:
                net.set_submodule(place, part)

    @property
    def members(self) -> list[Classifier]:
        """The networks, the first of which is the one that would answer alone."""
        return [net for net in self.nets if isinstance(net, Classifier)]

    @property
    def embedding_width(self) -> int:
        """Length of the vectors that the class layer of the first sees."""
        return self.members[0].embedding_width

    def forward(self, x: Tensor) -> Tensor:
        return self.scores_and_embedding(x)[0]

    def scores_and_embedding(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (N, classes) of all together, and what the class layer of the first sees (N, width)."""
        first = self.members[0]
        x = checked(x, first.min_pixels, first.name)
        for part in list(parts(first).values())[: self.shared]:
            x = part(x)
        found = [_rest(net, x, self.shared) for net in self.members]
        return mean_scores([scores for scores, _ in found], self.inner), found[0][1]


def mean_scores(scores: Sequence[Tensor], inner: float) -> Tensor:
    """Scores whose softmax at temperature `inner` is the mean of that of these."""
    chances = torch.stack([torch.log_softmax(each.float() / inner, 1) for each in scores])
    return inner * (torch.logsumexp(chances, 0) - log(len(scores)))


def common_parts(nets: Sequence[Classifier]) -> int:
    """How many of the leading parts before the class layer are equal to the last bit in all networks."""
    states = [net.state_dict() for net in nets]
    count = 0
    for place in parts(nets[0]):
        names = [name for name in states[0] if name.startswith(f"{place}.")]
        if not all(torch.equal(states[0][name].cpu(), state[name].cpu()) for name in names for state in states[1:]):
            break
        count += 1
    return count


def parts(net: Classifier) -> dict[str, nn.Module]:
    """The parts before the class layer, in their order, by their places."""
    found: dict[str, nn.Module] = {"stem": net.stem}
    found |= {f"stages.{i}": stage for i, stage in enumerate(net.stages)}
    for name, part in net.head.named_children():
        if name == "fc":
            break
        found[f"head.{name}"] = part
    return found


def _rest(net: Classifier, x: Tensor, shared: int) -> tuple[Tensor, Tensor]:
    """Scores and embedding from what the shared parts made of an image."""
    for part in list(parts(net).values())[shared:]:
        x = part(x)
    embedding, named = as_vectors(x), dict(net.head.named_children())
    for name in list(named)[list(named).index("fc") :]:
        x = named[name](x)
    return x, embedding
