"""`receptron predict`: what a model says of files, folders, patterns and lists of them."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from receptron.bundle.model import BATCH, load
from receptron.data.dataset.scan import find_images
from receptron.data.reading.file_bytes import IMAGE_MEMORY, within
from receptron.data.unused import Unused
from receptron.errors import BadValue, NoImages, UnreadableFolder
from receptron.evaluation.records import Answer
from receptron.given_path import check_given
from receptron.progress import Progress

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is run by spreadsheets: OWASP, CSV Injection


@dataclass(frozen=True)
class Predicted:
    """Answers in the order of the files; broken ones have a `fault` and no class.

    Attributes:
        model: The model directory.
        classes: Class names in the order of the network's outputs.
        answered: Images that were answered.
        broken: Files and paths that were not.
        answers: One for each, those for paths that name nothing last.
        unused: What lies in the folders asked about and is no image, and why.

    Example:
        >>> found = predict("digits-model", ["gone.png", "scans"])
        >>> found.answered, found.broken, found.answers[-1].fault
        (2, 1, 'no such file')
    """

    model: Path
    classes: tuple[str, ...]
    answered: int
    broken: int
    answers: tuple[Answer, ...]
    unused: tuple[Unused, ...] = ()


def predict(
    model: str | Path,
    paths: Iterable[str | Path],
    *,
    batch: int = BATCH,
    device: str = "cpu",
    progress: Progress | None = None,
    image_memory: float = IMAGE_MEMORY,
) -> Predicted:
    """Answers for every image that some paths name, each file once.

    A path that names nothing and a file that cannot be read become answers with a fault; the rest are answered.

    Args:
        model: The model directory.
        paths: Files, folders with all below, patterns such as `photos/*.jpg`.
        batch: Images that go through the network at once, at most.
        device: "cpu", "cuda", "mps", ... as torch names them, or "auto".
        progress: Told how far it is; None: nobody.
        image_memory: Megabytes that one image may take while it is decoded.

    Returns:
        Answers in the order of the files.

    Raises:
        NotABundle: If no model directory is there.
        BundleCorrupt: For a file of it that is not as it was written.
        BundleFault: For a format or a net that this version does not know.
        BadValue: For an empty path, paths that are no list, a device that is not here, and a number out of its range.
        NonFinite: If the network answers NaN or infinity, naming the images.

    Example:
        >>> [answer.path for answer in predict("digits-model", ["scans/*.png"]).answers]
        ['scans/first.png', 'scans/second.png']
    """
    if isinstance(paths, (str, Path)) or not isinstance(cast(object, paths), Iterable):
        raise BadValue("paths must be a list of paths.", why=f"what came is a {type(paths).__name__}", mend="put it into a list: [path]")
    paths = list(paths)
    for path in paths:
        check_given(path)
    loaded = load(model, device, within(image_memory))
    files, missing, unused = _named(paths)
    answers = [*loaded.predict(files, batch, progress), *missing]
    broken = sum(not answer.answered for answer in answers)
    return Predicted(Path(model), loaded.classes, len(answers) - broken, broken, tuple(answers), tuple(unused))


def listed(text: bytes) -> list[str]:
    """Paths of a list: one per line, or separated by NUL where there is one (`find -print0`); names keep their bytes."""
    parts = text.split(b"\0") if b"\0" in text else [line.removesuffix(b"\r") for line in text.split(b"\n")]
    return [part.decode(errors="surrogateescape") for part in parts if part]


def table(predicted: Predicted, top: int = 1) -> str:
    """CSV: path, fault, then class and probability of the `top` likeliest.

    Line breaks and quotes are quoted, NUL is taken out, and cells that a spreadsheet would run as a formula get a leading apostrophe.
    Raises: BadValue.
    """
    if top < 1:
        raise BadValue(f"top is {top}.", why="it must be 1 or more", mend="leave it out for the likeliest class only")
    ranks = range(1, min(top, len(predicted.classes)) + 1)
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    rows.writerow(["path", "fault", *(name for rank in ranks for name in (f"class_{rank}", f"probability_{rank}"))])
    for answer in predicted.answers:
        likeliest = [cell for label, chance in answer.top(len(ranks)) for cell in (_safe(label), f"{chance:.6f}")]
        rows.writerow([_safe(answer.path), _safe(answer.fault or ""), *(likeliest or [""] * 2 * len(ranks))])
    return text.getvalue()


def _named(paths: Iterable[str | Path]) -> tuple[list[str | Path], list[Answer], list[Unused]]:
    files: dict[str | Path, None] = {}
    missing: list[Answer] = []
    unused: dict[Unused, None] = {}
    for path in paths:
        try:
            found = find_images([path])
        except UnreadableFolder as error:
            missing += [_missing(folder, reason) for folder, reason in error.folders]
        except NoImages:
            missing.append(_missing(str(path), "no image in it"))
        except BadValue:
            missing.append(_missing(str(path), "no such file"))
        else:
            files |= dict.fromkeys(found.files)
            unused |= dict.fromkeys(found.unused)
    return list(files), missing, list(unused)


def _missing(path: str, reason: str) -> Answer:
    return Answer(path.encode(errors="backslashreplace").decode(), "", 0.0, {}, fault=reason)


def _safe(cell: str) -> str:
    plain = cell.replace("\0", "")
    return f"'{plain}" if plain.startswith(_FORMULA) else plain
