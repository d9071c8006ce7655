"""Images from few groups: too few to be divided are refused, and few are told, because no number of images makes up for them."""

from receptron.data.records import SplitSummary
from receptron.errors import BadValue
from receptron.wording import counted, plural

FEW = 10  # groups on a side, below which they are told


def check_groups(summary: SplitSummary) -> None:
    """Raises: BadValue where there are fewer groups than sides and folds need."""
    if summary.train_groups is None:
        return
    count, needed = summary.train_groups + (summary.test_groups or 0), 3 if summary.test_size else 2
    if summary.method == "given" or count >= needed:
        return
    raise BadValue(
        f"the images come from {counted(count, summary.group_noun)} only, and {needed} are needed.",
        why=f"images of one {summary.group_noun} stay together: two must be there to learn from"
        + (", one for the test" if needed == 3 else ""),
        mend="--test-size 0 judges by cross-validation and needs 2"
        if count == 2
        else f"add images of another {summary.group_noun}; or leave --group out (--group-column none), if they need not stay together",
    )


def few_groups(summary: SplitSummary) -> str:
    """One sentence where a side has few groups, else nothing."""
    if summary.train_groups is None:
        return ""
    train, test, noun = summary.train_groups, summary.test_groups or 0, summary.group_noun
    judged = test or train
    if judged >= FEW:
        return ""
    where = f"{counted(train, noun)} to learn from and {counted(test, noun)} for the test" if test else counted(train, noun)
    more = plural(noun)
    return f"{where} only: so few make wide intervals; images of further {more} narrow them, more images of these do not."
