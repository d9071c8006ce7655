"""Real images that a dependency ships: scikit-learn's 1,797 scanned digits, written once as PNG files in class folders.

Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI 1998; 8 x 8 px, 17 grey levels.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from receptron.atomic_write import write_folder
from receptron.cache_dir import cache

DIGITS = "digits"
COUNT = 1797
_LEVELS = 16


def digits() -> Path:
    """Folder with one class folder per digit, in the user's cache; made at the first call."""
    place = cache("samples") / DIGITS
    if sum(1 for _ in place.glob("*/*.png")) != COUNT:
        write_folder(place, _fill)
    return place


def _fill(folder: Path) -> None:
    from sklearn.datasets import load_digits

    flat, labels = load_digits(return_X_y=True)
    pixels = np.rint(np.asarray(flat) * (255 / _LEVELS)).astype(np.uint8).reshape(-1, 8, 8)
    for label in np.unique(labels):
        (folder / str(label)).mkdir()
    for index, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        Image.fromarray(image).save(folder / str(label) / f"{index:04d}.png")
