"""The next batch is made while the network works on this one."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")


def ahead(make: Callable[[int], T], steps: range) -> Iterator[tuple[int, T]]:
    """(step, make(step)) for each step in turn, the next one being made in a second thread while the caller works."""
    torch.get_num_threads()  # settles the number of this thread before another thread sets its own
    # One OpenMP thread for the second thread: a team of its own would spin and take the cores from the network.
    with ThreadPoolExecutor(1, "receptron-batch", initializer=torch.set_num_threads, initargs=(1,)) as pool:
        coming = pool.submit(make, steps[0]) if steps else None
        for step in steps:
            made = coming.result() if coming else make(step)
            coming = pool.submit(make, step + 1) if step + 1 in steps else None
            yield step, made
