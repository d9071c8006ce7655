"""What a network's numbers say about its design: each rule one function, with evidence and cure."""

from receptron.analysis.lint.context import Advice, Subject, Transform
from receptron.analysis.lint.rules import RULES, advise

__all__ = ["RULES", "Advice", "Subject", "Transform", "advise"]
