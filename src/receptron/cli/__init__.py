"""The command line: one file per command, each parses, makes one call and prints. No logic here."""

from receptron.cli.app import main

__all__ = ["main"]
