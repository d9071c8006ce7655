"""Closed forms with their working: sizes, parameters, costs, receptive fields. Pure Python, no torch.

Every function returns a `Derivation`: value, formula, formula with the numbers in, steps, source, printed as text, LaTeX or MathML.

>>> from receptron.arithmetic import Conv, output_size
>>> output_size(Conv(kernel=7, stride=2, padding=3), 224).value
112
"""

from receptron.arithmetic.chain import legal_sizes, parse, smallest_size
from receptron.arithmetic.cost import flops, macs, map_memory, weight_memory
from receptron.arithmetic.derivation import Derivation, DerivationRecord, Step
from receptron.arithmetic.field import field_jump, field_padding, field_size, field_start
from receptron.arithmetic.layers import Conv, Linear, Norm, Pool, Transposed
from receptron.arithmetic.padding import same_padding
from receptron.arithmetic.parameters import parameters, statistics
from receptron.arithmetic.scaling import Coefficients, compound_scaling, constraint
from receptron.arithmetic.search import Ways, ways
from receptron.arithmetic.sizes import chain_sizes, dropped, output_size
from receptron.arithmetic.tradeoffs import bottleneck, global_pooling, separable, stacked

__all__ = [
    "Coefficients",
    "Conv",
    "Derivation",
    "DerivationRecord",
    "Linear",
    "Norm",
    "Pool",
    "Step",
    "Transposed",
    "Ways",
    "bottleneck",
    "chain_sizes",
    "compound_scaling",
    "constraint",
    "dropped",
    "field_jump",
    "field_padding",
    "field_size",
    "field_start",
    "flops",
    "global_pooling",
    "legal_sizes",
    "macs",
    "map_memory",
    "output_size",
    "parameters",
    "parse",
    "same_padding",
    "separable",
    "smallest_size",
    "stacked",
    "statistics",
    "ways",
    "weight_memory",
]
