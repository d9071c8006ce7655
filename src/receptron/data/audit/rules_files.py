"""Rules of the audit about single files: what is wrong with each, and how Receptron reads it nevertheless."""

from collections import Counter
from dataclasses import replace

from receptron.data.audit.context import AuditContext, Told, finding
from receptron.data.audit.preconditions import NOT_THE_FILE
from receptron.data.deduplication.perceptual_hash import SMALLEST
from receptron.data.records import Finding
from receptron.fault_kind import FaultKind

_WHENCE = {"tags": "as the files state", "range": "by the values of the whole set", "nominal": "as the format says"}


def broken(context: AuditContext) -> list[Finding]:
    """Files that cannot be read, one finding for each kind of fault."""
    by_kind: dict[FaultKind, list[Told]] = {}
    for entry in context.entries:
        if entry.fault is not None:
            by_kind.setdefault(entry.fault_kind or FaultKind.DAMAGED, []).append(Told(entry, entry.fault))
    found: list[Finding] = []
    for kind, told in by_kind.items():
        one = finding(context, kind.heading, "error", told, message="{n} cannot be read: " + kind.heading, cure=kind.cure)
        found += [replace(each, stops="unless allowed") for each in one] if kind in NOT_THE_FILE else one
    return found


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
    told = [Told(e, f"{f.bits} bits, {f.mode}, values to {f.values.high:,.6g}") for e, f in context.good if f.values]
    depth, kinds = context.reading.depth, {f.values.integer for _, f in context.good if f.values}
    scales = [scale for integer, scale in ((True, depth.integers), (False, depth.floats)) if integer in kinds]
    how = " and ".join(f"{scale.black:,.6g} becomes black and {scale.white:,.6g} white, {_WHENCE[scale.source]}" for scale in scales)
    cure = "if that is not white, store all with the same depth, or state it (SMaxSampleValue in TIFF, sBIT in PNG); the model keeps it"
    return finding(context, "16-bit", "note", told, message="{n} of more than 8 bits per channel: in all of them " + how, cure=cure)


def mixed_depth(context: AuditContext) -> list[Finding]:
    """Images that state another depth than the one that holds for all."""
    white = context.reading.depth.integers.white
    deep = [(e, f.values) for e, f in context.good if f.values and f.values.integer]
    told = [Told(e, f"states {v.white:,.6g}") for e, v in deep if v.white not in (None, white)]
    cure = "store all with the same depth: these will look darker or brighter than they are"
    return finding(context, "mixed depth", "warning", told, message=f"{{n}} in another depth than the set's, {white:,.6g}", cure=cure)


def reduced(context: AuditContext) -> list[Finding]:
    """JPEGs too large to be decoded whole."""
    told = [Told(e, f"{f.width:,} x {f.height:,} px, decoded at 1/{f.reduced}") for e, f in context.good if f.reduced > 1]
    cure = "nothing to do here: training and prediction read them alike; --image-memory raises the limit"
    return finding(context, "reduced", "note", told, message="{n} over the limit of memory, decoded at reduced scale", cure=cure)


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


def blank(context: AuditContext) -> list[Finding]:
    """Pictures of nothing: all of one colour."""
    told = [Told(e) for e, f in context.good if f.blank]
    cure = "look at them: they teach nothing, unless nothing is what their class shows; else remove them"
    return finding(context, "blank", "warning", told, message="{n} of one colour only, such as all black or all white", cure=cure)


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


FILE_RULES = (
    broken, wrong_extension, rotated, deep, mixed_depth, reduced, cmyk, palette, alpha, animated, grey_among_colour, tiny, blank, telltale,
)  # fmt: skip
