"""The doors to what the zoo knows; what lies behind them is imported when one is opened, as most programs only build."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from receptron.arithmetic.derivation import Derivation
    from receptron.zoo.cards import CatalogueRow, Filter, NetCard
    from receptron.zoo.papers import Paper


def catalogue(wanted: "Filter | None" = None, sort: str = "year") -> "tuple[CatalogueRow, ...]":
    """The nets of the zoo with what is known of each.

    Args:
        wanted: Which to keep; None keeps all.
        sort: "year", "name", "parameters" or "macs", the smallest first, or "top1", the best accuracy first.

    Returns:
        One row a net.

    Raises:
        UnknownName: For another order.

    Example:
        >>> catalogue(sort="parameters")[0].name
        'lenet5_1998'
    """
    from receptron.zoo import cards

    return cards.catalogue(wanted, sort)


def card(name: str) -> "NetCard":
    """Everything about one net.

    Args:
        name: A key of `ZOO`.

    Returns:
        Its row, notes, paper, stages and relatives.

    Raises:
        UnknownName: For a net that is not there; near names are told.

    Example:
        >>> card("resnet50").row.parameters
        25557032
    """
    from receptron.zoo import cards

    return cards.card(name)


def timeline() -> "tuple[Paper, ...]":
    """Every paper, oldest first.

    Returns:
        What each added, and why.

    Example:
        >>> [paper.net for paper in timeline()][:3]
        ['lenet5', 'alexnet', 'vgg16']
    """
    from receptron.zoo import cards

    return cards.timeline()


def scale(phi: float) -> "Derivation":
    """EfficientNet-B0 grown by compound scaling, with the working.

    The released rows start from these numbers and are rounded by hand; from B4 on they lie above them.

    Args:
        phi: How far to scale; 0 is B0.

    Returns:
        Multipliers of depth, width and resolution; the steps go on to pixels and FLOPs.

    Source: Tan and Le 2019, EfficientNet, arXiv:1905.11946, eq. 3.

    Example:
        >>> scale(1).value
        (1.2, 1.1, 1.15)
    """
    from receptron.zoo import scaling

    return scaling.scale(phi)
