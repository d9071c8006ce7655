"""What a file that is no accepted image seems to be, from its first bytes: a picture in another format, or none at all.

Sources: Netpbm's manual pages pbm, pgm, ppm, pam and pfm; Truevision TGA File Format Specification 2.0 (header fields 1 to 5); OpenEXR File
Layout; DICOM PS3.10 section 7.1; the magic numbers that each other format's own description gives.
"""

import re
import struct

from receptron.fault_kind import FaultKind

NOT_READ = "a format that is not read"
_PICTURES = {
    b"%!PS": "a PostScript file",
    b"SIMPLE": "a FITS file",
    b"8BPS": "a Photoshop file",
    b"gimp xcf": "a GIMP file",
    b"\x00\x00\x01\x00": "a Windows icon",
    b"icns": "an icon of a Mac",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"BPG\xfb": "BPG",
    b"FLIF": "FLIF",
    b"qoif": "QOI",
    b"DDS ": "DDS",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"#?RGBE": "Radiance HDR",
    b"\x59\xa6\x6a\x95": "a Sun raster image",
    b"\x01\xda": "an SGI image",
    b"/* XPM */": "an XPM image",
    b"AT&TFORM": "a DjVu file",
    b"II\xbc\x01": "JPEG XR",
    b"FUJIFILMCCD-RAW": "a raw photo of a camera",
    b"IIRO": "a raw photo of a camera",
    b"IIU\0": "a raw photo of a camera",
    b"FOVb": "a raw photo of a camera",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"\x1a\x45\xdf\xa3": "a film",
    b"OggS": "a film or sound",
    b"FLV\x01": "a film",
    b"\x00\x00\x01\xba": "a film",
}
_OTHERS = {
    b"%PDF": "a PDF file",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"SQLite": "a database",
}
_NETPBM = {b"P1": "PBM", b"P2": "PGM", b"P3": "PPM", b"P4": "PBM", b"P5": "PGM", b"P6": "PPM", b"P7": "PAM", b"PF": "PFM", b"Pf": "PFM"}
_TGA_MAPPED, _TGA_PLAIN = frozenset({1, 9}), frozenset({2, 3, 10, 11})  # types of image: with a palette, and without


def stranger(data: bytes) -> tuple[str, FaultKind]:
    """What a file that is no accepted image seems to be, in a few words, and its kind."""
    start = data[:512].lstrip().lower()
    if not data:
        return "the file is empty", FaultKind.EMPTY
    if not data.strip(b"\0"):
        return "the file holds nothing but zeros", FaultKind.EMPTY
    if data[:8] == b"\xff\xd8":
        return "truncated after the first two bytes", FaultKind.TRUNCATED
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the image itself (run `git lfs pull`)", FaultKind.NO_IMAGE
    if start.startswith((b"<!doctype html", b"<html")) or b"<html" in start:
        return "an HTML page, probably a failed download", FaultKind.NO_IMAGE
    if picture := _picture(data, start):
        return f"{picture}, {NOT_READ}", FaultKind.UNSUPPORTED
    for magic, what in _OTHERS.items():
        if data.startswith(magic):
            return what, FaultKind.NO_IMAGE
    if _is_text(data[:512]):
        return "a text file", FaultKind.NO_IMAGE
    if _is_tga(data):  # without a signature at its start: asked last
        return f"TGA, {NOT_READ}", FaultKind.UNSUPPORTED
    return f"unknown format (begins with {data[:8].hex(' ')})", FaultKind.NO_IMAGE


def _picture(data: bytes, start: bytes) -> str | None:
    """The picture or film that the first bytes tell."""
    if start.startswith(b"<svg") or b"<svg" in start:
        return "an SVG drawing"
    if data[4:8] == b"ftyp":
        return "a film or an unknown media format"
    if data[:4] == b"RIFF":
        return "a film" if data[8:12] == b"AVI " else "sound or an unknown media format"
    if data[128:132] == b"DICM":
        return "DICOM"
    if re.match(rb"P[1-7Ff]\s+([#\d]|WIDTH)", data):
        return _NETPBM[data[:2]]
    if data[:1] == b"\x0a" and data[1:2] in b"\0\2\3\4\5" and data[2:3] == b"\1" and data[3:4] in b"\1\2\4\b":
        return "PCX"
    return next((what for magic, what in _PICTURES.items() if data.startswith(magic)), None)


def _is_tga(data: bytes) -> bool:
    """Whether the 18 bytes of a header that has no signature make sense as those of a TGA file."""
    if len(data) <= 18:
        return False
    mapped, kind, _, entries, bits = struct.unpack_from("<xBBHHB", data)
    width, height, depth, flags = struct.unpack_from("<HHBB", data, 12)
    palette = mapped == 1 and bits in (15, 16, 24, 32) and entries > 0
    fits = palette if kind in _TGA_MAPPED else kind in _TGA_PLAIN and (palette or (mapped, entries, bits) == (0, 0, 0))
    return fits and depth in (8, 15, 16, 24, 32) and width > 0 and height > 0 and flags < 64


def _is_text(data: bytes) -> bool:
    return all(byte in b"\t\n\r\f" or byte >= 32 for byte in data)
