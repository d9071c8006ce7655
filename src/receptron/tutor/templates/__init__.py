"""Every template by name: `TEMPLATES`, and `problem` that draws one."""

from receptron.errors import UnknownName
from receptron.tutor.problem import Problem, Template, draw
from receptron.tutor.templates.costs import bottleneck, classifier_heads, depthwise_separable, macs_and_flops, parameters
from receptron.tutor.templates.networks import architectures, compound_scaling, skip_connections, transfer_learning
from receptron.tutor.templates.sizes import by_hand, output_sizes, padding, receptive_field, two_axes

FAMILIES = (
    output_sizes,
    two_axes,
    padding,
    by_hand,
    parameters,
    macs_and_flops,
    receptive_field,
    classifier_heads,
    architectures,
    compound_scaling,
    skip_connections,
    bottleneck,
    depthwise_separable,
    transfer_learning,
)
TEMPLATES: dict[str, Template] = {template.name: template for family in FAMILIES for template in family.TEMPLATES}


def find(name: str) -> Template:
    """The template called `name`. Raises: UnknownName."""
    if name not in TEMPLATES:
        raise UnknownName("template", name, TEMPLATES)
    return TEMPLATES[name]


def problem(name: str, difficulty: int = 1, seed: int = 0) -> Problem:
    """The problem of a template, difficulty (1 to 3) and seed; always the same one. Raises: UnknownName, BadValue."""
    return draw(find(name), difficulty, seed)
