"""What a network's numbers say about its design: each rule one function, with evidence and cure."""

from receptron.analysis.advice.rules import RULES, advise
from receptron.analysis.advice.subject import Advice, Subject, Transform

__all__ = ["RULES", "Advice", "Subject", "Transform", "advise"]
