"""Skip connections: gradients through chains of blocks, paths through them, and the steps of the proof."""

import math
from dataclasses import dataclass
from random import Random

from receptron.arithmetic.derivation import Derivation, Step, solve
from receptron.arithmetic.expression import Number, product, symbols
from receptron.tutor.problem import Expected, Mistake, Task, Template, Wrong, mistakes

SKILL = "skip-connections"
N, F = symbols("N f")
RESNET = "He et al. 2016, Identity Mappings in Deep Residual Networks, arXiv:1603.05027, section 2, eq. 5"
VEIT = "Veit, Wilber and Belongie 2016, Residual Networks Behave Like Ensembles of Relatively Shallow Networks, arXiv:1605.06431, section 3"


@dataclass(frozen=True)
class ScalarBlocks:
    """Blocks on a scalar, each with residual branch of slope f: with or without the shortcut."""

    count: int
    slope: float
    skip: bool


CHAIN = (
    Wrong[ScalarBlocks](
        "shortcut forgotten",
        lambda g: g.slope**g.count if g.skip else None,
        lambda g: f"A block gives x + F(x): moving x by a little moves it by {1 + g.slope:g} times as much.",
    ),
    Wrong[ScalarBlocks](
        "a shortcut where there is none",
        lambda g: None if g.skip else (1 + g.slope) ** g.count,
        lambda g: f"These blocks give F(x) alone: each factor is {g.slope:g}.",
    ),
    Wrong[ScalarBlocks](
        "the identity path alone",
        lambda g: 1 if g.skip else None,
        lambda g: f"The product has 2^{g.count} terms when expanded; the identity's 1 is only one of them.",
    ),
    Wrong[ScalarBlocks](
        "slopes added along one path each",
        lambda g: 1 + g.count * g.slope if g.skip else g.count * g.slope,
        lambda g: "Slopes of layers that follow each other multiply; the sum is only the first order of the product.",
    ),
)


def chain(random: Random, difficulty: int) -> Task:
    """The gradient that reaches the first block."""
    slopes = {1: (0.1, 0.2, 0.5), 2: (0.01, 0.02, 0.05, -0.1, -0.2), 3: (-0.5, -0.9, -0.99, 0.03, 0.15)}[difficulty]
    given = ScalarBlocks(
        random.randint(2, 3) if difficulty == 1 else random.randint(5, 20 * difficulty - 20), random.choice(slopes), random.random() < 0.7
    )
    form = "y = F(x) + x" if given.skip else "y = F(x)"
    text = (
        f"{given.count} blocks on a single number follow each other, each {form} with F'(x) = {given.slope:g}. "
        "The gradient at the last output is 1. What is it at the first input?"
    )
    factor = 1 + F if given.skip else F
    step = solve("gradient", factor**N, {"f": given.slope, "N": given.count}, "each block multiplies by dy/dx")
    right = (step.value,)
    hints = ("What does one block do to the gradient that comes from behind?", "dL/dx = dL/dy × dy/dx, once per block.")
    derivation = Derivation("gradient at the first input", step.value, "", (step,), RESNET)
    return Task(text, given, Expected(right, tolerance=0.02), hints, (derivation,), mistakes(CHAIN, given, right))


@dataclass(frozen=True)
class Paths:
    """Residual blocks, and the branches that a path takes; None asks for all paths."""

    blocks: int
    branches: int | None


PATHS = (
    Wrong[Paths](
        "one path per block",
        lambda g: g.blocks,
        lambda g: "At each block a path may take the branch or the shortcut, independently of the others.",
    ),
    Wrong[Paths](
        "two paths per block, added",
        lambda g: 2 * g.blocks if g.branches is None else None,
        lambda g: "Choices of blocks that follow each other multiply.",
    ),
    Wrong[Paths](
        "the identity path left out",
        lambda g: 2**g.blocks - 1 if g.branches is None else None,
        lambda g: "The path along all shortcuts is a path too, and the one that the argument needs.",
    ),
    Wrong[Paths](
        "all paths counted",
        lambda g: None if g.branches is None else 2**g.blocks,
        lambda g: f"Only those through exactly {g.branches} branches were asked for.",
    ),
    Wrong[Paths](
        "order of the branches counted",
        lambda g: None if g.branches is None else math.perm(g.blocks, g.branches),
        lambda g: f"Which {g.branches} blocks matters, not in which order they are named.",
    ),
)


def paths(random: Random, difficulty: int) -> Task:
    """Paths through residual blocks."""
    blocks = random.randint(3 + difficulty, 6 + 3 * difficulty)
    given = Paths(blocks, None if difficulty == 1 else random.randint(2, min(difficulty + 1, blocks - 2)))
    asked = "in all" if given.branches is None else f"go through exactly {given.branches} residual branches"
    text = f"The product of {blocks} factors (I + J_n) is multiplied out, one for each residual block. How many of its paths {asked}?"
    step = _paths_of(given)
    right = (int(step.value),)
    hints = ("At each block: branch or shortcut. Are the choices independent?", "N blocks: N choices between both, or N over k.")
    derivation = Derivation("paths", right[0], "paths", (step,), VEIT)
    return Task(text, given, Expected(right, "paths"), hints, (derivation,), mistakes(PATHS, given, right))


def _paths_of(given: Paths) -> Step:
    if given.branches is None:
        return solve("paths", Number(2) ** N, {"N": given.blocks})
    above = product([N, *(N - i for i in range(1, given.branches))])
    below = math.factorial(given.branches)
    return solve("paths", above / below, {"N": given.blocks}, f"{given.blocks} over {given.branches}")


STEPS = (
    "Write one block as x_{n+1} = x_n + F_n(x_n).",
    "Differentiate it: dx_{n+1}/dx_n = I + J_n with J_n = dF_n/dx_n.",
    "Chain the blocks: dx_N/dx_0 is the product of all (I + J_n).",
    "Multiply out: I + sum of J_n + sum of products of two + ... + product of all.",
    "Read off the term I: dL/dx_0 holds dL/dx_N unchanged.",
    "Compare: without shortcuts only the product of all J_n is left.",
)


@dataclass(frozen=True)
class Proof:
    """Steps of the argument as shown; `order[i]` is the index in STEPS of line i."""

    order: tuple[int, ...]


def proof(random: Random, difficulty: int) -> Task:
    """The steps of the argument in order."""
    kept = sorted(random.sample(range(len(STEPS)), 3 + difficulty))
    order = tuple(random.sample(kept, len(kept)))
    shown = tuple(STEPS[i] for i in order)
    text = "Put the steps of the gradient argument for residual blocks in order:\n" + "\n".join(
        f"  {number} {line}" for number, line in enumerate(shown, 1)
    )
    right = tuple(order.index(i) + 1 for i in kept)
    hints = (
        "Which line needs no other? Which one uses it?",
        "One block, then its derivative, then many blocks, then what the product holds.",
    )
    because = "\n".join(f"  {number}. {STEPS[i]}" for number, i in enumerate(kept, 1)) + f"\n  source: {RESNET}"
    backwards = Mistake("backwards", tuple(reversed(right)), "The first line is the one that needs no other.")
    return Task(text, Proof(order), Expected(right, options=shown), hints, (), (backwards,), because)


TEMPLATES = (
    Template("gradient.chain", SKILL, "gradient with and without shortcuts", chain),
    Template("gradient.paths", SKILL, "paths through residual blocks", paths),
    Template("gradient.proof", SKILL, "steps of the gradient argument", proof),
)
