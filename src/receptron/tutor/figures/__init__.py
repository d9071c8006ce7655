"""Figures that explanations rest on: computed when they are told, from arithmetic or from a net of the zoo."""
