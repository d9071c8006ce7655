"""Where caches lie: where the user says, else at home, else with the temporary files, and never in a stranger's folder."""

import os
import tempfile
from pathlib import Path

import pytest

from receptron import cache_dir
from receptron.cache_dir import cache
from receptron.errors import StorageFault


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that cannot be written to, whoever runs the tests, and a folder for temporary files."""
    monkeypatch.delenv("RECEPTRON_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    (tmp_path / "elsewhere-for-a-while").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere-for-a-while"))
    real = os.access
    monkeypatch.setattr(cache_dir.os, "access", lambda path, mode: "elsewhere-for-a-while" in str(path) and real(path, mode))
    return tmp_path / "elsewhere-for-a-while"


def test_the_variable_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RECEPTRON_CACHE", str(tmp_path / "mine"))
    assert cache("weights") == tmp_path / "mine/weights"


def test_at_home_where_that_can_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("RECEPTRON_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache("samples").is_relative_to(tmp_path)


def test_with_the_temporary_files_where_home_is_locked(locked: Path):
    found = cache("samples")
    assert found.parent.parent == locked and found.parent.stat().st_mode & 0o077 == 0
    assert cache("weights").parent == found.parent


@pytest.mark.parametrize("kind", ["open to all", "a link"])
def test_a_folder_that_others_can_write_to_is_refused(locked: Path, kind: str):
    folder = cache("samples").parent
    if kind == "a link":
        folder.rmdir()
        (locked / "elsewhere").mkdir()
        folder.symlink_to(locked / "elsewhere")
    else:
        folder.chmod(0o777)
    with pytest.raises(StorageFault, match="not a folder of yours alone") as caught:
        cache("samples")
    assert "RECEPTRON_CACHE" in caught.value.mend
