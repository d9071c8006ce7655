"""`receptron inspect`: what a network is, layer by layer, before anything runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli import paths
from receptron.cli.output import screen, streams
from receptron.cli.output.tables import Table

if TYPE_CHECKING:
    from receptron.analysis.budget import Check
    from receptron.analysis.inspection import Inspection, Layer

Net = Annotated[
    str,
    typer.Argument(help="A net of the zoo, FILE.py:CLASS or package.module:callable (Python, which is run), FILE.pt2 or FILE.onnx."),
]
Size = Annotated[str | None, typer.Option(help="Input: 3x224x224, or 224.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Let --html replace a file that is no page of Receptron.")]
Json = Annotated[bool, typer.Option("--json", help="Print the record as JSON.")]


def inspect(
    net: Net,
    size: Size = None,
    depth: Annotated[int, typer.Option(help="How deep to open modules in the table.")] = 2,
    field: Annotated[str | None, typer.Option(help="Tell the receptive field of this layer.")] = None,
    memory: Annotated[bool, typer.Option("--memory", help="Peak memory of inference and training.")] = False,
    batch: Annotated[int, typer.Option(help="Images per batch.", min=1)] = 1,
    optimizer: Annotated[str, typer.Option(help="For --memory: sgd, momentum, adamw ...")] = "adamw",
    device: Annotated[str | None, typer.Option(help="Estimate the time on h100, a100, t4 ...")] = None,
    object_pixels: Annotated[int | None, typer.Option("--object", help="Size in pixels of what is to be recognised.")] = None,
    reconcile: Annotated[bool, typer.Option("--reconcile", help="Explain the totals that papers and tools print.")] = False,
    budget: Annotated[str | None, typer.Option(help="Limits: 'macs<600M params<5M field>=224'; exit code 1 if one is broken.")] = None,
    html: Annotated[Path | None, typer.Option(parser=paths.path, help="Write a page to this file.")] = None,
    image: Annotated[Path | None, typer.Option(parser=paths.path, help="Picture for the page to draw receptive fields on.")] = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Shapes, parameters, MACs, receptive fields, memory, time, and advice."""
    from receptron.analysis.budget import check
    from receptron.analysis.inspection import InspectionOptions
    from receptron.jobs.networks import PageOptions, inspect_network

    streams.divert()
    question = InspectionOptions(batch, memory, optimizer, device, reconcile=reconcile, field=field, object_pixels=object_pixels)
    found = inspect_network(net, size, question, PageOptions(html, image, overwrite))
    checks = check(budget, found) if budget is not None else ()
    if json:
        screen.json(found)
    else:
        _print(found, depth)
    _print_checks(checks)
    if html is not None:
        screen.say(f"page: {html}")
    if not all(limit.holds for limit in checks):
        raise typer.Exit(1)


def _print(found: "Inspection", depth: int) -> None:
    screen.table(_layers(found, depth))
    if legend := _legend(found, depth):
        screen.show((legend, "dim"))
    least = "at least " if found.cost.unknown else ""
    screen.show(f"parameters {found.cost.parameters:,} ({found.cost.trainable:,} trainable), buffers {found.cost.buffers:,}")
    screen.show(f"MACs {least}{found.cost.macs:,}, without padding zeros {found.cost.macs_in_bounds:,}")
    screen.show(f"FLOPs {least}{found.cost.flops:,} (two per MAC); backward pass {found.cost.backward_macs:,} MACs")
    if found.cost.unknown:
        screen.show(f"not counted: {', '.join(f'{op} ({n} times)' for op, n in found.cost.unknown.items())}")
    for figure, why in found.unknown.items():
        screen.show((f"{figure}: unknown", "bold"), f", because {why}")
    for tell in (_tell_field, _tell_memory, _tell_time, _tell_conventions, _tell_advice):
        tell(found)


def _layers(found: "Inspection", depth: int) -> Table:
    title = f"{found.name}  {' '.join('x'.join(map(str, s)) for s in found.inputs)}"
    table = Table("layer", "kind", "output", "parameters", "MACs", "field", "jump", title=title, right=range(3, 7))
    for layer in found.layers:
        if layer.depth < depth:
            name = "  " * layer.depth + (layer.name or "(itself)") + ("" if layer.leaf else " ...")
            seen = _seen(layer)
            table.add(name, layer.kind, "x".join(map(str, layer.after)), f"{layer.parameters:,}", _big(layer.macs), *seen)
    return table


def _legend(found: "Inspection", depth: int) -> str:
    """What `global (851)` means, with the first such number of the table."""
    firsts = (layer.field.axes[0] for layer in found.layers if layer.depth < depth and layer.field and layer.field.axes)
    local = next((axis.local for axis in firsts if axis.scope == "global" and axis.local), None)
    return f"global ({local}): the whole image through pooling or attention, {local} pixels along all other paths" if local else ""


def _seen(layer: "Layer") -> tuple[str, str]:
    axes = layer.field.axes if layer.field else ()
    if not axes or axes[0].scope == "nothing":
        return "", ""
    if axes[0].scope == "global":
        return "global" + (f" ({axes[0].local})" if axes[0].local else ""), ""
    sizes = {axis.size for axis in axes}
    text = str(axes[0].size) if len(sizes) == 1 else "x".join(str(axis.size) for axis in axes)
    return text + (" here" if axes[0].scope != "local" else ""), f"{axes[0].jump:g}" if axes[0].jump else ""


def _tell_field(found: "Inspection") -> None:
    if found.field is not None:
        axes = found.field.field.axes
        names = {1: ("along it",), 2: ("height", "width"), 3: ("depth", "height", "width")}.get(
            len(axes), tuple(map(str, range(len(axes))))
        )
        for name, axis in zip(names, axes, strict=True):
            place = f"{found.field.field.layer or 'the output'}, {name}"
            local = f", along local paths {axis.local}" if axis.local else ""
            screen.show(f"field of {place}: {axis.scope}, {axis.size} px ({axis.taken} of them seen){local},")
            screen.show(f"  jump {axis.jump:g}, start {axis.start:g}, padding {axis.padding}")
        if found.field.effective_width:
            widths = " x ".join(map(str, found.field.effective_width))
            screen.show(f"  95.5 % of the weight lies within {widths} px at initialisation (Luo et al. 2016)")


def _tell_memory(found: "Inspection") -> None:
    if (m := found.memory) is not None:
        kept = "" if m.saved is None else f", saved for backward {_bytes(m.saved)}, optimiser states {_bytes(m.states)}"
        screen.show(f"memory, batch {m.batch}: weights {_bytes(m.weights)}{kept}")
        screen.show(f"  inference peak {_bytes(m.inference.bytes)} in {m.inference.path or 'the network'} ({m.inference.op})")
        if m.training is not None:
            screen.show(f"  training peak with {m.optimizer} {_bytes(m.training.bytes)} in {m.training.path or m.training.op}")


def _tell_time(found: "Inspection") -> None:
    if (r := found.roofline) is not None:
        screen.show(
            f"on {r.device} ({r.precision} precision) at least {1e3 * r.seconds:.3g} ms; {r.memory_bound:.0%} of it waits for memory:"
        )
        screen.show(f"  {r.intensity:.1f} FLOPs per byte, the ridge is at {r.ridge:.0f} ({r.source})")


def _tell_conventions(found: "Inspection") -> None:
    for row in found.conventions:
        added = "".join(f" + {kind} {n:,}" for kind, n in row.added.items())
        screen.show(f"{row.convention:10} {row.total / 1e9:8.3f} G = products {row.products:,}{added}")
        screen.show(f"           printed by {row.used_by}")


def _tell_advice(found: "Inspection") -> None:
    for advice in found.advice:
        where = f" at {advice.layer}" if advice.layer else ""
        screen.show((advice.rule.replace("_", " "), "bold"), f"{where}: {advice.evidence}. Cure: {advice.cure}.")


def _print_checks(checks: "tuple[Check, ...]") -> None:
    for limit in checks:
        word = "kept" if limit.holds else "UNKNOWN" if limit.because else "BROKEN"
        least = f", {limit.because}" if limit.because else ""
        screen.say(f"{word}: {limit.limit} (measured {_big(limit.measured)}{least})")


def _big(count: float) -> str:
    for suffix, unit in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= unit:
            return f"{count / unit:.3f} {suffix}"
    return f"{count:.4g}"


def _bytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
