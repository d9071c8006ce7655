"""A network from a file or a place in Python: `model.py:Net`, `package.module:callable`, an exported program, an ONNX file."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from receptron.analysis.recording.copying.meta_copy import built
from receptron.errors import BadValue, MissingExtra, ReceptronError, UnknownName
from receptron.given_path import expanded
from receptron.printable import told

Arguments = Mapping[str, Any] | Sequence[Any]
"""What a class or function is called with: by name, or by place."""
CHECKPOINTS = {".pt", ".pth", ".th", ".ckpt", ".safetensors", ".bin"}


@contextmanager
def importable(place: str) -> Generator[None]:
    """Within, a Python file's own folder, that of its package and the current one are searched for what it imports."""
    location = place.partition(":")[0]
    before = list(sys.path)
    if location.endswith(".py"):
        path = expanded(Path(location)).absolute()
        sys.path.insert(0, str(path.parents[len(packages_of(path))]))
    sys.path.append(str(Path.cwd()))
    try:
        yield
    finally:
        sys.path[:] = before


def packages_of(path: Path) -> tuple[str, ...]:
    """Names of the packages that a file lies in, outermost first."""
    folders: list[str] = []
    for folder in path.absolute().parents:
        if not (folder / "__init__.py").is_file() or not folder.name.isidentifier():
            break
        folders.insert(0, folder.name)
    return tuple(folders)


def is_place(text: str) -> bool:
    """Whether `text` names a file or a place in Python rather than a net of the zoo."""
    return ":" in text or Path(text).suffix in CHECKPOINTS | {".py", ".pt2", ".onnx"}


def load(text: str, arguments: Arguments = ()) -> nn.Module:
    """The network at a place. A class is called with `arguments` on the meta device; a function too; an instance is taken as it is.

    A .py file or a module is run, with all that it does; other files are only read.
    Raises: BadValue naming the file and what is wrong with it, UnknownName for a name that the file lacks, MissingExtra for ONNX.
    """
    location, _, attribute = text.partition(":")
    path = expanded(Path(location))
    if path.suffix in CHECKPOINTS:
        raise BadValue(
            f"{path} is a checkpoint, not a model.",
            why="it holds numbers, but not the layers that use them",
            mend="give the network: a zoo name, or FILE.py:CLASS",
        )
    if path.suffix in (".pt2", ".onnx", ".py") and not path.is_file():
        raise BadValue(f"there is no file {path}.", mend="check the path")
    if arguments and path.suffix in (".pt2", ".onnx"):
        raise BadValue(f"--args does not go with {path}.", why="the network in it is made already", mend="leave --args out")
    match path.suffix:
        case ".pt2":
            return _exported(path)
        case ".onnx":
            return _onnx(path)
        case _:
            with importable(location):
                return _from_python(_module(location, path), attribute, location, arguments)


def _exported(path: Path) -> nn.Module:
    from receptron.analysis.model_import.exported import ExportedNet

    return ExportedNet.read(path)


def _onnx(path: Path) -> nn.Module:
    if importlib.util.find_spec("onnx") is None:
        raise MissingExtra("reading an ONNX file", "onnx", "deploy")
    from receptron.analysis.model_import.onnx_graph import OnnxGraph

    return OnnxGraph.read(path)


def _module(location: str, path: Path) -> ModuleType:
    try:
        if path.suffix != ".py":
            return importlib.import_module(location)
        sys.dont_write_bytecode = True  # nothing is written beside a user's file
        if packages := packages_of(path):
            return importlib.import_module(".".join((*packages, path.stem)))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise BadValue(f"{path} cannot be imported.", mend="give a Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    except (ReceptronError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a user's file may raise anything while it is imported, and even end the program
        raise BadValue(f"{location} cannot be imported.", why=_told(error, path), mend="make it importable by itself") from error


def _from_python(module: ModuleType, attribute: str, location: str, arguments: Arguments) -> nn.Module:
    classes = [n for n, v in vars(module).items() if isinstance(v, type) and issubclass(v, nn.Module) and v.__module__ == module.__name__]
    names = classes + [n for n, v in vars(module).items() if isinstance(v, nn.Module)]
    if not attribute:
        if not names:
            raise BadValue(
                f"{location} defines no torch.nn.Module.", mend="give a file that does, or name a function that returns one: FILE.py:NAME"
            )
        if len(names) > 1:
            raise BadValue(
                f"{location} defines {len(names)} networks.", mend=f"name one: {', '.join(f'{location}:{n}' for n in names[:6])}"
            )
        attribute = names[0]
    if not hasattr(module, attribute):
        raise UnknownName(f"network in {location}", attribute, names)
    return _made(getattr(module, attribute), f"{location}:{attribute}", arguments)


def _made(found: object, location: str, arguments: Arguments) -> nn.Module:
    if isinstance(found, nn.Module):
        if arguments:
            raise BadValue(f"--args does not go with {location}.", why="it is a network already", mend="name its class, or a function")
        return found
    if not callable(found):
        raise BadValue(f"{location} is no network.", why=f"it is a {type(found).__name__}", mend="name a class, a function or an instance")
    try:
        net = built(lambda: found(**arguments) if isinstance(arguments, Mapping) else found(*arguments))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # as above
        raise BadValue(
            f"{location} could not be built.",
            why=_told(error, Path(location.partition(":")[0])),
            mend="give what it asks for by --args '{\"depth\": 18}', or add a function that needs nothing",
        ) from error
    if not isinstance(net, nn.Module):
        raise BadValue(f"{location} gave no network.", why=f"it returned a {type(net).__name__}", mend="return a torch.nn.Module")
    return net


def _told(error: BaseException, path: Path) -> str:
    """What a user's program raised, with the last line of the user's own file that led there."""
    file = str(path.absolute())
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{told(error)} ({path.name}, line {lines[-1]})" if lines else told(error)
