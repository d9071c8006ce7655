"""Every error that Receptron raises on purpose.

ReceptronError
├── Misuse                    the request cannot be meant as it stands        exit code 2
│   ├── UnknownName           no net, layer, flag value of that name; near names are told
│   ├── BadValue              a value out of its range or not parseable
│   ├── UnclearLayout         folders that can be read in more than one way
│   ├── ImageTooSmall         an image or size that a network cannot take
│   ├── TooLittleTime         less time than the shortest training takes
│   ├── WouldReplace          something that is there would be lost, and nobody asked for that
│   └── MissingExtra          a feature whose optional dependency is not installed
├── DataFault                 the images or their table are at fault          exit code 1
│   ├── NoImages              nothing to work on
│   ├── UnreadableImage       one image file that cannot be decoded, and why
│   ├── UnreadableFolder      folders whose content cannot be listed, and why
│   ├── BrokenImages          more unreadable images than allowed
│   └── BadTable              a CSV or Parquet row that cannot be used
├── WeightsFault              a checkpoint is at fault                        exit code 1
│   ├── WeightsUnavailable    not in the cache and not to be fetched
│   ├── CheckpointMismatch    names or shapes that do not fit the network
│   └── UnsafeCheckpoint      a file that is too large, too deep or not plain tensors
├── BundleFault               a model directory is at fault                   exit code 1
│   ├── NotABundle            no model directory at that place
│   └── BundleCorrupt         a file that differs from its manifest
├── StorageFault              a write that did not reach the disk             exit code 1
│   └── InUse                 another process writes in the same folder
├── TrainingFault             training cannot go on                           exit code 1
│   └── NonFinite             NaN or infinity in loss, gradient, statistics or metric
└── AnalysisFault             a network cannot be recorded or measured        exit code 1
    ├── Uncopyable            a network with something in it that cannot be copied
    ├── ShapeClash            two layers whose shapes do not fit
    ├── ForwardFault          a forward pass that breaks off for another reason
    └── NotLocal              a question about a window asked of a layer that sees everything

Each says what happened, why, and how to mend it, in printable text: a line break in it is ours, never one of a stranger's name.
One more AnalysisFault, Unrecordable, carries the tape of a forward pass up to where it broke off, and so stands beside it in
analysis/recording/forward.py.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from receptron.fault_kind import FaultKind
from receptron.printable import printable

Lines = str | tuple[str, ...]
"""One line of text, or several."""
MOST_FOLDERS = 20  # named at once


class ReceptronError(Exception):
    """What happened, why, and how to mend it; the three lines that a user reads. Every error raised on purpose is one.

    Args:
        what: What happened, with the values at fault.
        why: Why, in one line or several.
        mend: What to do about it, in one line or several.

    Example:
        >>> print(ReceptronError("nothing there.", mend="look elsewhere"))
        nothing there.
          Mend: look elsewhere
    """

    exit_code = 1

    def __init__(self, what: str, *, why: Lines = "", mend: Lines = "") -> None:
        self.what, self.why, self.mend = printable(what), _joined(why), _joined(mend)
        super().__init__(self.what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.why:
            lines.append(f"  Why: {self.why}")
        if self.mend:
            lines.append(f"  Mend: {self.mend}")
        return "\n".join(lines)


def _joined(lines: Lines) -> str:
    return printable(lines) if isinstance(lines, str) else "\n    ".join(map(printable, lines))


class Misuse(ReceptronError):
    """The request cannot be meant as it stands: a flag that a command does not have, or one of the kinds below."""

    exit_code = 2


class UnknownName(Misuse):
    """A name that nothing bears; the nearest known names are told. `build("resnet5O")` raises it."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, mend: str = "") -> None:
        known, name = sorted(known), str(name)  # from Python anything may come
        near = get_close_matches(name, known, n=3, cutoff=0.6) or get_close_matches(name.lower(), known, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        shown = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
        super().__init__(f"no {kind} named {name!r}.{hint}", mend=mend or (f"use one of: {shown}" if known and not near else ""))
        self.kind, self.name, self.near = kind, name, near


class BadValue(Misuse):
    """A value out of its range or not parseable. `build("resnet50", classes=0)` raises it."""


class UnclearLayout(Misuse):
    """Folders of images that can be read in more than one way, or in none; `readings` are the ways that there are.

    `audit` raises it for a folder of test/ and val/, sides without one for training.
    """

    def __init__(self, what: str, readings: Lines, *, mend: str) -> None:
        super().__init__(what, why=readings, mend=mend)
        self.readings = readings


class ImageTooSmall(Misuse):
    """An image, or a requested size, that a network cannot take. `build("alexnet", pixels=32)` raises it."""


class TooLittleTime(Misuse):
    """The time that was given does not suffice for the least that must be done.

    `train` raises it where the backbone cannot see every image once before the time is over.
    """


class WouldReplace(Misuse):
    """Something that is there would be lost, and nobody asked for that. `train` raises it for an `out` that holds a finished run."""


class MissingExtra(Misuse):
    """A feature whose optional dependency is not installed. `audit` raises it for a Parquet table where pyarrow is not here."""

    def __init__(self, feature: str, package: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs the package {package}, which is not installed.",
            mend=f"pip install 'receptron[{extra}]'",
        )


class DataFault(ReceptronError):
    """The images or their table are at fault. `train` raises it for images of one class only."""


class NoImages(DataFault):
    """Nothing to work on. `audit` raises it for a folder without an image."""


class UnreadableImage(DataFault):
    """One image file that cannot be decoded; `reason` says why in a few plain words, `kind` for code to ask.

    Decoding a photo that breaks off raises it; `predict` and `audit` turn it into a fault of that image, and go on with the others.
    """

    def __init__(self, source: str, reason: str, kind: FaultKind = FaultKind.DAMAGED, *, mend: str = "") -> None:
        super().__init__(f"{source} cannot be read: {reason}.", mend=mend or kind.cure)
        self.source, self.reason, self.kind = source, reason, kind


class UnreadableFolder(DataFault):
    """Folders whose content cannot be listed; `folders` holds each with the reason, `kind` is the first one's.

    `audit` raises it for a class folder that the user has no right to read.
    """

    def __init__(self, root: str, folders: list[tuple[str, str]], kind: FaultKind) -> None:
        shown = tuple(f"{path}: {reason}" for path, reason in folders[:MOST_FOLDERS])
        more = (f"and {len(folders) - MOST_FOLDERS:,} more",) if len(folders) > MOST_FOLDERS else ()
        super().__init__(f"not all folders of {root} can be looked into.", why=(*shown, *more), mend=kind.cure)
        self.folders, self.kind = folders, kind


class BrokenImages(DataFault):
    """More unreadable images than allowed. `train` raises it where over 1 % of the images are damaged."""


class BadTable(DataFault):
    """A CSV or Parquet row that cannot be used. `audit` raises it for a table whose line 3 has no label."""


class WeightsFault(ReceptronError):
    """A checkpoint is at fault, in one of the ways below."""


class WeightsUnavailable(WeightsFault):
    """Weights that are neither in the cache nor to be fetched. `build("lenet5", pretrained="gone.safetensors")` raises it."""


class CheckpointMismatch(WeightsFault):
    """Names or shapes of a checkpoint that do not fit the network. `build` raises it for weights of another net."""


class UnsafeCheckpoint(WeightsFault):
    """A file that is too large, too deep, or holds more than plain tensors. `build` raises it for a pickle of a whole network."""


class BundleFault(ReceptronError):
    """A model directory is at fault. `load` raises it for one of a format that this version does not know."""


class NotABundle(BundleFault):
    """No model directory at that place. `load` raises it for a folder of photos."""


class BundleCorrupt(BundleFault):
    """A file of a model directory that differs from its manifest. `load` raises it where one bit of the weights has flipped."""


class StorageFault(ReceptronError):
    """A write that did not reach the disk. `train` raises it where the disk is full."""


class InUse(StorageFault):
    """Another process writes in the same folder. `train` raises it for the `out` of a run that is still going on."""


class TrainingFault(ReceptronError):
    """Training cannot go on, as below."""


class NonFinite(TrainingFault):
    """NaN or infinity in a loss, gradient, statistic or metric. `train` raises it where the loss becomes NaN."""


class AnalysisFault(ReceptronError):
    """A network cannot be recorded or measured. An ONNX file with operators that are not known here raises it."""


class Uncopyable(AnalysisFault):
    """Something in a network that has no copy, and where it is kept. `record` raises it for a network that keeps an open file."""


class ShapeClash(AnalysisFault):
    """Two layers whose shapes do not fit. `receptron inspect` ends in it for a convolution of 4 channels behind one that gives 8."""


class ForwardFault(AnalysisFault):
    """A forward pass that breaks off otherwise: a layer that refuses its input, a view, types, missing arguments. `receptron inspect`
    ends in it for a GroupNorm of 16 channels behind a layer that gives 12.
    """


class NotLocal(AnalysisFault):
    """A question about a window, asked of a layer that sees the whole image. `Field.size` raises it behind a global pooling."""
