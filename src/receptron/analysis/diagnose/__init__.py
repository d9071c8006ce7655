"""A network that does not run: where it breaks, why, and what would mend it."""

from receptron.analysis.diagnose.clash import Clash, explain

__all__ = ["Clash", "explain"]
