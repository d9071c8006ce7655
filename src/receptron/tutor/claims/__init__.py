"""Every worked example, table entry and answer of the two documents, as printed, beside what arithmetic and the zoo compute.

A row whose numbers differ, or whose wording promises too much, names the lesson that shows why.
"""

from receptron.tutor.claims import interview, lesson, problems
from receptron.tutor.claims.claim import Claim, Finding, check

CLAIMS: tuple[Claim, ...] = (*interview.CLAIMS, *lesson.CLAIMS, *problems.CLAIMS)

__all__ = ["CLAIMS", "Claim", "Finding", "check"]
