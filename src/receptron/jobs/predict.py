"""`receptron predict`: what a model says of files, folders, patterns and lists of them."""

import csv
import io
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from receptron.bundle.model import load
from receptron.bundle.predictor import BATCH
from receptron.data.augmentation.prediction_views import check_views
from receptron.data.dataset.scan import find_images
from receptron.data.reading.file_bytes import IMAGE_MEMORY, within
from receptron.data.tables.spreadsheet_cells import safe_cell
from receptron.data.unused import Unused
from receptron.errors import BadValue, NoImages, UnreadableFolder
from receptron.evaluation.novelty.scorer import SCORES
from receptron.evaluation.records import Answer
from receptron.given_path import check_given
from receptron.jobs.path_list import LONGEST, ListedPath, is_list
from receptron.progress import Progress, Silent

_NOVELTY = ["none_of_these", "by", *(name.replace(" ", "_").lower() for name in SCORES)]


@dataclass(frozen=True)
class Predicted:
    """Answers in the order of the paths that were given; broken ones have a `fault` and no class.

    Attributes:
        model: The model directory.
        classes: Class names in the order of the network's outputs.
        answered: Images that were answered.
        broken: Files and paths that were not.
        answers: One for each.
        unused: What lies in the folders asked about and is no image, and why.
        coverage: Share of images whose true class is among the answer's `candidates`; None where that is not known, and with several views.
        strange: Share of images of known classes that `novelty` calls none of them, about; None where the model does not know.
        strange_unknown: Why it does not know; empty where it does.

    Example:
        >>> found = predict("digits-model", ["gone.png", "scans"])
        >>> found.answered, found.broken, found.answers[0].fault
        (2, 1, 'no such file')
    """

    model: Path
    classes: tuple[str, ...]
    answered: int
    broken: int
    answers: tuple[Answer, ...]
    unused: tuple[Unused, ...] = ()
    coverage: float | None = None
    strange: float | None = None
    strange_unknown: str = ""


def predict(
    model: str | Path,
    paths: Iterable[str | Path | ListedPath],
    *,
    batch: int = BATCH,
    device: str = "cpu",
    progress: Progress | None = None,
    image_memory: float = IMAGE_MEMORY,
    views: int = 1,
    net: str | None = None,
) -> Predicted:
    """Answers for every image that some paths name, in the order of the paths.

    A path that names nothing and a file that cannot be read become answers with a fault, where they stand; the rest are answered. A file
    that is named several times has as many answers; what folders and patterns give is answered once.

    Args:
        model: The model directory.
        paths: Files, folders with all below, patterns such as `photos/*.jpg`.
        batch: Images that go through the network at once, at most.
        device: "cpu", "cuda", "mps", ... as torch names them, or "auto".
        progress: Told how far it is; None: nobody.
        image_memory: Megabytes that one image may take while it is decoded.
        views: Views of each image whose probabilities are averaged, 1 to 32; 1 is the centre alone.
        net: FILE.py or FILE.py:CLASS, for a model of a network of your own.

    Returns:
        Answers in the order of the paths.

    Raises:
        NotABundle: If no model directory is there.
        BundleCorrupt: For a file of it that is not as it was written.
        BundleFault: For a format or a net that this version does not know, and for a network of your own without its very file.
        BadValue: For an empty path, paths that are no list, a device that is not here, and a number out of its range.
        NonFinite: If the network answers NaN or infinity, naming the images.
        ForwardFault: For what the code of a network of your own raises.

    Example:
        >>> [answer.path for answer in predict("digits-model", ["scans/*.png"]).answers]
        ['scans/first.png', 'scans/second.png']
    """
    if isinstance(paths, (str, Path)) or not isinstance(cast(object, paths), Iterable):
        raise BadValue("paths must be a list of paths.", why=f"what came is a {type(paths).__name__}", mend="put it into a list: [path]")
    paths = list(paths)
    for path in paths:
        if not isinstance(path, ListedPath):
            check_given(path)
    check_views(views)
    loaded = load(model, device, within(image_memory), net)
    for note in loaded.notes:
        (progress or Silent()).tell(note)
    asked = _Asked()
    for path in paths:
        asked.add(path)
    answers = asked.answered(loaded.predict(list(asked.places), batch, progress, views))
    broken = sum(not answer.answered for answer in answers)
    rule = loaded.card.sets
    coverage = rule.coverage if rule and rule.least and views == 1 else None
    if rule and rule.least and views > 1:
        told = f"Which classes an image may be of at {100 * rule.coverage:g} % is unknown with {views} views: it was measured with one."
        (progress or Silent()).tell(told)
    if loaded.card.offsets:
        told = (
            "Answers weigh each class alike, as it was trained; probabilities are by the shares of its images, so another may be likelier."
        )
        (progress or Silent()).tell(told)
    strange = loaded.card.novelty.share if loaded.card.novelty else None
    unknown = "" if strange else loaded.card.novelty_unknown or "the model was made by a version that did not look for it"
    return Predicted(Path(model), loaded.classes, len(answers) - broken, broken, answers, tuple(asked.unused), coverage, strange, unknown)


def table(predicted: Predicted, top: int = 1) -> str:
    """CSV: path, fault, class and probability of the `top` likeliest, the candidates with `|` between them where there are such, then
    where the model can tell whether the image is none of these (yes or no), which score says so, and both scores.

    Line breaks and quotes are quoted, NUL is taken out, and cells that a spreadsheet would run as a formula get a leading apostrophe.
    Raises: BadValue.
    """
    if top < 1:
        raise BadValue(f"top is {top}.", why="it must be 1 or more", mend="leave it out for the likeliest class only")
    ranks = range(1, min(top, len(predicted.classes)) + 1)
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    ranked = [name for rank in ranks for name in (f"class_{rank}", f"probability_{rank}")]
    rows.writerow(["path", "fault", *ranked, *_candidates_head(predicted), *(_NOVELTY if predicted.strange else [])])
    for answer in predicted.answers:
        likeliest = [cell for label, chance in answer.top(len(ranks)) for cell in (safe_cell(label), f"{chance:.6f}")]
        candidates = [safe_cell("|".join(answer.candidates))] if predicted.coverage else []
        novelty = _novelty(answer) if predicted.strange else []
        cells = [*(likeliest or [""] * 2 * len(ranks)), *candidates, *novelty]
        rows.writerow([safe_cell(answer.path), safe_cell(answer.fault or ""), *cells])
    return text.getvalue()


def _novelty(answer: Answer) -> list[str]:
    found = answer.novelty
    if found is None:
        return [""] * len(_NOVELTY)
    return ["yes" if found.none_of_these else "no", "|".join(found.by), f"{found.neighbours:.6f}", f"{found.mahalanobis:.6f}"]


def _candidates_head(predicted: Predicted) -> list[str]:
    return [f"candidates_{100 * predicted.coverage:g}_percent"] if predicted.coverage else []


class _Asked:
    """What paths name, in their order: a place in the list of files for each answer, or the answer that a path gets that names nothing."""

    def __init__(self) -> None:
        self.places: dict[str | Path, int] = {}  # of each file that is looked at
        self.answers: list[int | Answer] = []
        self.unused: dict[Unused, None] = {}

    def add(self, path: str | Path | ListedPath) -> None:
        """What a line of a list names, or an argument outright, is answered each time; what a folder or pattern gives, once."""
        if isinstance(path, ListedPath):
            name, where, reason = path.text, f" (line {path.line:,} of the list)", path.fault
            name = name if len(name) < LONGEST else f"{name[:80]} ..."
        else:
            name, where, reason = path, "", ""
        if reason:
            self.answers.append(_missing(str(name), reason + where))
            return
        try:
            found = find_images([name], patterns=not where)
        except UnreadableFolder as error:
            self.answers += [_missing(folder, why + where) for folder, why in error.folders]
        except NoImages:
            self.answers.append(_missing(str(name), f"no image in it{where}"))
        except BadValue:
            self.answers.append(_missing(str(name), f"no such file{where}"))
        else:
            outright = len(found.files) == 1 and found.files[0] == Path(name).expanduser()
            if outright and not where and is_list(found.files[0]):
                self.answers.append(_missing(str(name), f"a list of paths, no image: give it as - < {shlex.quote(str(name))}"))
                return
            self.answers += [self._place(file) for file in found.files if outright or where or file not in self.places]
            self.unused |= dict.fromkeys(found.unused)

    def _place(self, file: Path) -> int:
        return self.places.setdefault(file, len(self.places))

    def answered(self, given: Sequence[Answer]) -> tuple[Answer, ...]:
        """All answers, with those that the model gave for the files."""
        return tuple(given[one] if isinstance(one, int) else one for one in self.answers)


def _missing(path: str, reason: str) -> Answer:
    return Answer(path.encode(errors="backslashreplace").decode(), "", 0.0, {}, fault=reason)
