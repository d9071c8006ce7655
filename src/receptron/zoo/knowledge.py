"""The doors to what the zoo knows; what lies behind them is imported when one is opened, as most programs only build."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from receptron.arithmetic.derivation import Derivation
    from receptron.zoo.cards import CatalogueRow, Filter, NetCard
    from receptron.zoo.papers import Paper


def catalogue(wanted: "Filter | None" = None, sort: str = "year") -> "tuple[CatalogueRow, ...]":
    """Every net that `wanted` keeps, by `sort`: the smallest first, but the best accuracy first. Raises: UnknownName."""
    from receptron.zoo import cards

    return cards.catalogue(wanted, sort)


def card(name: str) -> "NetCard":
    """Everything about one net. Raises: UnknownName."""
    from receptron.zoo import cards

    return cards.card(name)


def timeline() -> "tuple[Paper, ...]":
    """Every paper, oldest first."""
    from receptron.zoo import cards

    return cards.timeline()


def scale(phi: float) -> "Derivation":
    """EfficientNet-B0 grown by `phi`, with the working."""
    from receptron.zoo import scaling

    return scaling.scale(phi)
