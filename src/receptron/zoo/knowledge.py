"""The doors to what the zoo knows; what lies behind them is imported when one is opened, as most programs only build."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from receptron.arithmetic.derivation import Derivation
    from receptron.zoo.cards import CatalogueRow, Filter, NetCard
    from receptron.zoo.papers import Paper


def catalogue(wanted: "Filter | None" = None, sort: str = "year") -> "tuple[CatalogueRow, ...]":
    """The nets of the zoo as rows of a table.

    Args:
        wanted: Which to keep; all if None.
        sort: Column to sort by: the smallest first, but the best accuracy first.

    Returns:
        One row a net.

    Raises:
        UnknownName: No column of that name.

    Example:
        >>> catalogue()[0].name
        'lenet5'
    """
    from receptron.zoo import cards

    return cards.catalogue(wanted, sort)


def card(name: str) -> "NetCard":
    """Everything about one net: its row, notes, paper, stages and relatives.

    Args:
        name: As in `receptron zoo`.

    Returns:
        The card.

    Raises:
        UnknownName: No net of that name; near names are told.

    Example:
        >>> card("resnet50").paper.year
        2015
    """
    from receptron.zoo import cards

    return cards.card(name)


def timeline() -> "tuple[Paper, ...]":
    """Every paper of the zoo, oldest first.

    Returns:
        The papers.

    Example:
        >>> timeline()[0].year
        1998
    """
    from receptron.zoo import cards

    return cards.timeline()


def scale(phi: float) -> "Derivation":
    """EfficientNet-B0 grown by phi.

    Args:
        phi: How far to grow; 0 is B0.

    Returns:
        The number with the steps that lead to it.

    Example:
        >>> round(float(scale(0).value[0]), 3)
        1.0
    """
    from receptron.zoo import scaling

    return scaling.scale(phi)
