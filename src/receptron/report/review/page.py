"""The suspects of a run as one page: each picture between examples of its label and of the class that it more probably is."""

from dataclasses import dataclass
from pathlib import Path

from receptron.data.reading.file_bytes import IMAGE_MEMORY, within
from receptron.evaluation.records import SuspectLabel
from receptron.report import words
from receptron.report.frame import framed
from receptron.report.thumbnails import Pictures, Thumbnails, from_folder
from receptron.report.training.selection import Shown
from receptron.training.records import Run

MOST = 150  # suspects with pictures; all are in the table
SIDE = 128  # px of a picture's longer side


@dataclass(frozen=True)
class Doubted:
    """One suspect with pictures: its own, and of believed images of both classes."""

    rank: int
    image: Shown
    suspect: SuspectLabel
    examples: tuple[Shown, ...]
    likelier_examples: tuple[Shown, ...]


def review_page(run: Run, folder: Path, images: Pictures | None = None) -> str:
    """HTML of the page; `images` gives the bytes of an image by its path in the record, else they are read below the audited root."""
    limits = within(float(run.settings.get("image memory", IMAGE_MEMORY)))
    picture = Thumbnails(images or from_folder(run.audit.root, limits), run.card.depth, limits, side=SIDE)
    found = run.suspects.images if run.suspects else ()
    values = {
        "run": run, "folder": folder, "all": len(found), "looked_at": run.suspects.looked_at if run.suspects else 0,
        "judged_by": run.suspects.judged_by if run.suspects else "",
        "doubted": [_doubted(rank, one, picture) for rank, one in enumerate(found[:MOST], start=1)],
    }  # fmt: skip
    return framed("review/page.html.j2", values, {"percent": words.percent, "shortened": words.shortened}, ["review/page.css"])


def _doubted(rank: int, one: SuspectLabel, picture: Thumbnails) -> Doubted:
    def shown(paths: tuple[str, ...]) -> tuple[Shown, ...]:
        return tuple(Shown(path, picture(path)) for path in paths)

    return Doubted(rank, shown((one.path,))[0], one, shown(one.examples), shown(one.likelier_examples))
