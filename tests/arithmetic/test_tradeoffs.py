"""The comparisons that papers argue with, against torch's modules and the papers' own figures."""

from fractions import Fraction

import pytest
from torch import nn

from receptron.arithmetic import Coefficients, bottleneck, compound_scaling, constraint, global_pooling, separable, stacked
from receptron.errors import BadValue


def weights(*modules: nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


def test_three_small_kernels_against_one_large():
    small = weights(*(nn.Conv2d(64, 64, 3, bias=False) for _ in range(3)))
    large = weights(nn.Conv2d(64, 64, 7, bias=False))
    found = stacked(3, 3, 64)
    assert [step.value for step in found.steps[:3]] == [7, small, large] == [7, 110_592, 200_704]
    assert found.value == pytest.approx(small / large)


@pytest.mark.parametrize(("c_in", "c_out", "kernel"), [(256, 512, 3), (32, 64, 5), (7, 3, 1)])
def test_separable_saves_what_torch_says_and_exactly_the_papers_ratio(c_in: int, c_out: int, kernel: int):
    standard = weights(nn.Conv2d(c_in, c_out, kernel, bias=False))
    split = weights(nn.Conv2d(c_in, c_in, kernel, groups=c_in, bias=False), nn.Conv2d(c_in, c_out, 1, bias=False))
    found = separable(c_in, c_out, kernel, size=56)
    assert found.value == pytest.approx(split / standard)
    assert Fraction(1, c_out) + Fraction(1, kernel**2) == Fraction(split, standard)
    assert found.steps[0].value == standard * 56 * 56


def test_the_bottleneck_is_smaller_and_sees_less():
    narrow = weights(nn.Conv2d(256, 64, 1, bias=False), nn.Conv2d(64, 64, 3, bias=False), nn.Conv2d(64, 256, 1, bias=False))
    full = weights(*(nn.Conv2d(256, 256, 3, bias=False) for _ in range(2)))
    found = bottleneck()
    assert [step.value for step in found.steps[:2]] == [narrow, full] == [69_632, 1_179_648]
    assert "3x3, two 3x3 see 5x5" in found.remark


def test_global_pooling_saves_vggs_first_linear_layer():
    found = global_pooling(512, 7, 4096)
    assert found.steps[1].value == weights(nn.Linear(512 * 49, 4096))
    assert found.steps[0].value == weights(nn.Linear(512, 4096))


def test_compound_scaling_multiplies_depth_width_and_resolution():
    found = compound_scaling(2)
    assert found.value == pytest.approx((1.44, 1.21, 1.3225))
    assert found.steps[3].value == pytest.approx(224 * 1.3225)
    assert found.steps[4].value == pytest.approx(constraint().value ** 2)


def test_the_paper_holds_the_constraint_near_two():
    assert constraint().value == pytest.approx(1.92, abs=0.01)
    with pytest.raises(BadValue, match="below 1"):
        constraint(Coefficients(alpha=0.9))
