"""Which positions of a map a position of the next one reads, on an axis without ends: exact, holes and phases included.

A relation repeats itself: position o = period * q + r reads what row r says, shifted by advance * q. A plain convolution has
period 1 and advance = stride; a transposed one has period = stride and advance 1. Relations compose, so one from the last map
to the input is the receptive field of the whole way.

>>> third = window(3).after(window(3, stride=2)).after(window(2, stride=2, dilation=1).after(IDENTITY))
>>> third.size, third.jump
(14, Fraction(4, 1))
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

Row = tuple[int, int]
"""Positions as (first, bits): bit i set means that first + i is read. No bits: nothing is read."""


@dataclass(frozen=True)
class Relation:
    """Periodic relation between two axes; see the module."""

    period: int
    advance: int
    rows: tuple[Row, ...]

    @property
    def jump(self) -> Fraction:
        """Source positions between two neighbours."""
        return Fraction(self.advance, self.period)

    @property
    def size(self) -> int:
        """Source positions from the first to the last that one position reads; the widest where phases differ."""
        return max(bits.bit_length() for _, bits in self.rows)

    @property
    def taken(self) -> int:
        """Source positions really read, holes left out; of the widest phase."""
        return max(self.rows, key=lambda row: row[1].bit_length())[1].bit_count()

    @property
    def first(self) -> int:
        """First source position of position 0 (of the phase that begins earliest, brought back to 0)."""
        starts = [Fraction(start) - r * self.jump for r, (start, bits) in enumerate(self.rows) if bits]
        return int(min(starts) // 1) if starts else 0

    @property
    def start(self) -> Fraction:
        """Centre of what position 0 reads."""
        start, bits = next((row for row in self.rows if row[1]), (0, 1))
        return start + Fraction(bits.bit_length() - 1, 2)

    def row(self, position: int) -> Row:
        """What `position` reads."""
        turns, phase = divmod(position, self.period)
        start, bits = self.rows[phase]
        return start + self.advance * turns, bits

    def after(self, source: "Relation") -> "Relation":
        """This relation read from an axis that itself reads `source`."""
        turns = source.period // gcd(source.period, self.advance)
        period = self.period * turns
        advance = source.advance * self.advance * turns // source.period
        return Relation(period, advance, tuple(joined(source.row(tap) for tap in taps(self.row(o))) for o in range(period)))

    def joined(self, other: "Relation") -> "Relation | None":
        """Both at once, as where branches meet; None if their jumps differ, so that they drift apart."""
        if self.jump != other.jump:
            return None
        period = lcm(self.period, other.period)
        rows = tuple(joined((self.row(o), other.row(o))) for o in range(period))
        return Relation(period, int(period * self.jump), rows)


IDENTITY = Relation(1, 1, ((0, 1),))


def window(kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Relation:
    """A convolution or pooling; `padding` before the first position."""
    return Relation(1, stride, (_row(tap * dilation - padding for tap in range(kernel)),))


def spread(kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Relation:
    """A transposed convolution."""
    taps_of = [
        [(o + padding - t * dilation) // stride for t in range(kernel) if (o + padding - t * dilation) % stride == 0] for o in range(stride)
    ]
    return Relation(stride, 1, tuple(_row(found) for found in taps_of))


def shifted(by: int, step: int = 1) -> Relation:
    """Position o reads step * o + by."""
    return Relation(1, step, ((by, 1),))


def placed(start: int, step: int) -> Relation:
    """Position start + step * o stands for o; positions between them read nothing."""
    return Relation(step, 1, tuple(((o - start) // step, int((o - start) % step == 0)) for o in range(step)))


def nearest(size_in: int, size_out: int, scale: Fraction | None = None, *, exact: bool = False) -> Relation:
    """Nearest-neighbour resizing by `scale`, or by what the sizes give; `exact` takes the middle of a pixel."""
    period, advance = _ratio(size_out, size_in) if scale is None else scale.as_integer_ratio()
    half = 1 if exact else 0
    return Relation(period, advance, tuple(((2 * o + half) * advance // (2 * period), 1) for o in range(period)))


def linear(size_in: int, size_out: int, scale: Fraction | None = None, *, align_corners: bool = False, cubic: bool = False) -> Relation:
    """Linear or cubic resizing along one axis: the two, or four, positions around each source point."""
    period, advance = _ratio(size_out - 1, size_in - 1) if align_corners and size_in > 1 < size_out else _ratio(size_out, size_in)
    if scale is not None:
        period, advance = scale.as_integer_ratio()
    half = Fraction(0) if align_corners else Fraction(1, 2)
    rows: list[Row] = []
    for o in range(period):
        point = (o + half) * Fraction(advance, period) - half
        low = point.numerator // point.denominator
        reach = (-1, 0, 1, 2) if cubic else (0, 1)
        rows.append(_row([low] if point == low else [low + tap for tap in reach]))
    return Relation(period, advance, tuple(rows))


def adaptive(size_in: int, size_out: int) -> Relation:
    """Adaptive pooling: position o pools floor(o * in / out) to ceil((o + 1) * in / out)."""
    period, advance = _ratio(size_out, size_in)
    spans = [range(o * size_in // size_out, -(-(o + 1) * size_in // size_out)) for o in range(period)]
    return Relation(period, advance, tuple(_row(span) for span in spans))


def taps(row: Row) -> Iterator[int]:
    """The positions of a row."""
    start, bits = row
    while bits:
        low = bits & -bits
        yield start + low.bit_length() - 1
        bits ^= low


def joined(rows: Iterable[Row]) -> Row:
    """All positions of several rows."""
    some = [row for row in rows if row[1]]
    if not some:
        return 0, 0
    first = min(start for start, _ in some)
    bits = 0
    for start, mask in some:
        bits |= mask << (start - first)
    return first, bits


def _row(positions: Iterable[int]) -> Row:
    return joined((position, 1) for position in positions)


def _ratio(size_out: int, size_in: int) -> tuple[int, int]:
    common = gcd(size_out, size_in)
    return size_out // common, size_in // common
