"""Architectures: their order, what each brought, their sizes. Everything is asked of the zoo."""

from dataclasses import dataclass
from random import Random

from receptron.arithmetic.derivation import Derivation, solve
from receptron.arithmetic.expression import symbols
from receptron.tutor.problem import Expected, Mistake, Task, Template, Wrong, mistakes

SKILL = "architectures"
A, B = symbols("a b")
SHOWN = {
    1: ("lenet", "alexnet", "vgg", "googlenet", "resnet", "mobilenet_v1", "efficientnet", "convnext"),
    2: (
        "lenet",
        "alexnet",
        "vgg",
        "googlenet",
        "resnet",
        "densenet",
        "xception",
        "mobilenet_v1",
        "senet",
        "mobilenet_v2",
        "efficientnet",
        "vit",
        "convnext",
    ),
    3: (
        "lenet",
        "alexnet",
        "vgg",
        "googlenet",
        "inception_v3",
        "resnet",
        "unet",
        "squeezenet",
        "densenet",
        "xception",
        "resnext",
        "mobilenet_v1",
        "senet",
        "deeplab",
        "mobilenet_v2",
        "cbam",
        "mobilenet_v3",
        "efficientnet",
        "vit",
        "efficientnet_v2",
        "convnext",
    ),
}
"""Papers, by their key in `zoo.papers`, that a difficulty asks about."""
PAIRS = {
    1: ("alexnet", "vgg16", "googlenet", "resnet50", "mobilenet_v1"),
    2: ("alexnet", "vgg16", "vgg19", "googlenet", "resnet18", "resnet50", "resnet152", "mobilenet_v1", "densenet121", "efficientnet_b0"),
    3: (
        "alexnet",
        "vgg16",
        "vgg19",
        "googlenet",
        "resnet18",
        "resnet50",
        "resnet152",
        "mobilenet_v1",
        "mobilenet_v2",
        "densenet121",
        "xception",
        "squeezenet1_0",
        "efficientnet_b0",
        "efficientnet_b7",
        "convnext_tiny",
        "convnext_base",
    ),
}


@dataclass(frozen=True)
class PaperList:
    """Papers as shown, by key."""

    papers: tuple[str, ...]


def order(random: Random, difficulty: int) -> Task:
    """Papers by year, no two of the same."""
    from receptron.zoo.papers import PAPERS

    by_year: dict[int, list[str]] = {}
    for key in SHOWN[difficulty]:
        by_year.setdefault(PAPERS[key].year, []).append(key)
    years = random.sample(sorted(by_year), min(2 + difficulty, len(by_year)))
    shown = tuple(random.choice(by_year[year]) for year in years)
    options = tuple(f"{PAPERS[key].net} ({PAPERS[key].authors.split(',')[0].removesuffix(' et al.')})" for key in shown)
    right = tuple(shown.index(key) + 1 for key in sorted(shown, key=lambda key: PAPERS[key].year))
    text = "Put these nets in the order in which their papers appeared, oldest first:\n" + _numbered(options)
    hints = (
        "What problem did each take up, and which net had left it open?",
        "First came learnt filters, then size, then depth, then thrift.",
    )
    because = "\n".join(
        f"  {PAPERS[shown[i - 1]].year} {PAPERS[shown[i - 1]].net}: {PAPERS[shown[i - 1]].added}. {PAPERS[shown[i - 1]].title}"
        for i in right
    )
    newest = Mistake("newest first", tuple(reversed(right)), "Oldest first was asked for.")
    return Task(text, PaperList(shown), Expected(right, options=options), hints, (), (newest,), because)


def idea(random: Random, difficulty: int) -> Task:
    """Which idea a paper brought."""
    from receptron.zoo.papers import PAPERS

    shown = tuple(random.sample(SHOWN[difficulty], 2 + difficulty))
    asked = random.randrange(len(shown))
    paper = PAPERS[shown[asked]]
    options = tuple(PAPERS[key].added for key in shown)
    text = f"What did {paper.title!r} ({paper.year}) bring?\n" + _numbered(options)
    hints = (f"It took up this: {paper.why}.", "Strike out what belongs to nets that you know better.")
    because = "\n".join(f"  {PAPERS[key].net} ({PAPERS[key].year}, {PAPERS[key].where}): {PAPERS[key].added}" for key in shown)
    made = tuple(
        Mistake(f"taken for {PAPERS[key].net}", (i,), f"That is what {PAPERS[key].title!r} ({PAPERS[key].year}) brought.")
        for i, key in enumerate(shown, 1)
        if i != asked + 1
    )
    return Task(text, PaperList((shown[asked], *shown)), Expected((asked + 1,), options=options), hints, (), made, because)


@dataclass(frozen=True)
class NetPair:
    """Two nets of the zoo and their parameters or multiply-accumulates, the larger first."""

    larger: str
    smaller: str
    quantity: str
    counts: tuple[int, int]


WRONGS = (
    Wrong[NetPair](
        "the ratio upside down",
        lambda g: g.counts[1] / g.counts[0],
        lambda g: f"{g.larger} has more; asked was how many times as many.",
    ),
    Wrong[NetPair](
        "'times more' counted as the excess",
        lambda g: g.counts[0] / g.counts[1] - 1,
        lambda g: "Asked was the ratio, not the ratio less one.",
    ),
    Wrong[NetPair](
        "the difference in millions",
        lambda g: round((g.counts[0] - g.counts[1]) / 1e6),
        lambda g: "A ratio divides.",
    ),
)


def ratio(random: Random, difficulty: int) -> Task:
    """How many times the parameters or multiply-accumulates of another net; 10 % are granted, as the sizes are to be remembered."""
    from receptron.zoo.count import counts

    a, b = random.sample(PAIRS[difficulty], 2)
    quantity = random.choice(("parameters", "macs")) if difficulty > 1 else "parameters"
    known = {name: getattr(counts()[name], quantity) for name in (a, b)}
    larger, smaller = sorted(known, key=lambda name: known[name], reverse=True)
    given = NetPair(larger, smaller, quantity, (known[larger], known[smaller]))
    what = "parameters" if quantity == "parameters" else "multiply-accumulates at its usual image size"
    text = f"About how many times the {what} of {smaller} has {larger}?"
    step = solve("ratio", A / B, {"a": known[larger], "b": known[smaller]}, f"{larger} / {smaller}")
    hints = (
        "Recall both sizes in millions; where do the weights sit in each?",
        "Large fully connected layers cost parameters, large maps cost work.",
    )
    derivation = Derivation(f"{quantity} of {larger} over {smaller}", step.value, "", (step,), "counted by recording both nets of this zoo")
    right = (step.value,)
    return Task(text, given, Expected(right, "times", tolerance=0.1), hints, (derivation,), mistakes(WRONGS, given, right))


def _numbered(options: tuple[str, ...]) -> str:
    return "\n".join(f"  {number} {option}" for number, option in enumerate(options, 1))


TEMPLATES = (
    Template("architecture.order", SKILL, "architectures in order", order),
    Template("architecture.idea", SKILL, "what each architecture brought", idea),
    Template("architecture.ratio", SKILL, "sizes of architectures", ratio),
)
