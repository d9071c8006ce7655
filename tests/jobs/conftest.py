"""What several tests of whole jobs begin with."""

from pathlib import Path

import pytest
from photos import backbone


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny backbone with its sidecar, for photos of three drawn classes."""
    return backbone(tmp_path_factory.mktemp("weights") / "tiny.safetensors")
