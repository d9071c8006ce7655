"""Would more data help? Asked of every run, answered where features are frozen and time is left, and else unknown with the reason."""

from receptron.evaluation.records import LearningCurve
from receptron.jobs.training.fit import FittedNetwork
from receptron.training.ladder.synthetic_effect import more_of
from receptron.training.learning_curve.forecast import learning_curve, unknown

TIMED = "time for the learning curve"
WORTH = 0.5  # of the linear head's own time is more than a curve takes: an eighth of its fits, and those of fewer images


def would_more_help(learnt: FittedNetwork) -> LearningCurve:
    """The learning curve of the linear head, or why there is none."""
    environment, count = learnt.context.environment, len(learnt.context.images)
    if learnt.features is None or learnt.head_strength is None:
        return unknown("from scratch there are no fixed features: each size would have to be trained anew", count)
    if environment.signals.stop:
        return unknown("the training was ended early", count)
    in_time = environment.decisions.recall(TIMED, bool)
    if in_time is None:
        took = next((rung.seconds for rung in learnt.rungs if rung.name == "linear head"), 0.0)
        in_time = environment.decisions.note(TIMED, environment.time_budget.left > WORTH * took)
    if not in_time:
        return unknown("no time was left for it: give a longer --time", count)
    environment.progress.tell("Would more images help? Learning from parts of them.")
    return learning_curve(learnt.features.pooled[:, 0], learnt.head_strength, learnt.context, more_of(learnt.features, learnt.context))
