"""The report: one HTML file from one `Run` record; nothing outside the file is ever asked for."""

from receptron.report.training.page import render, write

__all__ = ["render", "write"]
