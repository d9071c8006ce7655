"""The page of practice: the cheat sheet."""

from receptron.report.practice.page import sheet_page

__all__ = ["sheet_page"]
