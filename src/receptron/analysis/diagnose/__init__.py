"""A network that does not run: where it breaks, why, and what would mend it."""
