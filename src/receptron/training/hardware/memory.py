"""How much memory and disk this machine has to spare."""

import os
from pathlib import Path


def available() -> int:
    """Bytes of main memory that are free or can be freed at once; half of all memory where the system does not tell."""
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            fields = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        return fields["MemAvailable"]
    except (OSError, KeyError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
