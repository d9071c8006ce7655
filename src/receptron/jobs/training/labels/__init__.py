"""Labels that may be wrong: which, beside what they look like, and what a person decided about them."""
