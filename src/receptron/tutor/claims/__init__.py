"""Numbers that a course and a list of interview questions print, beside what arithmetic and the zoo compute.

A row whose numbers differ, or whose wording promises too much, names the lesson that shows why.
"""

from receptron.tutor.claims import course_basics, course_networks, question_list
from receptron.tutor.claims.claim import CheckedClaim, Claim, check

CLAIMS: tuple[Claim, ...] = (*question_list.CLAIMS, *course_basics.CLAIMS, *course_networks.CLAIMS)

__all__ = ["CLAIMS", "CheckedClaim", "Claim", "check"]
