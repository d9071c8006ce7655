"""Four practice problems: parts that are graded, points that are ticked, hints, solution and rubric."""

from dataclasses import dataclass

from receptron.arithmetic import Conv, Pool, chain_sizes, macs, parameters, separable
from receptron.arithmetic.derivation import Derivation, whole
from receptron.errors import BadValue, UnknownName
from receptron.tutor.figures.figures import learnt, net_parameters, saving, trained_head
from receptron.tutor.problem import Expected, Mistake, Task
from receptron.tutor.question_bank.question import Point, point

VERDICTS = ("Strong Hire", "Lean Hire", "No Hire")


@dataclass(frozen=True)
class Rubric:
    """What each verdict needs: numbers from 1 of parts answered rightly and of points made. Less than `lean` is No Hire."""

    strong: tuple[tuple[int, ...], tuple[int, ...]]
    lean: tuple[tuple[int, ...], tuple[int, ...]]
    words: tuple[str, str, str]


@dataclass(frozen=True)
class PracticeProblem:
    """One problem; `minutes` is the time that the last checkpoint allows."""

    name: str
    skill: str
    title: str
    text: str
    hints: tuple[str, str]
    parts: tuple[Task, ...]
    points: tuple[Point, ...]
    rubric: Rubric
    minutes: int = 10

    @property
    def solution(self) -> str:
        """All working, then all points."""
        worked = [f"{part.text}\n{part.worked}" for part in self.parts]
        return "\n\n".join([*worked, "\n".join(f"- {each.told()}" for each in self.points)])


@dataclass(frozen=True)
class RubricVerdict:
    """A verdict by the rubric, its words, and the evidence for it."""

    verdict: str
    words: str
    evidence: tuple[str, ...]


def judge(problem: PracticeProblem, right: tuple[int, ...], made: tuple[int, ...]) -> RubricVerdict:
    """Verdict from the numbers of the parts that were right and the points that were made. Raises: BadValue."""
    for what, numbers, count in (("part", right, len(problem.parts)), ("point", made, len(problem.points))):
        if any(number not in range(1, count + 1) for number in numbers):
            raise BadValue(f"{problem.name} has {count} {what}s.", mend=f"give numbers from 1 to {count}")
    rubric = problem.rubric
    reached = 0 if _meets(rubric.strong, right, made) else 1 if _meets(rubric.lean, right, made) else 2
    evidence = [_line(number in right, part.text.splitlines()[0]) for number, part in enumerate(problem.parts, 1)]
    evidence += [_line(number in made, each.told()) for number, each in enumerate(problem.points, 1)]
    return RubricVerdict(VERDICTS[reached], rubric.words[reached], tuple(evidence))


def _meets(needs: tuple[tuple[int, ...], tuple[int, ...]], right: tuple[int, ...], made: tuple[int, ...]) -> bool:
    return set(needs[0]) <= set(right) and set(needs[1]) <= set(made)


def _line(there: bool, text: str) -> str:
    return f"{'yes' if there else 'no '}  {text}"


FIRST, SECOND, THIRD = Conv(7, 2, 3, c_in=3, c_out=64), Conv(3, 1, 1, c_in=64, c_out=128), Conv(3, 2, 1, c_in=128, c_out=128)
CHAIN = FIRST, Pool(3, 2, 1, channels=64), SECOND, THIRD
SIDE = 56
STANDARD = Conv(3, 1, 1, c_in=256, c_out=512, bias=False)
DEPTHWISE = Conv(3, 1, 1, c_in=256, c_out=256, groups=256, bias=False)
POINTWISE = Conv(1, c_in=256, c_out=512, bias=False)


def _sizes() -> Task:
    derivation = chain_sizes(CHAIN, 224)
    right = derivation.value if isinstance(derivation.value, tuple) else (derivation.value,)
    expected = Expected(right, "px", ("layer 1", "layer 2", "layer 3", "layer 4"))
    forgotten = (111, 55, 55, 27)
    made = (Mistake("the + 1 forgotten in the layers with stride 2", forgotten, "The window at place 0 counts too."),)
    return Task("Side of the map after each layer (four numbers).", CHAIN, expected, ("", ""), (derivation,), made)


def _count(layer: Conv, number: int) -> Task:
    derivation = parameters(layer)
    text = f"Parameters of convolution {number}, bias included."
    made = (Mistake("bias forgotten", (whole(derivation) - layer.c_out,), f"There are {layer.c_out} biases."),)
    return Task(text, layer, Expected((whole(derivation),), "parameters", (), 0.01), ("", ""), (derivation,), made)


def _work(text: str, *layers: Conv) -> Task:
    derivations: tuple[Derivation, ...] = tuple(macs(layer, SIDE) for layer in layers)
    right = sum(map(whole, derivations))
    because = f"together: {right:,}" if len(layers) > 1 else ""
    return Task(text, layers, Expected((right,), "MACs", (), 0.01, True), ("", ""), derivations, because=because)


def _speedup() -> Task:
    derivation = separable(256, 512, 3, SIDE)
    value = derivation.value if isinstance(derivation.value, int | float) else derivation.value[0]
    upside = Mistake("the ratio upside down", (value,), "That is the share left.")
    return Task("How many times fewer?", (256, 512), Expected((1 / value,), "times", (), 0.01), ("", ""), (derivation,), (upside,))


IDENTITY = "He et al. 2016, Identity Mappings in Deep Residual Networks, arXiv:1603.05027, section 2"

PROBLEMS: dict[str, PracticeProblem] = {
    problem.name: problem
    for problem in (
        PracticeProblem(
            "output-sizes",
            "output-size",
            "Output sizes",
            "A 224x224x3 image goes through a 7x7 convolution with 64 filters (stride 2, padding 3), a 3x3 max "
            "pooling (stride 2, padding 1), "
            "a 3x3 convolution with 128 filters (stride 1, padding 1) and another with 128 filters (stride 2, padding 1). "
            "Give the size after each layer and the parameters of the convolutions.",
            (
                "One layer at a time, each with the floor.",
                "What stride 2 leaves is half, rounded up, if the padding is right. Then count filters.",
            ),
            (_sizes(), _count(FIRST, 1), _count(SECOND, 2), _count(THIRD, 3)),
            (
                point(
                    "7x7 with stride 2 followed by a 3x3 pooling is the stem of ResNet, which has {} weights there and no bias.",
                    learnt(Conv(7, 2, 3, c_in=3, c_out=64, bias=False)),
                ),
                point("Pooling has no parameters and keeps the channels: {}.", lambda: "0"),
            ),
            Rubric(
                ((1, 2, 3, 4), (1,)),
                ((1,), ()),
                (
                    "all sizes and counts right, and the stem recognised",
                    "sizes right, the counts or the stem not yet",
                    "a size is wrong: the floor, the padding or the + 1",
                ),
            ),
        ),
        PracticeProblem(
            "residual-gradient",
            "skip-connections",
            "The gradient through residual blocks",
            "Show what shortcuts do to the gradient: for N residual blocks, that the gradient from the last to "
            "the first has a term of magnitude 1.",
            ("Write one block's output and differentiate it.", "Every factor is a sum of two; what does a product of such sums hold?"),
            (),
            (
                point("One block: x_{{n+1}} = x_n + F_n(x_n), so its derivative is I + J_n.", source=IDENTITY),
                point("The chain rule makes it the product of all (I + J_n).", source=IDENTITY),
                point("Multiplied out, one term is I: dL/dx_N reaches x_0 unchanged, whatever the depth.", source=IDENTITY),
                point("Without shortcuts only the product of the J_n is left: slope 0.5 over 50 blocks is {}.", lambda: f"{0.5**50:.0e}"),
                point("There are 2^N paths; for 16 blocks {}.", lambda: f"{2**16:,}", source="Veit et al. 2016, arXiv:1605.06431"),
                point(
                    "The sum may still vanish (J = -I gives {}), and a ReLU or a projection on the path is no identity.",
                    lambda: str((1 - 1) ** 4),
                    source=IDENTITY,
                ),
            ),
            Rubric(
                ((), (1, 2, 3, 4, 5)),
                ((), (1, 2)),
                (
                    "the whole derivation with the term I, the contrast without shortcuts, and the paths",
                    "I + J for one block, and the idea for many",
                    "'helps the gradient flow' without an argument",
                ),
            ),
        ),
        PracticeProblem(
            "separable-cost",
            "separable",
            "Depthwise separable convolution",
            "A 56x56x256 map goes through a 3x3 convolution to 512 channels (stride 1, padding 1, no bias). "
            "Compare its multiply-accumulates with those of a depthwise separable convolution.",
            (
                "The standard one sums over taps and channels at once; the other in two steps.",
                "Depthwise has one filter per channel, pointwise has one tap.",
            ),
            (
                _work("Multiply-accumulates of the standard convolution.", STANDARD),
                _work("Multiply-accumulates of depthwise and pointwise together.", DEPTHWISE, POINTWISE),
                _speedup(),
            ),
            (
                point("In general 1/C_out + 1/K² is left: at 512 channels {} times fewer, never more than 9 for 3x3.", saving(512)),
                point(
                    "The clock gains less: the depthwise step reads much and computes little.",
                    source="Ma et al. 2018, ShuffleNet V2, arXiv:1807.11164, section 2",
                ),
                point("Multiply-accumulates are not FLOPs; of those there are twice as many.", source="receptron.arithmetic.cost"),
            ),
            Rubric(
                ((1, 2, 3), (1, 2)),
                ((1, 2), ()),
                (
                    "both costs, the factor, the general ratio and what the clock makes of it",
                    "both costs right and the saving seen",
                    "the cost not set up, or the two steps confused",
                ),
            ),
        ),
        PracticeProblem(
            "x-ray-transfer",
            "transfer",
            "A transfer strategy",
            "You have 2,000 labelled X-rays of 4 diseases and a ResNet-50 pretrained on ImageNet. Design the "
            "transfer and justify each step.",
            (
                "Few images, another domain, but shared edges and textures.",
                "A new head first, then from the end backwards; what of colours and splits?",
            ),
            (),
            (
                point("New head of 4 classes: {} parameters on a frozen backbone, trained alone at first.", trained_head("resnet50", 4)),
                point(
                    "Then the last stage with a rate about ten times below the head's; all layers only if validation still gains.",
                    source="Howard and Ruder 2018, arXiv:1801.06146, section 3",
                ),
                point(
                    "Augment with changes that keep the diagnosis: small rotations, crops, brightness; no mirrored hearts, no colours.",
                    source="lesson flip-x-ray of this program",
                ),
                point(
                    "Grey pictures: copy to three channels, or sum the first layer's weights over them; normalise as in pretraining.",
                    source="receptron.zoo.adapt.spread_channels",
                ),
                point(
                    "Split by patient and cross-validate: 2,000 images are few, and two of one patient are one.",
                    source="Kapoor and Narayanan 2023, Patterns 4(9)",
                ),
                point(
                    "Try a smaller net: ResNet-18 has {} parameters, ResNet-50 {}.", net_parameters("resnet18"), net_parameters("resnet50")
                ),
            ),
            Rubric(
                ((), (1, 2, 3, 4, 5, 6)),
                ((), (1, 3)),
                (
                    "phases with falling rates, fitting augmentation, grey input, cross-validation and a smaller net considered",
                    "frozen first, then fine-tuned, with augmentation",
                    "from scratch on 2,000 images, or one rate for all",
                ),
            ),
        ),
    )
}


def find(name: str) -> PracticeProblem:
    """The problem called `name`. Raises: UnknownName."""
    if name not in PROBLEMS:
        raise UnknownName("practice problem", name, PROBLEMS)
    return PROBLEMS[name]
