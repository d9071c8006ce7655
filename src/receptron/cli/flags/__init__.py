"""Flags that several commands share, each declared once."""
