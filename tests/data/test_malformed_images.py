"""Broken files: each named with a reason in plain words, none ends the reading, none costs memory."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from malformed import encoded, malformed, png, with_jpeg_size
from PIL import Image

from receptron.data.audit.preconditions import check_broken
from receptron.data.dataset.scan import scan
from receptron.data.ingest import read
from receptron.data.reading.decode import decode
from receptron.data.reading.file_bytes import Limits
from receptron.errors import BrokenImages, NoImages, UnreadableImage

FILES = malformed()


def test_there_are_sixty_of_them():
    assert len(FILES) >= 60


@pytest.mark.parametrize("name", FILES)
def test_each_is_refused_with_its_reason(name: str, tmp_path: Path):
    data, words = FILES[name]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UnreadableImage) as caught:
        decode(path)
    assert words.lower() in caught.value.reason.lower()
    assert str(path) in str(caught.value)
    assert "Mend:" in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_bytes_are_refused_like_files(name: str):
    with pytest.raises(UnreadableImage, match="these bytes cannot be read"):
        decode(FILES[name][0], shortest=16)


def test_reading_goes_on_past_all_of_them(tmp_path: Path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for index in range(5):
            (tmp_path / label / f"good{index}.png").write_bytes(encoded("PNG"))
    for name, (data, _) in FILES.items():
        (tmp_path / "a" / name).write_bytes(data)
    reading = read(scan(tmp_path), 32, workers=2)
    faults = {entry.item.path.name: entry.fault for entry in reading.entries if not entry.good}
    assert faults.keys() == FILES.keys()
    assert all(faults.values())
    assert len(reading.good) == 10
    with pytest.raises(BrokenImages, match=f"{len(FILES)} of {len(FILES) + 10} images cannot be read") as caught:
        check_broken(reading.entries)
    assert "--allow-broken" in caught.value.mend
    check_broken(reading.entries, allow_broken=True)


def test_only_broken_images_are_no_images(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.jpg").write_bytes(b"")
    with pytest.raises(NoImages, match="of 1 image none can be read"):
        check_broken(read(scan(tmp_path)).entries, allow_broken=True)


def test_one_in_a_hundred_is_passed_over(tmp_path: Path):
    (tmp_path / "a").mkdir()
    for index in range(99):
        (tmp_path / f"a/{index}.png").write_bytes(png(1, 1, b"\0\0"))
    (tmp_path / "a/x.png").write_bytes(b"")
    check_broken(read(scan(tmp_path)).entries)


def test_what_is_no_file_is_refused(tmp_path: Path):
    pipe, link = tmp_path / "pipe.jpg", tmp_path / "link.jpg"
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "nowhere.jpg")
    for path, words in ((pipe, "device"), (link, "broken link"), (tmp_path, "folder"), (tmp_path / "none.jpg", "no such file")):
        with pytest.raises(UnreadableImage, match=words):
            decode(path)


def test_limits_can_be_set():
    data = encoded("PNG")
    with pytest.raises(UnreadableImage, match=r"96 x 96 px need 1 MB of memory"):
        decode(data, Limits(memory=8 * 96 * 96 - 1))
    assert decode(data, Limits(memory=8 * 96 * 96))[0].shape == (96, 96, 3)


def test_a_file_above_the_byte_limit_is_not_even_read(tmp_path: Path):
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.truncate(10**12)  # sparse
    with pytest.raises(UnreadableImage, match="1,000,000,000,000 bytes are more"):
        decode(path)


def test_bombs_cost_no_memory(tmp_path: Path):
    bombs = {name: data for name, (data, words) in FILES.items() if "limit" in words} | {"again.jpg": with_jpeg_size(60_000, 2_000)}
    for name, data in bombs.items():
        (tmp_path / name).write_bytes(data)
    program = """
import resource, sys
from pathlib import Path
from receptron.data.reading.decode import decode
from receptron.errors import UnreadableImage
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        decode(path)
    except UnreadableImage:
        count += 1
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    count, grown = map(int, done.stdout.split())
    assert count == len(bombs)
    assert grown * (1 if sys.platform == "darwin" else 1024) < 32e6


def test_a_jpeg_of_thousands_of_scans_is_refused_before_it_is_decoded():
    file = io.BytesIO()
    Image.new("L", (64, 64), 90).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last = data.rindex(b"\xff\xda")
    assert decode(data)[0].shape == (64, 64, 3)
    with pytest.raises(UnreadableImage, match="scans"):
        decode(data[:-2] + data[last:-2] * 400 + data[-2:])
