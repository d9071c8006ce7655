"""A user's Python file, imported as if nothing had been before, with its neighbours, from their sources, and which these are."""

import importlib
import importlib.util
import site
import sys
import sysconfig
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from receptron.analysis.model_import.loading import packages_of
from receptron.own_net.record import sha256_of


@dataclass(frozen=True)
class Imported:
    """A module, the files below `root` that it is made of by their path there, and modules from elsewhere that no digest covers."""

    module: ModuleType
    root: Path
    sources: dict[str, str]
    elsewhere: tuple[str, ...]


def root_of(path: Path) -> Path:
    """The folder that a file's imports start from: its own, or that of the outermost package it lies in."""
    return path.parents[len(packages_of(path))]


def imported(path: Path) -> Imported:
    """Run the file at `path` (absolute) and what it imports. Raises: whatever it raises."""
    root = root_of(path)
    own = f"_receptron_own_{path.stem}_{sha256_of(path)[:12]}"
    with _alone(root):
        before = dict(sys.modules)
        if packages := packages_of(path):
            module = importlib.import_module(".".join((*packages, path.stem)))
        else:
            module = _from_file(path, own)
        fresh = {name: found for name, found in sys.modules.items() if before.get(name) is not found}
    files = {name: file for name, found in fresh.items() if (file := _file(found)) and not _is_installed(file)}
    sources = {file.relative_to(root).as_posix(): sha256_of(file) for file in files.values() if file.is_relative_to(root)}
    sources[path.relative_to(root).as_posix()] = sha256_of(path)
    elsewhere = sorted(f"{name} ({file})" for name, file in files.items() if not file.is_relative_to(root))
    return Imported(module, root, dict(sorted(sources.items())), tuple(elsewhere))


def _from_file(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and annotations look it up
    spec.loader.exec_module(module)
    return module


@contextmanager
def _alone(root: Path) -> Generator[None]:
    """Within, imports look below `root` first, at sources and never at compiled copies, and forget what had the same names."""
    path, prefix, write = list(sys.path), sys.pycache_prefix, sys.dont_write_bytecode
    hidden = {name: found for name, found in sys.modules.items() if _is_namesake(name, found, root)}
    for name in hidden:
        del sys.modules[name]
    importlib.invalidate_caches()
    try:
        with tempfile.TemporaryDirectory(prefix="receptron-no-bytecode-") as empty:
            sys.path.insert(0, str(root))
            sys.pycache_prefix, sys.dont_write_bytecode = empty, True
            yield
    finally:
        sys.path[:], sys.pycache_prefix, sys.dont_write_bytecode = path, prefix, write
        sys.modules.update(hidden)


def _is_namesake(name: str, module: ModuleType, root: Path) -> bool:
    """Whether a module that is loaded stands where one below `root` is meant; installed ones are meant themselves."""
    top, file = name.partition(".")[0], _file(module)
    if name == "__main__" or top == "receptron" or not ((root / f"{top}.py").is_file() or (root / top).is_dir()):
        return False
    return file is not None and not _is_installed(file)


def _file(module: ModuleType) -> Path | None:
    found = getattr(module, "__file__", None)
    return Path(found).absolute() if isinstance(found, str) else None


def _is_installed(file: Path) -> bool:
    return any(file.is_relative_to(folder) for folder in _INSTALLED)


_INSTALLED = tuple(
    {Path(folder).absolute() for folder in (*sysconfig.get_paths().values(), *site.getsitepackages(), site.getusersitepackages())}
    | {Path(__file__).absolute().parents[1]}
)
