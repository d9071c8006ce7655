"""Rules of the audit about single files: what is wrong with each, and how Receptron reads it nevertheless."""

from collections import Counter

from receptron.data.audit.context import AuditContext, Told, finding
from receptron.data.deduplication.perceptual_hash import SMALLEST
from receptron.data.records import Finding

# First words that fit a fault decide its kind; the last entry takes what is left.
_FAULTS = (
    ("decompression bombs", ("decompression bomb",)),
    ("missing files", ("no such file", "a broken link")),
    ("truncated files", ("truncated",)),
    ("empty files", ("the file is empty", "nothing but zeros")),
    (
        "no images",
        ("html page", "git lfs", "text file", "archive", "document", "program", "database", "unknown format", "folder or device"),
    ),
    ("formats that are not read", ("format that is not read", "has no rule", "postscript", "fits file", "icon", "hdf5", "numpy")),
    ("damaged files", ("",)),
)
_CURES = {
    "decompression bombs": "shrink them (50 megapixels is the limit), or remove them",
    "missing files": "correct the table or the links, or bring the files back",
    "truncated files": "copy or download them again; half an image is never used",
    "empty files": "copy or download them again",
    "no images": "download them again (`git lfs pull` for LFS pointers), or remove them",
    "formats that are not read": "convert them to JPEG or PNG",
    "damaged files": "copy or download them again, or remove them",
}


def broken(context: AuditContext) -> list[Finding]:
    """Files that cannot be read, one finding for each kind of fault."""
    by_kind: dict[str, list[Told]] = {}
    for entry in context.entries:
        if entry.fault is not None:
            by_kind.setdefault(fault_kind(entry.fault), []).append(Told(entry, entry.fault))
    found: list[Finding] = []
    for kind, told in by_kind.items():
        found += finding(context, kind, "error", told, message="{n} cannot be read: " + kind, cure=_CURES[kind])
    return found


def fault_kind(fault: str) -> str:
    """The kind of a fault's text."""
    return next(kind for kind, words in _FAULTS if any(word in fault.lower() for word in words))


def wrong_extension(context: AuditContext) -> list[Finding]:
    """Files whose ending names another format than their content."""
    told = [Told(e, f"is {f.format}") for e, f in context.good if not f.extension_fits]
    return finding(
        context, "wrong extension", "warning", told, message="{n} with an ending of another format", cure="rename; they are read rightly"
    )


def rotated(context: AuditContext) -> list[Finding]:
    """Photos that a camera marked as turned."""
    told = [Told(e) for e, f in context.good if f.rotated]
    cure = "nothing to do here; other programs may show and train on them sideways"
    return finding(
        context, "EXIF-rotated", "note", told, message="{n} stored sideways with an EXIF mark, turned upright when read", cure=cure
    )


def deep(context: AuditContext) -> list[Finding]:
    """Images of more than 8 bits per channel."""
    told = [Told(e, f"{f.bits} bits, {f.mode}") for e, f in context.good if f.bits > 8]
    cure = "if brightness is a measurement, check that all were stored with the same depth"
    return finding(context, "16-bit", "note", told, message="{n} of more than 8 bits per channel, scaled to 8 (not clipped)", cure=cure)


def cmyk(context: AuditContext) -> list[Finding]:
    """Images meant for print."""
    told = [Told(e) for e, f in context.good if f.mode == "CMYK"]
    cure = "save them as RGB if their colours matter: the conversion here uses no colour profile"
    return finding(context, "CMYK", "note", told, message="{n} in CMYK, converted to RGB", cure=cure)


def palette(context: AuditContext) -> list[Finding]:
    """Images of at most 256 colours."""
    told = [Told(e) for e, f in context.good if f.mode in ("P", "PA")]
    cure = "prefer the originals where you have them; palettes lose fine shades"
    return finding(context, "palette", "note", told, message="{n} with a palette, converted to RGB", cure=cure)


def alpha(context: AuditContext) -> list[Finding]:
    """Images that are transparent somewhere."""
    told = [Told(e) for e, f in context.good if f.alpha]
    cure = "put them on the background that later images will have, if it is not white"
    return finding(context, "alpha", "note", told, message="{n} with transparent parts, composed on white", cure=cure)


def animated(context: AuditContext) -> list[Finding]:
    """Images of several frames or pages."""
    told = [Told(e, f"{f.frames} frames") for e, f in context.good if f.frames > 1]
    return finding(
        context, "several frames", "note", told, message="{n} of several frames, only the first is used", cure="extract the frames you want"
    )


def grey_among_colour(context: AuditContext) -> list[Finding]:
    """Grey images in a set in colour, or the other way round."""
    grey, colour = ([Told(e) for e, f in context.good if f.grey == wanted] for wanted in (True, False))
    fewer = min(grey, colour, key=len)
    message = "{n} without colour among images in colour" if fewer is grey else "{n} in colour among grey images"
    cure = "check that grey or colour does not go with one class: a network would learn that instead"
    return finding(context, "grey among colour", "note", fewer, message=message, cure=cure)


def tiny(context: AuditContext) -> list[Finding]:
    """Images of fewer pixels than anything can be seen in, told one by one only where they are the exception."""
    told = [Told(e, f"{f.width} x {f.height} px") for e, f in context.good if min(f.width, f.height) < SMALLEST]
    usual = len(told) > len(context.good) / 2
    cure = "near duplicates are not searched among them" if usual else "use larger originals; they may be thumbnails or icons"
    return finding(context, "tiny", "note" if usual else "warning", told, message="{n} of fewer than 30 px on the shorter side", cure=cure)


def telltale(context: AuditContext) -> list[Finding]:
    """A format, colour mode or size that nearly gives a class away: a network can cheat on it."""
    found: list[Finding] = []
    for what, value in (
        ("format", [f.format for _, f in context.good]),
        ("colour mode", [f.mode for _, f in context.good]),
        ("size", [f"{f.width} x {f.height} px" for _, f in context.good]),
    ):
        inside, overall = Counter(zip((e.item.label for e, _ in context.good), value, strict=True)), Counter(value)
        for (label, one), count in sorted(inside.items()):
            size, others = context.sizes[label], overall[one] - count
            if size >= 10 and len(context.good) > size and count >= 0.8 * size and others <= 0.05 * (len(context.good) - size):
                message = f"{what} {one} gives class {label} away: {count:,} of its {size:,} images have it, and {others:,} of all others"
                cure = "a network may learn how images were made instead of what they show: collect all classes in the same way"
                found.append(Finding("telltale", "warning", message, cure, labels=(label,)))
    return found


FILE_RULES = (broken, wrong_extension, rotated, deep, cmyk, palette, alpha, animated, grey_among_colour, tiny, telltale)
