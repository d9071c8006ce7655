"""Every template by name: `TEMPLATES`, and `problem` that draws one."""

from receptron.errors import UnknownName
from receptron.tutor.problem import Problem, Template, draw
from receptron.tutor.templates import (
    architectures,
    costs,
    counts,
    field,
    gradient,
    grids,
    heads,
    padding,
    planes,
    pointwise,
    scaling,
    separable,
    sizes,
    transfer,
)

FAMILIES = (sizes, planes, padding, grids, counts, costs, field, heads, architectures, scaling, gradient, pointwise, separable, transfer)
TEMPLATES: dict[str, Template] = {template.name: template for family in FAMILIES for template in family.TEMPLATES}


def find(name: str) -> Template:
    """The template called `name`. Raises: UnknownName."""
    if name not in TEMPLATES:
        raise UnknownName("template", name, TEMPLATES)
    return TEMPLATES[name]


def problem(name: str, difficulty: int = 1, seed: int = 0) -> Problem:
    """The problem of a template, difficulty (1 to 3) and seed; always the same one. Raises: UnknownName, BadValue."""
    return draw(find(name), difficulty, seed)
