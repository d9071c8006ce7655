"""How much main memory this machine has to spare."""

import psutil


def available() -> int:
    """Bytes that are free or can be freed at once."""
    return psutil.virtual_memory().available
