"""How many threads torch computes with: sums are added in another order with another number, so weights depend on it."""

from collections.abc import Generator
from contextlib import contextmanager

import torch


@contextmanager
def threads(count: int | None) -> Generator[int]:
    """Compute with `count` threads inside (None: as many as before), and as before afterwards; yields the number."""
    before = torch.get_num_threads()
    if count is not None and count != before:
        torch.set_num_threads(count)
    try:
        yield torch.get_num_threads()
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
