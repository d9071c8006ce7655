"""A mock interview with a clock: turn by turn through a scene, then a verdict with evidence for each criterion."""

from dataclasses import dataclass
from random import Random

from receptron.errors import BadValue
from receptron.tutor.grading.grading import Grade, grade
from receptron.tutor.learner.store import Clock
from receptron.tutor.mock_interview.scenes import Scene, Theme, Turn
from receptron.tutor.question_bank.question import Checked, check
from receptron.tutor.worked_problems import VERDICTS

STRONG, LEAN, NO = "strong", "lean", "no"


@dataclass(frozen=True)
class TurnOutcome:
    """One turn as it went: `share` is 1 or 0 for a number, the share of points for words; `reached` is false for turns never asked."""

    theme: str
    level: int
    numeric: bool
    text: str
    given: str
    share: float
    hints: int
    seconds: float
    remark: str = ""
    reached: bool = True


@dataclass(frozen=True)
class Criterion:
    """One line of the verdict."""

    name: str
    rating: str
    evidence: str


@dataclass(frozen=True)
class InterviewVerdict:
    """The verdict, its criteria, and every turn."""

    scene: str
    verdict: str
    criteria: tuple[Criterion, ...]
    turns: tuple[TurnOutcome, ...]
    seconds: float
    minutes: int


class Interview:
    """Ask `turn`, give `answer` or `explain`, until `turn` is None; then read `verdict`."""

    def __init__(self, scene: Scene, clock: Clock, random: Random | None = None) -> None:
        self.scene, self.clock = scene, clock
        self.queue = [(theme, turn) for theme in scene.themes(random or Random()) for turn in theme.turns]
        self.outcomes: list[TurnOutcome] = []
        self.hints = 0
        self.started = self.asked = clock()

    @property
    def turn(self) -> Turn | None:
        """The question that lies open, None at the end."""
        return self.queue[0][1] if self.queue else None

    @property
    def left(self) -> float:
        """Seconds left on the clock; below zero when it has run out."""
        return self.scene.minutes * 60 - (self.clock() - self.started).total_seconds()

    def hint(self) -> str:
        """The next hint of an open problem with a number, empty if there is none."""
        turn = self._open()[1]
        hints = turn.task.hints if turn.task else ()
        self.hints += 1
        return hints[self.hints - 1] if self.hints <= len(hints) else ""

    def answer(self, text: str) -> Grade:
        """Judge a number; a wrong one ends the theme, as what follows builds on it. Raises: BadValue."""
        theme, turn = self._open()
        if turn.task is None:
            raise BadValue("this question asks for words.", mend="explain, then tick the points")
        judged = grade(turn.task, text)
        if not judged.ask:
            self._close(theme, turn, text, float(judged.right), judged.mistake.name if judged.mistake else "")
            if not judged.right:
                self._leave(theme)
        return judged

    def explain(self, text: str, ticked: tuple[int, ...]) -> Checked:
        """Keep an answer in words with the points that it made. Raises: BadValue."""
        theme, turn = self._open()
        if turn.question is None:
            raise BadValue("this question asks for a number.", mend="answer it")
        checked = check(turn.question, ticked)
        self._close(theme, turn, text, checked.share, f"{len(checked.found)} of {len(turn.question.points)} points")
        return checked

    def verdict(self) -> InterviewVerdict:
        """What the interviewer writes down; questions never reached count as not answered."""
        rest = [
            TurnOutcome(theme.name, turn.level, turn.task is not None, turn.text, "", 0.0, 0, 0.0, "not asked", False)
            for theme, turn in self.queue
        ]
        outcomes = (*self.outcomes, *rest)
        seconds = (self.clock() - self.started).total_seconds()
        criteria = judged(outcomes, seconds, self.scene.minutes)
        return InterviewVerdict(self.scene.name, overall(criteria), criteria, outcomes, seconds, self.scene.minutes)

    def _open(self) -> tuple[Theme, Turn]:
        if not self.queue:
            raise BadValue("the interview is over.", mend="read the verdict")
        return self.queue[0]

    def _close(self, theme: Theme, turn: Turn, text: str, share: float, remark: str) -> None:
        now = self.clock()
        seconds = (now - self.asked).total_seconds()
        self.outcomes.append(
            TurnOutcome(theme.name, turn.level, turn.task is not None, turn.text, text, share, self.hints, seconds, remark)
        )
        self.queue.pop(0)
        self.hints, self.asked = 0, now

    def _leave(self, theme: Theme) -> None:
        """Number turns of a theme that was lost are not asked; its open questions still are."""
        lost = [(t, turn) for t, turn in self.queue if t is theme and turn.task is not None]
        self.queue = [pair for pair in self.queue if pair not in lost]
        self.outcomes += [TurnOutcome(theme.name, turn.level, True, turn.text, "", 0.0, 0, 0.0, "not reached", False) for _, turn in lost]


def judged(outcomes: tuple[TurnOutcome, ...], seconds: float, minutes: int) -> tuple[Criterion, ...]:
    """Five criteria with their evidence."""
    first = [o for o in outcomes if o.numeric and o.level == 1]
    harder = [o for o in outcomes if o.numeric and o.level > 1]
    words = [o for o in outcomes if not o.numeric]
    asked = [o for o in outcomes if o.reached]
    hints = sum(o.hints for o in outcomes)
    pace = seconds / (60 * minutes)
    return (
        Criterion("arithmetic", _rated(_mean(first), 1.0, 0.66), _listed(first)),
        Criterion("changed assumptions", _rated(_mean(harder), 0.8, 0.4), _listed(harder)),
        Criterion("explanation", _rated(_mean(words), 0.75, 0.5), _listed(words)),
        Criterion("independence", _rated(1 - hints / max(1, len(asked)), 1.0, 0.66), f"{hints} hints in {len(asked)} questions"),
        Criterion("pace", STRONG if pace <= 1 else LEAN if pace <= 1.5 else NO, f"{seconds / 60:.0f} of {minutes} minutes"),
    )


def overall(criteria: tuple[Criterion, ...]) -> str:
    """Strong Hire: the first three strong and nothing failed. No Hire: arithmetic or explanation failed, or two of five."""
    ratings = {criterion.name: criterion.rating for criterion in criteria}
    failed = [name for name, rating in ratings.items() if rating == NO]
    if "arithmetic" in failed or "explanation" in failed or len(failed) > 1:
        return VERDICTS[2]
    strong = all(ratings[name] == STRONG for name in ("arithmetic", "changed assumptions", "explanation"))
    return VERDICTS[0] if strong and not failed else VERDICTS[1]


def _rated(share: float, strong: float, lean: float) -> str:
    return STRONG if share >= strong else LEAN if share >= lean else NO


def _mean(outcomes: list[TurnOutcome]) -> float:
    return sum(o.share for o in outcomes) / len(outcomes) if outcomes else 1.0


def _listed(outcomes: list[TurnOutcome]) -> str:
    return "; ".join(f"{o.theme}: {_went(o)}" for o in outcomes) or "nothing asked"


def _went(outcome: TurnOutcome) -> str:
    if not outcome.numeric or not outcome.reached:
        return outcome.remark
    how = "right" if outcome.share == 1 else f"wrong ({outcome.given}{', ' + outcome.remark if outcome.remark else ''})"
    return f"{how} in {outcome.seconds:.0f} s"
