"""Names of folders that stand for a side of a split: `train`, `Training Set`, `01-val`, `train2017`, `seg_test`, `my_train`.

>>> side_of("train2017"), side_of("Validation Set"), side_of("seg_pred"), side_of("trainers")
('train', 'val', 'test', None)
>>> affix("seg_train"), affix("train_set_2"), affix("test_tube")
('seg', '', 'tube')
"""

import re
import unicodedata

from receptron.data.records import SIDES

# Words that say nothing of what a folder holds: beside a side's name they change nothing, and alone they are no class.
CONTAINERS = frozenset(
    {"image", "images", "img", "imgs", "photo", "photos", "picture", "pictures", "pic", "pics", "data", "dataset", "datasets", "files"}
)
ANNOTATIONS = frozenset({"label", "labels", "mask", "masks", "annotation", "annotations", "segmentation", "segmentations", "bbox", "boxes"})
UNKNOWN = frozenset({"unknown", "unlabeled", "unlabelled", "unsup", "unsupervised", "all", "none"})
_NEUTRAL = CONTAINERS | {"set", "sets", "folder", "folders", "dir", "split", "splits", "side", "part", "subset", "the"}
_WORD = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])")
_FOLD = re.compile(r"(cv|(cv|k)?[\W_]*fold)[\W_]*\d+", re.IGNORECASE)
_HELD_OUT = re.compile(r"(h[eo]ld)[\W_]out", re.IGNORECASE)


def side_of(name: str) -> str | None:
    """ "train", "val" or "test" if that is what a folder of this name sounds like; None for any other, and for names of two sides."""
    sides = [side for word in _words(name) if (side := _side(word))]
    if sides in (["train", "val"], ["test", "val"]):  # trainval is all that is not for the test; test-dev is for it
        return sides[0]
    return sides[0] if len(set(sides)) == 1 else None


def affix(name: str) -> str:
    """What a side's name says besides the side: numbers and words such as `set` say nothing."""
    return " ".join(word for word in _words(name) if not _side(word) and word not in _NEUTRAL)


def is_fold(name: str) -> bool:
    """Whether the name is that of a part of a cross-validation: "fold_1", "Fold 03", "cv-fold2", "cv1"."""
    return bool(_FOLD.fullmatch(name))


def says_nothing(name: str) -> bool:
    """Whether the name is no class's: "images", "data", "masks", "unlabeled"."""
    words = _words(name)
    return bool(words) and all(word in _NEUTRAL | ANNOTATIONS | UNKNOWN for word in words)


def _words(name: str) -> list[str]:
    together = _HELD_OUT.sub(r"\1out", unicodedata.normalize("NFC", name))
    return [word.casefold() for word in _WORD.findall(together)]


def _side(word: str) -> str | None:
    if word in SIDES:
        return SIDES[word]
    stem = next((side for side in sorted(SIDES, key=len, reverse=True) if word.startswith(side)), None)
    if stem is None:
        return None
    rest = word.removeprefix(stem)
    known = rest in _NEUTRAL or rest == ("val" if stem == "train" else "s")  # trains are vehicles
    return SIDES[stem] if known else None
