"""Pages about a network: an inspection, a comparison."""

from receptron.report.network.page import comparison_page, inspection_page

__all__ = ["comparison_page", "inspection_page"]
