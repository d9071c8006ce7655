"""How the layers of a rung learnt, in words and as a table: what the record and the report say of it."""

from torch import nn

from receptron.blocks.parameter_groups import depth_of, distance_of
from receptron.training.context import TrainingContext
from receptron.training.found_rate import rate_searches
from receptron.training.layers.batchnorm import IN_WORDS, norms_of
from receptron.training.layers.layer_rates import shares_of
from receptron.training.layers.scales import first_high, side_at
from receptron.training.layers.unfreezing import openings
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.records import LayerRate, RungLearning


def rung_learning(rung: str, net: nn.Module, plan: Hyperparameters, context: TrainingContext) -> RungLearning:
    """What `net` learns in `rung`, level by level from the head backward."""
    found = [one.rate for one in rate_searches(context.environment.decisions) if one.phase.startswith(f"{rung},")]
    rate, depth, shares = found[0] if found else plan.rate, depth_of(net), shares_of(net, plan)
    there = sorted({distance_of(name, depth) for name, parameter in net.named_parameters() if parameter.requires_grad})
    opens = openings(there[-1] + 1, plan.epochs) if plan.gradual else (0,) * (there[-1] + 1)
    layers = tuple(LayerRate(_level(at, depth, plan.before), shares[at], rate * shares[at], opens[at] + 1) for at in there)
    return RungLearning(layers, plan.batchnorm, _norms(net, plan), _sizes(plan, context))


def _level(distance: int, depth: int, skipped: int) -> str:
    """Name of a level; stages are counted from the image, from 1, those before a tail among them."""
    if not distance:
        return "head"
    return "stem" if distance > depth else f"stage {skipped + depth - distance + 1}"


def _norms(net: nn.Module, plan: Hyperparameters) -> str:
    count = len(norms_of(net))
    return f"BatchNorm {plan.batchnorm}: {IN_WORDS[plan.batchnorm]}" if count else "no BatchNorm in what learnt"


def _sizes(plan: Hyperparameters, context: TrainingContext) -> str:
    side = context.spec.pixels
    told = f"each step at one of {', '.join(str(side_at(side, scale)) for scale in plan.scales)} px" if plan.scales else ""
    if plan.low < 1:
        told += f"{'; ' if told else ''}{side_at(side, plan.low)} px up to epoch {first_high(plan.epochs)}, {side} px from then on"
    return told
