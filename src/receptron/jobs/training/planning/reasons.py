"""What the images are, and why the training starts where it does."""

from dataclasses import dataclass
from statistics import median

from receptron.analysis.cost import cost
from receptron.jobs.training.backbones.at_hand import AUTO
from receptron.jobs.training.initial_weights import SMALL, InitialWeights
from receptron.jobs.training.sided_images import SidedImages
from receptron.training.plan_record import ImagesSeen, PlannedStart
from receptron.weights.carried import carried


@dataclass(frozen=True)
class Asked:
    """What the user said of network and weights."""

    net: str | None
    weights: bool


def images_seen(sided: SidedImages) -> ImagesSeen:
    """Sizes and colours of the readable images."""
    facts = [entry.facts for entry in sided.reading.good if entry.facts]
    sizes = sorted(((one.width, one.height) for one in facts), key=lambda size: (size[0] * size[1], size))
    middle = int(median(one.width for one in facts)), int(median(one.height for one in facts))
    return ImagesSeen(len(facts), sizes[0], middle, sizes[-1], sum(one.grey for one in facts))


def start_of(start: InitialWeights, classes: int, asked: Asked, sided: SidedImages) -> PlannedStart:
    """The network, its size, and why it."""
    net = start.make(classes).eval()
    needs = cost(net, (start.channels, start.spec.pixels, start.spec.pixels))
    why = _why(start, asked, sided)
    return PlannedStart(start.net, start.reference, start.spec.pixels, start.channels, needs.parameters, needs.macs, why)


def _why(start: InitialWeights, asked: Asked, sided: SidedImages) -> str:
    shorter = int(median(min(entry.facts.width, entry.facts.height) for entry in sided.reading.good if entry.facts))
    size = f"the shorter side is {shorter} px in the middle"
    if asked.net == AUTO:
        return "the best of the weights at hand, by the table above" if start.pretrained else f"{size}, and weights of photos want {SMALL}"
    if asked.weights or asked.net:
        return "it was asked for"
    if start.pretrained is None:
        return f"{size}, under the {SMALL} px from which weights of photos help"
    whence = "which the extra `photos` brought along" if carried() else "the default where no package carries weights"
    return f"{size}, {SMALL} or more, so it starts from weights of photos, {whence}"
