"""Transfer learning: which strategy for which data, and what is trained when the backbone is frozen."""

from dataclasses import dataclass
from random import Random

from receptron.arithmetic import Linear, parameters
from receptron.arithmetic.derivation import whole
from receptron.tutor.problem import Expected, Mistake, Task, Template, Wrong, mistakes

SKILL = "transfer"
STRATEGIES = {
    "probe": "freeze the whole backbone and train a linear head on its features",
    "stages": "train the head first, then unfreeze the last stages with a rate well below the head's",
    "all": "train the head first, then fine-tune all layers, the early ones with the smallest rates",
    "scratch": "train all layers from random weights",
}
REASONS = {
    "probe": "With so few images every weight that is free to move will memorise; the features already fit the domain.",
    "stages": "Early features carry over, late ones belong to the old domain; there are images enough to move the late ones only.",
    "all": "There are images enough to move every layer, and starting from learnt features still beats starting from chance.",
}
SOURCE = "Yosinski et al. 2014, How transferable are features in deep neural networks?, arXiv:1411.1792, sections 4.1 and 4.2"
FEW, MANY = 300, 20_000
"""Labelled images below which only a head is trained, and from which all layers are."""
DOMAINS = {
    "near": ("photos of dog breeds", "photos of fruit on a conveyor", "photos of household waste", "street photos of shop fronts"),
    "far": ("chest X-rays", "satellite images with near infrared", "electron micrographs of steel", "spectrograms of bird song"),
}


@dataclass(frozen=True)
class TransferCase:
    """Labelled images and how far their domain lies from the photos of the pretraining."""

    images: int
    domain: str


def strategy(case: TransferCase) -> str:
    """The strategy for a case: few images train a head; a far domain with more of them moves late stages; many move all."""
    if case.images >= MANY:
        return "all"
    if case.images < FEW:
        return "probe"
    return "stages" if case.domain == "far" or case.images >= 2_000 else "probe"


def choose(random: Random, difficulty: int) -> Task:
    """The strategy for a case."""
    domain = random.choice(("near", "far"))
    clear = {1: (60, 120, 40_000, 200_000), 2: (100, 5_000, 8_000, 60_000), 3: (150, 600, 1_500, 3_000, 10_000, 30_000)}
    case = TransferCase(random.choice(clear[difficulty]), domain)
    options = tuple(random.sample(sorted(STRATEGIES), len(STRATEGIES)))
    right = strategy(case)
    text = (
        f"You have {case.images:,} labelled images in all: {random.choice(DOMAINS[domain])}. A ResNet-50 "
        "pretrained on ImageNet is at hand. "
        "Where do you start?\n" + "\n".join(f"  {n} {STRATEGIES[name]}" for n, name in enumerate(options, 1))
    )
    hints = (
        "Two questions: how many images, and how far is their domain from ImageNet's photos?",
        f"Fewer than {FEW} images: move as little as can be. From {MANY:,} on: move everything.",
    )
    because = f"  {REASONS[right]}\n  source: {SOURCE}"
    expected = Expected((options.index(right) + 1,), options=tuple(STRATEGIES[name] for name in options))
    made = tuple(_misjudged(case, name, number) for number, name in enumerate(options, 1) if name != right)
    return Task(text, case, expected, hints, (), made, because)


def _misjudged(case: TransferCase, name: str, number: int) -> Mistake:
    """Why another strategy than the right one does not fit."""
    order = list(STRATEGIES)
    if name == "scratch":
        return Mistake(
            "the pretrained features thrown away", (number,), f"{case.images:,} images cannot teach again what 1.28 million taught."
        )
    if order.index(name) > order.index(strategy(case)):
        return Mistake("too much set free", (number,), f"{case.images:,} images are too few to steer the weights that this would move.")
    return Mistake(
        "too little set free", (number,), f"{case.images:,} images can move more than that, and the features would stay strangers to them."
    )


@dataclass(frozen=True)
class FrozenNet:
    """A net of the zoo with its backbone frozen and a new linear head; `hidden` is the width of a layer before it, 0 for none."""

    net: str
    features: int
    classes: int
    hidden: int
    backbone: int

    @property
    def layers(self) -> tuple[Linear, ...]:
        """The layers that are trained."""
        if self.hidden:
            return Linear(self.features, self.hidden), Linear(self.hidden, self.classes)
        return (Linear(self.features, self.classes),)

    @property
    def learnt(self) -> int:
        """Trainable parameters."""
        return sum(whole(parameters(layer)) for layer in self.layers)


WRONGS = (
    Wrong[FrozenNet](
        "bias forgotten",
        lambda g: sum(layer.c_in * layer.c_out for layer in g.layers),
        lambda g: "Each output of a linear layer has a bias.",
    ),
    Wrong[FrozenNet](
        "the old head's 1,000 classes kept",
        lambda g: whole(parameters(Linear(g.layers[-1].c_in, 1000))) + sum(whole(parameters(layer)) for layer in g.layers[:-1]),
        lambda g: f"The new head has {g.classes} classes.",
    ),
    Wrong[FrozenNet](
        "the frozen backbone counted",
        lambda g: g.backbone + g.learnt,
        lambda g: f"The backbone's {g.backbone:,} parameters stay as they are.",
    ),
)
NETS = {
    1: ("resnet18", "resnet50"),
    2: ("resnet18", "resnet50", "mobilenet_v2", "densenet121"),
    3: ("resnet34", "efficientnet_b0", "convnext_tiny", "resnet50"),
}


def frozen(random: Random, difficulty: int) -> Task:
    """Trainable parameters with a frozen backbone."""
    from receptron.tutor.figures.zoo_facts import features, without_head

    net = random.choice(NETS[difficulty])
    given = FrozenNet(
        net, features(net), random.randint(2, 40), random.choice((128, 256, 512)) if difficulty == 3 else 0, without_head(net)
    )
    layers = f"A hidden layer of {given.hidden} and a linear layer" if given.hidden else "A linear layer"
    text = (
        f"The backbone of {net} is frozen; it gives {given.features} features after pooling. {layers} for {given.classes} classes "
        f"{'are' if given.hidden else 'is'} put on it (with bias). How many parameters are trained?"
    )
    derivations = tuple(parameters(layer) for layer in given.layers)
    right = (given.learnt,)
    hints = ("What receives a gradient step?", "inputs × outputs + outputs, for each layer that is new.")
    expected = Expected(right, "parameters", tolerance=0.01)
    return Task(text, given, expected, hints, derivations, mistakes(WRONGS, given, right))


TEMPLATES = (
    Template("transfer.strategy", SKILL, "a strategy for the data at hand", choose),
    Template("transfer.frozen", SKILL, "what a frozen backbone leaves to train", frozen),
)
