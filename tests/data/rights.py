"""What a user without rights meets: root may read everything, so that tests run by root become nobody for a while."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


@contextmanager
def place_of_nobody() -> Generator[Path]:
    """A folder that everybody can get to."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for path in [folder, *folder.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)


@contextmanager
def without_rights() -> Generator[None]:
    """Files are opened as nobody inside; what is imported there must have been imported before."""
    if os.name != "posix":
        pytest.skip("rights of POSIX")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
