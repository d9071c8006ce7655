"""Days of review, what FSRS chooses within them, and how difficulty and mastery follow the answers."""

from datetime import UTC, date, datetime, timedelta

import pytest
from fsrs import Card, Rating, Scheduler

from receptron.errors import BadValue, UnknownName
from receptron.tutor.learner import review_plan, spaced_repetition
from receptron.tutor.learner.events import Answered, Assessed, Event, Explained, Planned
from receptron.tutor.learner.mastery import SKILLS, check_rating, credit, mastery, ratings
from receptron.tutor.question_bank import QUESTIONS
from receptron.tutor.templates import TEMPLATES

START = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def answered(template: str = "size.floor", day: int = 0, *, right: bool = True, difficulty: int = 1, **more) -> Event:
    body = Answered(template, TEMPLATES[template].skill, difficulty, 0, "1", right, **more)
    return Event(f"{template}{day}{len(more)}", NOON + timedelta(days=day), body)


def test_the_days_are_those_of_the_document():
    days = review_plan.calendar(review_plan.plan(START))
    assert [(day.on - START).days for day in days] == [0, 3, 7, 14, 21]


@pytest.mark.parametrize(
    ("ahead", "days"), [(10, [0, 1, 3, 6, 9]), (22, [0, 3, 7, 14, 21]), (1, [0, 0, 0, 0, 0]), (40, [0, 3, 7, 14, 21, 39])]
)
def test_an_interview_draws_the_days_together(ahead: int, days: list[int]):
    planned = review_plan.plan(START, START + timedelta(days=ahead))
    assert [(day.on - START).days for day in review_plan.calendar(planned)] == days


def test_an_interview_in_the_past_is_refused():
    with pytest.raises(BadValue, match="not ahead of"):
        review_plan.plan(START, START)


def test_checkpoints_cover_every_template_once_and_name_real_questions():
    named = [name for checkpoint in review_plan.CHECKPOINTS for name in checkpoint.templates]
    assert sorted(named) == sorted(TEMPLATES)
    assert {name for checkpoint in review_plan.CHECKPOINTS for name in checkpoint.questions} <= QUESTIONS.keys()


def test_templates_open_with_their_checkpoint():
    planned = review_plan.plan(START)
    assert review_plan.open_templates(planned, START) == review_plan.CHECKPOINTS[0].templates
    assert "field.chain" in review_plan.open_templates(planned, START + timedelta(days=3))
    assert (
        set(review_plan.open_templates(planned, START + timedelta(days=21)))
        == set(TEMPLATES)
        == set(review_plan.open_templates(None, START))
    )


def test_memories_are_what_fsrs_makes_of_the_same_reviews():
    events = [answered(day=0), answered(day=3, hints=1), answered(day=9, right=False)]
    scheduler, card = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False), Card(card_id=1)
    for event, rating in zip(events, (Rating.Good, Rating.Hard, Rating.Again), strict=True):
        card, _ = scheduler.review_card(card, rating, event.at)
    later = NOON + timedelta(days=15)
    memory = spaced_repetition.retention(events, later)["size.floor"]
    assert (memory.reviews, memory.due) == (3, card.due.date())
    assert memory.recall == pytest.approx(scheduler.get_card_retrievability(card, later))


def test_what_is_due_comes_first_then_what_is_new_then_what_is_known():
    events = [answered("size.floor", 0, right=False), answered("field.chain", 4)]
    ranked = spaced_repetition.choose(("field.chain", "cost.macs", "size.floor"), events, NOON + timedelta(days=5), None)
    assert ranked == ["size.floor", "cost.macs", "field.chain"]


def test_an_interview_ranks_by_what_will_be_remembered_then():
    steady = [answered("size.floor", day) for day in (0, 3, 12)]
    events = [*steady, answered("field.chain", 13)]
    planned = review_plan.plan(START, START + timedelta(days=30))
    ranked = spaced_repetition.choose(("size.floor", "field.chain"), events, NOON + timedelta(days=13), planned)
    assert ranked == ["field.chain", "size.floor"]


def test_explanations_and_skips_are_told_apart():
    explained = Event("e", NOON, Explained("pooling", "", (1, 2, 3), 5))
    skipped = answered(skipped=True, right=False)
    assert [(review.name, review.rating) for review in spaced_repetition.reviews([explained, skipped])] == [("pooling", Rating.Hard)]


def test_difficulty_rises_after_two_unaided_answers_and_falls_after_a_wrong_one():
    history: list[Event] = []
    expected = [(True, 1), (True, 2), (True, 2), (True, 3), (False, 2), (False, 1), (False, 1)]
    for day, (right, level) in enumerate(expected):
        history.append(answered(day=day, right=right))
        assert spaced_repetition.difficulty_of("size.floor", history) == level
    assert spaced_repetition.difficulty_of("size.floor", [answered(day=d, hints=1) for d in range(4)]) == 1


def test_mastery_stands_beside_the_ratings_over_time():
    events = [Event("a", NOON, Assessed("output-size", 2)), *(answered(day=d, difficulty=3) for d in range(3)), answered(day=4, hints=1)]
    events.append(Event("b", NOON, Assessed("output-size", 4)))
    row = next(row for row in mastery(events) if row.skill == "output-size")
    assert (row.rated, row.answers, row.share, row.level) == ((2, 4), 4, 0.875, 4.5)
    assert [event.body.rating for event in ratings(events, "output-size")] == [2, 4]
    assert all(other.share is None for other in mastery(events) if other.skill != "output-size") and len(SKILLS) == 9


def test_the_level_is_capped_by_the_hardest_problem_solved():
    row = next(row for row in mastery([answered(day=d) for d in range(9)]) if row.skill == "output-size")
    assert row.share == 1 and row.level == 3


@pytest.mark.parametrize(("more", "worth"), [({}, 1), ({"hints": 1}, 0.5), ({"worked": True}, 0), ({"right": False}, 0)])
def test_help_costs_credit(more, worth):
    assert credit(answered(**more).body) == worth


def test_ratings_are_checked():
    with pytest.raises(BadValue, match="6 is no rating"):
        check_rating("pooling", 6)
    with pytest.raises(UnknownName, match="Did you mean pooling"):
        check_rating("poling", 3)
    assert review_plan.current([Event("p", NOON, Planned("2026-03-02"))]).start == "2026-03-02"
