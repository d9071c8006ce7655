"""`receptron audit` on thousands of small images, half of them frames of one camera: time and memory, and how both grow.

    python benchmarks/frames_of_one_camera.py [--images 10000] [--camera still]

Made images only. Half are different scenes, half are frames in which noise, light and a small moving thing differ. The camera stands still,
shakes by a few pixels, sees day and night, or sees mostly noise (no two of its frames are copies by fine detail: the hardest case).
Each row is a run of its own: a quarter, a half, and all of the images. Time in proportion to images keeps the last column level.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE, MARGIN = 96, 4  # px; how far a shaking camera can look to each side
CAMERAS = ("still", "shaking", "day and night", "mostly noise")

Floats = NDArray[np.float64]


def scene(rng: np.random.Generator) -> Floats:
    """Shapes of all sizes, as photos have: noise whose power falls with the square of the frequency."""
    side = SIDE + 2 * MARGIN
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    shapes = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(3, side, side))) / np.maximum(frequency, 1 / side), (side, side))
    grey = shapes.mean(0, keepdims=True) + 0.3 * shapes
    low, high = np.percentile(grey, [2, 98])
    return (np.clip((grey - low) / (high - low), 0, 1) * 190 + 30).transpose(1, 2, 0)


def frame(view: Floats, number: int, camera: str, rng: np.random.Generator) -> Floats:
    """What the camera sees at that moment."""
    x, y = rng.integers(-2, 3, 2) if camera == "shaking" else (0, 0)
    seen = view[MARGIN + y : MARGIN + y + SIDE, MARGIN + x : MARGIN + x + SIDE].copy()
    if camera == "day and night" and number % 2:
        seen = seen[::-1, ::-1] * 0.2 + seen * 0.5  # other shadows
    left, top = rng.integers(0, SIDE - 8, 2)
    seen[top : top + 8, left : left + 8] = rng.uniform(0, 255, 3)
    return seen * rng.uniform(0.92, 1.08) + rng.normal(0, 60 if camera == "mostly noise" else 3, seen.shape)


def make(root: Path, images: int, camera: str) -> None:
    """Different scenes in one folder, frames in another."""
    rng = np.random.default_rng(0)
    view = scene(rng)
    for name in ("scenes", "frames"):
        (root / name).mkdir()
    for number in range(images // 2):
        for name, seen in (("scenes", scene(rng)[:SIDE, :SIDE]), ("frames", frame(view, number, camera, rng))):
            Image.fromarray(np.clip(seen, 0, 255).astype(np.uint8)).save(root / f"{name}/{number:05d}.png", compress_level=1)


def audited(root: Path) -> tuple[float, float, list[str]]:
    """Seconds and peak megabytes of the command, and what it told of copies."""
    code = "import resource, sys; from receptron.cli.app import main; sys.argv[0] = 'receptron'\ntry:\n    main()\nfinally:\n"
    code += "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    start = time.perf_counter()
    ran = subprocess.run([sys.executable, "-c", code, "audit", str(root), "--json"], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    findings = [finding["message"] for finding in json.loads(ran.stdout)["findings"] if "duplicates" in finding["kind"]]
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return seconds, int(ran.stderr.split()[-1]) / unit, findings


def main() -> None:
    """A row for a quarter, a half, and all of the images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--camera", choices=CAMERAS, default="still")
    options = parser.parse_args()
    print(f"{'images':>8} {'seconds':>8} {'peak MB':>8} {'ms an image':>12}  told of a camera that is or sees: {options.camera}")
    for images in (options.images // 4, options.images // 2, options.images):
        with tempfile.TemporaryDirectory() as name:
            make(Path(name), images, options.camera)
            seconds, megabytes, findings = audited(Path(name))
        print(
            f"{images:8,} {seconds:8.1f} {megabytes:8.0f} {seconds / images * 1000:12.2f}  {'; '.join(findings) or 'no copies'}", flush=True
        )


if __name__ == "__main__":
    main()
