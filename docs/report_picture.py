"""Takes the picture of a report that the README shows: `python docs/report_picture.py MODEL/report.html docs/report.png`.

Needs the packages of the extra `test` and a Chromium.
"""

import io
import sys
from pathlib import Path
from shutil import which

from PIL import Image
from playwright.sync_api import sync_playwright

WIDTH, HEIGHT, COLOURS = 1280, 1080, 128


def take(report: Path, picture: Path) -> None:
    """The top of the page as a PNG with a small palette."""
    browser = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := which(name)))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = started.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(report.resolve().as_uri())
        shot = page.screenshot()
        started.close()
    Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLOURS).save(picture, optimize=True)


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]))
