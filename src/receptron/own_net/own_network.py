"""From `FILE.py:CLASS` to networks of it, each fresh, for so many classes and channels."""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import torch
from torch import Tensor, nn

from receptron.errors import BadValue, BundleFault, CheckpointMismatch, UnknownName
from receptron.given_path import expanded
from receptron.own_net.isolated_import import imported, root_of
from receptron.own_net.record import OwnNetRecord, check_same
from receptron.own_net.shaping import OwnClassifier, class_layer_of, shaped
from receptron.own_net.users_code import fenced
from receptron.records import short

# What a constructor may call the number of classes, and that of the image's channels. `channels` alone is often a width, so it is not here.
CLASSES = ("classes", "num_classes", "n_classes", "nb_classes", "nclasses", "numclasses", "num_class", "n_class", "nclass", "class_count",
    "num_labels", "n_labels", "out_classes", "output_classes", "num_outputs", "n_outputs",
)  # fmt: skip
CHANNELS = ("in_channels", "in_chans", "in_ch", "c_in", "input_channels", "num_input_channels", "n_input_channels", "image_channels")
SAMPLE = 4  # images that a network is tried on
ARGUMENTS = "give what it asks for by --args '{\"depth\": 18}', or let it have defaults"


def is_own(name: str | None) -> bool:
    """Whether a net is named as a place in Python, and not as one of the zoo."""
    return name is not None and (":" in name or Path(name).suffix == ".py")


@dataclass(frozen=True)
class OwnNet:
    """A class or function of a user's file, and what it is known again by."""

    found: Callable[..., object]
    place: str  # net.py:SmallNet
    root: Path  # of the files that count as the user's
    record: OwnNetRecord
    elsewhere: tuple[str, ...] = ()  # modules that no digest covers, and are no installed packages

    @property
    def sized(self) -> str:
        """What its constructor calls the number of classes; empty where it has no such parameter, or `--args` gave it."""
        return self._parameter(CLASSES)

    @property
    def fed(self) -> str:
        """The same for the channels of the image."""
        return self._parameter(CHANNELS)

    def fresh(self, classes: int, channels: int) -> nn.Module:
        """A new network. Raises: ForwardFault with the line of the user's file; BadValue for what is no network."""
        with fenced(f"building {self.place}", self.root, ARGUMENTS):
            net = self._called(classes, channels)
        if not isinstance(net, nn.Module):
            raise BadValue(f"{self.place} gave no network.", why=f"it returned a {type(net).__name__}", mend="return a torch.nn.Module")
        return net

    def classifier(self, classes: int, sample: tuple[int, int], state: Mapping[str, Tensor] | None = None) -> OwnClassifier:
        """A new network as training wants it, for images of `sample`, channels and pixels; with `state` its numbers are those of a file."""
        (channels, pixels), net = sample, self.fresh(classes, sample[0])
        images = torch.randn(SAMPLE, channels, pixels, pixels, generator=torch.Generator().manual_seed(0))
        with fenced(f"{self.place}, fed with {tuple(images.shape)},", self.root):
            net.eval()
            fitted = () if state is None else _loaded(net, state, class_layer_of(net, images), self.place)
            made = shaped(net, images, self.place, self.root)
        made.fitted, made.name = fitted, self.place
        return made

    def _called(self, classes: int, channels: int) -> object:
        arguments = arguments_of(self.record.arguments)
        by_name: dict[str, Any] = dict(arguments) if isinstance(arguments, Mapping) else {}
        by_place = () if isinstance(arguments, Mapping) else arguments
        given = {name: number for name, number in ((self.sized, classes), (self.fed, channels)) if name}
        return self.found(*by_place, **by_name, **given)

    def _parameter(self, names: tuple[str, ...]) -> str:
        try:
            known = inspect.signature(self.found)
        except (TypeError, ValueError):
            return ""
        arguments = arguments_of(self.record.arguments)
        bound = set(arguments) if isinstance(arguments, Mapping) else set(list(known.parameters)[: len(arguments)])
        kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return next((name for name in names if name in known.parameters and name not in bound and known.parameters[name].kind in kinds), "")


def arguments_of(text: str) -> Mapping[str, Any] | Sequence[Any]:
    """What --args says: called by name, or by place. Raises: BadValue."""
    try:
        found: object = json.loads(text or "[]")
    except (ValueError, RecursionError) as error:
        raise BadValue(f"--args {text[:80]!r} is no JSON.", why=str(error)[:200], mend="write it like --args '{\"depth\": 18}'") from error
    if not isinstance(found, dict | list):
        raise BadValue(f"--args {text[:80]!r} is neither names nor a list.", mend="write it like --args '{\"depth\": 18}', or '[18]'")
    return cast(Mapping[str, Any] | Sequence[Any], found)


def read_own(text: str, arguments: str = "", record: OwnNetRecord | None = None) -> OwnNet:
    """Import the file that `text` names, FILE.py or FILE.py:NAME; with `record` only if it is the very file that this is of.

    Raises: BadValue, UnknownName; ForwardFault for what the file raises; BundleFault where it differs from the record.
    """
    location, _, name = (
        text.partition(":") if text[1:3] != ":\\" else (text[:2] + text[2:].partition(":")[0], "", text[2:].partition(":")[2])
    )
    path = expanded(Path(location)).absolute()
    if path.suffix != ".py" or not path.is_file():
        why = "a network of one's own is the file and the class in it" if path.suffix != ".py" else "there is no such file"
        raise BadValue(f"--net {text} is no Python file.", why=why, mend="write it like --net net.py:SmallNet")
    path = path.parent.resolve() / path.name
    arguments_of(arguments)
    if record:
        _check_named(record, name, path)
        check_same(record, path, root_of(path))
        name, arguments = record.name, record.arguments
    with fenced(f"importing {path.name}", root_of(path), "make it importable by itself"):
        seen = imported(path)
    if record and (strange := sorted(seen.sources.items() - record.sources.items())):
        why = f"the model was made without {strange[0][0]}"
        raise BundleFault(f"{path} imports other files than when the model was made.", why=why, mend="give the folder as it was")
    name = name or _only(seen.module, path.name)
    if not hasattr(seen.module, name):
        raise UnknownName(f"network in {path.name}", name, _networks(seen.module))
    found: object = getattr(seen.module, name)
    if isinstance(found, nn.Module) or not callable(found):
        why = (
            f"it is a {type(found).__name__}, and each fold wants a fresh one"
            if isinstance(found, nn.Module)
            else f"it is a {type(found).__name__}"
        )
        raise BadValue(f"{path.name}:{name} makes no networks.", why=why, mend="name its class, or a function that returns one")
    made = record or OwnNetRecord(path.relative_to(seen.root).as_posix(), name, arguments, seen.sources)
    return OwnNet(found, made.shown, seen.root, made, seen.elsewhere)


def _check_named(record: OwnNetRecord, name: str, path: Path) -> None:
    if name and name != record.name:
        raise BundleFault(f"the model was made with {record.shown}, not with {path.name}:{name}.", mend=f"--net {path}:{record.name}")


def _networks(module: ModuleType) -> list[str]:
    """Networks that the file itself defines."""
    found = vars(module).items()
    return [name for name, it in found if isinstance(it, type) and issubclass(it, nn.Module) and it.__module__ == module.__name__]


def _only(module: ModuleType, file: str) -> str:
    names = _networks(module)
    if len(names) == 1:
        return names[0]
    if not names:
        raise BadValue(f"{file} defines no torch.nn.Module.", mend="name a function that returns one: FILE.py:NAME")
    raise BadValue(f"{file} defines {len(names)} networks.", mend=f"name one: {', '.join(f'{file}:{name}' for name in names[:6])}")


def _loaded(net: nn.Module, state: Mapping[str, Tensor], layer: str, place: str) -> tuple[str, ...]:
    """Put a file's tensors into `net`, in place; a class layer of another number of classes starts afresh, and that is told.

    Raises: CheckpointMismatch.
    """
    ours = net.state_dict()
    odd = [f"{short(name)} is missing" for name in ours if name not in state]
    odd += [f"{short(name)} is no tensor of it" for name in state if name not in ours]
    unlike = [name for name in ours if name in state and ours[name].shape != state[name].shape]
    head = {f"{layer}.weight", f"{layer}.bias"} & ours.keys() if layer else set[str]()
    afresh = bool(unlike) and set(unlike) <= head and all(ours[name].shape[1:] == state[name].shape[1:] for name in head)
    if not afresh:
        odd += [f"{short(name)} is {list(state[name].shape)}, not {list(ours[name].shape)}" for name in unlike]
    if odd:
        shown = (*odd[:4], *((f"and {len(odd) - 4:,} more",) if len(odd) > 4 else ()))
        raise CheckpointMismatch(f"the weights do not fit {place}.", why=shown, mend="give the state_dict of this very network, made alike")
    told: tuple[str, ...] = ()
    if afresh:
        counts = [len(of[f"{layer}.weight"]) for of in (ours, state)]
        told = (f"{layer} starts afresh: {counts[0]:,} classes were asked for, the file has {counts[1]:,}",)
        state = {**state, **{name: ours[name] for name in head}}
    try:
        net.load_state_dict(dict(state))
    except RuntimeError as error:
        raise CheckpointMismatch(f"the weights do not fit {place}.", why=str(error).splitlines()[-1].strip()) from error
    return told


def outputs_fault(answer: object, images: int, classes: int) -> str:
    """Why what a network gives is no (N, classes); empty where it is."""
    if not isinstance(answer, Tensor):
        held = f"a {type(answer).__name__}"
        if isinstance(answer, tuple | list):
            held += f" of {len(cast(Sequence[object], answer))}"
        return f"it gives {held}, not one tensor of class scores"
    if answer.shape != (images, classes):
        return f"it gives {tuple(answer.shape)} for {images} images of {classes} classes, not ({images}, {classes})"
    return "" if answer.is_floating_point() else f"its scores are {answer.dtype}, no floats"
