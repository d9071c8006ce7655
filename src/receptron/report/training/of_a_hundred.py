"""The headline as a picture: a hundred new images, and how many of them the interval promises."""

from receptron.evaluation.records import Estimate
from receptron.report.svg import Chart, Key, picture, tag
from receptron.report.words import of_hundred, percent

STEP, SIDE = 24, 10  # units between dots, dots per row


def of_a_hundred(accuracy: Estimate) -> Chart:
    """A hundred dots: right even at the low end of the interval, between its ends, and wrong even at the high end."""
    low, high = of_hundred(accuracy)
    kinds = ["sure"] * low + ["maybe"] * (high - low) + ["miss"] * (100 - high)
    text = f"Of 100 new images like these, {low} to {high} would be answered rightly; {100 - high} wrongly even at the high end."
    if accuracy.unknown:
        text = f"How many of 100 new images like these would be answered rightly is {accuracy.method}."
    dots = [_dot(i, kind) for i, kind in enumerate(kinds)]
    rows = (("Low end", percent(accuracy.low)), ("Measured", percent(accuracy.value)), ("High end", percent(accuracy.high)))
    if accuracy.unknown:
        rows = (("Measured", percent(accuracy.value)), ("Interval", accuracy.method))
    legend = (
        (Key("maybe", accuracy.method),)
        if accuracy.unknown
        else (
            Key("sure", f"{low} right at the low end"),
            Key("maybe", f"{high - low} within the interval"),
            Key("miss", f"{100 - high} wrong at the high end"),
        )
    )
    drawn = picture(STEP * SIDE, STEP * SIDE, text, *dots, name="plot field")
    return Chart("Of 100 new images like these", text, drawn, ("End of the interval", "Accuracy"), rows, legend)


def _dot(place: int, kind: str) -> str:
    y, x = divmod(place, SIDE)
    radius = {"sure": 8.0, "maybe": 7.0, "miss": 3.0}[kind]
    return tag("circle", {"cx": STEP * x + STEP / 2, "cy": STEP * y + STEP / 2, "r": radius, "class": f"dot-{kind}"})
