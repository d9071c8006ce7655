"""Pages about labels that may be wrong."""
