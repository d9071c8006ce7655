"""What a new model keeps so that it can tell images of no class, with limits from images that it never saw; or why it cannot."""

from dataclasses import dataclass

from receptron.errors import DataFault
from receptron.evaluation.novelty.fitting import novelty_scorer, out_of_fold_scores
from receptron.evaluation.novelty.rule import SHARE, NoveltyRule, novelty_rule
from receptron.evaluation.novelty.scorer import SCORES, NoveltyScorer
from receptron.training.context import TrainingContext
from receptron.training.ladder.outcome import LadderOutcome
from receptron.wording import counted


@dataclass(frozen=True)
class UnlikeKnown:
    """Scorer and rule together, or neither and why."""

    scorer: NoveltyScorer | None
    rule: NoveltyRule | None
    unknown: str | None


def unlike_known(outcome: LadderOutcome, context: TrainingContext) -> UnlikeKnown:
    """From what the network sees of its training images; the limits from those held out in turn, whole groups counting once."""
    seen, labels = outcome.embeddings, context.images.targets.numpy()
    try:
        rows, scores = out_of_fold_scores(seen.without, labels, context.folds)
        scorer = novelty_scorer(seen.kept, labels)
    except DataFault as error:
        return UnlikeKnown(None, None, f"{error.what.removesuffix('.')}: {error.why}")
    groups = context.groups_of(rows)
    rule = novelty_rule(scores, groups)
    if rule is None:
        count = counted(len(rows), "image") if groups is None else counted(len(set(groups.tolist())), "group")
        needed = f"to call one in {round(1 / SHARE)} strange by two scores, {round(len(SCORES) / SHARE) - 1} or more are needed"
        return UnlikeKnown(None, None, f"only {count} could be held out; {needed}")
    return UnlikeKnown(scorer, rule, None)
