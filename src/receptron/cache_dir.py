"""Where things that can be made again are kept on this machine."""

import os
from pathlib import Path

import platformdirs

from receptron.given_path import expanded


def cache(part: str) -> Path:
    """The folder of one part ("weights", "features", "samples") in the user's cache; the variable RECEPTRON_CACHE moves them all."""
    return expanded(Path(os.environ.get("RECEPTRON_CACHE") or platformdirs.user_cache_dir("receptron"))) / part
