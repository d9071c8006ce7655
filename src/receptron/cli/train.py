"""`receptron train PATH`"""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli import paths
from receptron.cli.flags import recipe_flags, scan_flags, weights_flags
from receptron.cli.output import screen
from receptron.cli.output.bars import Bars
from receptron.cli.output.tables import Table
from receptron.wording import counted

if TYPE_CHECKING:
    from receptron.bundle.card import ModelCard
    from receptron.evaluation.records import Estimate
    from receptron.training.records import Run

_RARE = "Rarely needed"
_OWN = "A network of your own"


def train(
    path: Annotated[str, typer.Argument(help="Class folders, train/val/test around or in them, a table, or: digits.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(parser=paths.path, help="Where model and report go. Default: NAME-model, NAME-model-2 ...", show_default=False),
    ] = None,
    net: Annotated[
        str | None,
        typer.Option(
            help="Network of the zoo, FILE.py:CLASS (your own), or auto: the best of the weights at hand. Default: by the images' size.",
            show_default=False,
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(help="Published reference, file, or none (from scratch); several for --net auto.", show_default=False),
    ] = None,
    time: Annotated[str, typer.Option(help="How long the ladder may climb: 90s, 10m, 1h.")] = "10m",
    seed: Annotated[int, typer.Option(help="Makes split and training reproducible.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    test_size: Annotated[float, typer.Option(help="Share kept for the test; 0 cross-validates instead.")] = 0.2,
    labels: Annotated[
        list[Path] | None,
        typer.Option(parser=paths.path, help="Table of corrected labels that review wrote; several in their order.", show_default=False),
    ] = None,
    synthetic: Annotated[
        Path | None,
        typer.Option(
            parser=paths.path,
            help="Class folders of generated images, learnt from besides and never judged on.",
            rich_help_panel="Synthetic images",
            show_default=False,
        ),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(parser=paths.path, help="Folder of an earlier run: decide as it did, to the same network.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out, finished or not.")] = False,
    allow_broken: Annotated[bool, typer.Option("--allow-broken", help="Go on with more than 1 % unreadable images.")] = False,
    augment: Annotated[
        str, typer.Option(help="How training images vary: auto, none, light, standard, strong, medical, randaugment, trivialaugment.")
    ] = "auto",
    precision: Annotated[str, typer.Option(help="auto (a short trial), float32 or bfloat16.", rich_help_panel=_RARE)] = "auto",
    tensorboard: Annotated[
        Path | None, typer.Option(parser=paths.path, help="Also log curves to this folder.", rich_help_panel=_RARE, show_default=False)
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(parser=paths.path, help="Folder of cached activations.", rich_help_panel=_RARE, show_default=False)
    ] = None,
    every: Annotated[float, typer.Option(help="Seconds between checkpoints.", rich_help_panel=_RARE)] = 15.0,
    image_memory: Annotated[float, typer.Option(help="Megabytes that one image may take.", rich_help_panel=_RARE)] = 400,
    epochs: recipe_flags.Epochs = None,
    rate: recipe_flags.Rate = None,
    optimiser: recipe_flags.Optimiser = None,
    decay: recipe_flags.Decay = None,
    smoothing: recipe_flags.Smoothing = None,
    ensemble: Annotated[
        str | None,
        typer.Option(
            help="Networks that answer together: folds, or seeds:3 from scratch.", rich_help_panel="Ensembles", show_default=False
        ),
    ] = None,
    schedule: recipe_flags.Schedule = None,
    warmup: recipe_flags.Warmup = None,
    clip: recipe_flags.Clip = None,
    ema: recipe_flags.Ema = None,
    patience: recipe_flags.Patience = None,
    drop_path: recipe_flags.DropPath = None,
    head: recipe_flags.Head = None,
    dropout: recipe_flags.Dropout = None,
    balance: recipe_flags.Balance = None,
    args: Annotated[
        str | None,
        typer.Option(
            help='JSON: what the class of your own network is called with: {"depth": 18}.', rich_help_panel=_OWN, show_default=False
        ),
    ] = None,
    unfreeze: recipe_flags.Unfreeze = None,
    rates: recipe_flags.Rates = None,
    layer_decay: recipe_flags.LayerDecay = None,
    batchnorm: recipe_flags.BatchNorm = None,
    scales: recipe_flags.Scales = None,
    pixels: recipe_flags.Pixels = None,
    finish_pixels: recipe_flags.FinishPixels = None,
    weights_keys: weights_flags.Keys = None,
    weights_pixels: weights_flags.Pixels = None,
    weights_mean: weights_flags.Mean = None,
    weights_std: weights_flags.Std = None,
    weights_interpolation: weights_flags.Interpolation = None,
    weights_crop: weights_flags.Crop = None,
    layout: scan_flags.Layout = "auto",
    path_column: scan_flags.PathColumn = None,
    label_column: scan_flags.LabelColumn = None,
    split_column: scan_flags.SplitColumn = None,
    fold_column: scan_flags.FoldColumn = None,
    group_column: scan_flags.GroupColumn = None,
    root: scan_flags.Root = None,
    suffix: scan_flags.Suffix = "",
    group: scan_flags.Group = None,
    ungrouped: scan_flags.Ungrouped = "refuse",
    plan: Annotated[bool, typer.Option("--plan", help="Only tell what would be done, and what to expect; nothing is trained.")] = False,
    channels_axis: scan_flags.ChannelsAxis = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole record as JSON.")] = False,
) -> None:
    """Train or adapt a network on labelled images, honestly, and write model and report."""
    from receptron.data.dataset.scan_options import ScanOptions
    from receptron.jobs.options import Extras
    from receptron.jobs.training.train import train as job
    from receptron.training.ensembling import Ensembling
    from receptron.training.loop.recipe import Recipe

    known = None if net == "auto" else net
    facts = weights_flags.facts(known, weights_keys, weights_pixels, weights_mean, weights_std, weights_interpolation, weights_crop)
    images = ScanOptions(
        layout,
        path_column,
        label_column,
        split_column,
        fold_column,
        group_column,
        root,
        suffix,
        tuple(group or ()),
        ungrouped,
        channels_axis,
    )
    recipe = Recipe(
        epochs=epochs,
        rate=recipe_flags.rate(rate),
        optimiser=optimiser,
        decay=decay,
        smoothing=smoothing,
        schedule=schedule,
        warmup=warmup,
        clip=clip,
        ema=ema,
        patience=patience,
        drop_path=drop_path,
        head=head,
        dropout=dropout,
        balance=balance,
        unfreeze=unfreeze,
        rates=recipe_flags.listed("rates", rates),
        layer_decay=layer_decay,
        batchnorm=batchnorm,
        scales=recipe_flags.listed("scales", scales),
        pixels=pixels,
        finish_pixels=finish_pixels,
    )
    command = shlex.join(["receptron", *sys.argv[1:]])
    extras = Extras(
        facts, precision, allow_broken, like, resume, overwrite, images, cache, tensorboard, every, command, Bars(), image_memory,
        augment, tuple(labels or ()), recipe, synthetic, args, Ensembling.of(ensemble),
    )  # fmt: skip
    if plan:
        from receptron.cli.output import plan_text
        from receptron.jobs.training.planning.plan import plan as planned

        strategy = planned(path, net, weights, time, seed, device, test_size, extras)
        screen.json(strategy) if as_json else plan_text.show(strategy)
        return
    run = job(path, out, net, weights, time, seed, device, test_size, extras)
    if as_json:
        screen.json(run)
    else:
        _show(run)


def _show(run: "Run") -> None:
    """One clear screen: how good, against what, what was wrong with the data, where everything is, what to type next."""
    from receptron.data.splitting.few_groups import few_groups
    from receptron.report.training.commands import again, own_flag

    card, found = run.card, run.card.evaluation
    screen.show()
    screen.show((f"Accuracy {found.accuracy.words}", "bold"), f" on {found.source}")
    if run.given:
        screen.show(f"  as given {run.given.accuracy.words}, {run.given.source}")
    table = Table("against", "accuracy", "gain", "", firm=(1, 2))
    for row in card.comparisons:
        verdict = "clearly better" if row.better else "unknown" if row.gain.unknown else "may be chance"
        table.add(f"  {row.baseline}", row.baseline_accuracy.words, f"{100 * row.gain.value:+.1f} points", verdict)
    screen.table(table)
    scaled = (
        f"before temperature scaling {100 * found.ece_before.value:.1f} %"
        if card.temperature != 1
        else "temperature scaling would not surely help"
    )
    screen.show(f"Confidence is off by {found.ece_after.words} ({scaled})")
    screen.show(f"Sets     {_sets(card)}")
    screen.show(f"Strange  {_strange(card)}")
    if told := few_groups(run.split):
        screen.show(f"Groups   {told}")
    if run.interrupted:
        from receptron.jobs.training.run_directory import resuming

        screen.show(f"Stopped  early; to go on: {resuming(card.provenance.command)}")
    screen.show(f"Learnt   {card.net}, {card.rung}; {run.stopped}; {run.seconds:.0f} s")
    if card.ensemble:
        work = card.ensemble.work_words(card.macs)
        screen.show(f"Together {card.ensemble.words}{work}; {card.ensemble.caveat}")
    _ranking(run)
    if run.balance:
        screen.show(f"Balance  {run.balance.method}: {run.balance.why}")
    for test in run.rate_searches:
        screen.show(f"Rate     {test.words}, in {test.phase}")
    _findings(run)
    if told := _suspects(run):
        screen.show(f"Labels   {told}")
    if run.corrections:
        screen.show(f"Mended   {run.corrections.words}")
        screen.show(f"         {run.corrections.gain_words}")
    if run.synthetic:
        screen.show(f"Made     {run.synthetic.words}")
        screen.show(f"         {run.synthetic.effect_words}")
    if run.learning_curve:
        screen.show(f"More     {run.learning_curve.words}")
    if run.input_check and run.input_check.fault:
        screen.show(("Weights  warning: ", "bold"), run.input_check.fault)
    screen.show(f"Timed    {_decided(run)}")
    screen.show(f"Again    {again(run)}")
    screen.show(f"Model    {run.model}")
    screen.show(f"Report   {run.report}")
    screen.show(f"Next     receptron predict {shlex.quote(str(run.model.parent))} IMAGE...{own_flag(run)}")


def _sets(card: "ModelCard") -> str:
    """How large sets of classes must be that hold the true one, and how often they did."""
    rule, found = card.sets, card.set_figures
    if rule is None or not rule.least:
        return "too few images to say which classes surely hold the true one"
    told = f"predict names the classes that hold the true one for {100 * rule.coverage:.0f} % of images"
    if found is None:
        return told
    return f"{told}: {100 * found.held.value:.1f} % here, {found.mean_size:.2f} classes each, {100 * found.single.value:.0f} % just one"


def _strange(card: "ModelCard") -> str:
    """How many images of known classes are called none of these, or why none can be."""
    rule, found = card.novelty, card.novelty_figures
    if rule is None:
        return f"whether an image is none of these classes is unknown: {card.novelty_unknown}"
    told = f"predict calls about {100 * rule.share:g} % of images of these classes none of these"
    return f"{told}: {found.strange.words} here" if found else told


def _decided(run: "Run") -> str:
    """What the clock decided, in one line."""
    formats = dict.fromkeys(trial.precision for trial in run.trials if trial.chosen)
    counts = {name: run.decisions[name] for name in ("views", "epochs") if name in run.decisions}
    left = [rung.name for rung in run.ladder if rung.short_of_time]
    told = [" and ".join(formats), *(f"{count} {name}" for name, count in counts.items()), *(f"no {name}" for name in left)]
    by = f"as in {run.settings['like']}" if "like" in run.settings else "by this machine's speed"
    return f"{', '.join(told)}, {by}"


def _ranking(run: "Run") -> None:
    """The weights that were at hand, and why these and not those."""
    if not run.ranking:
        return
    table = Table("weights at hand", "a probe is right on", "a pass", "gain", "", firm=(1, 2, 3))
    for row in run.ranking:
        accuracy = row.accuracy.words if row.accuracy else ""
        table.add(f"  {row.net}, {row.reference}", accuracy, f"{row.seconds:.1f} s" if row.seconds else "", _gain(row.gain), row.why)
    screen.table(table)


def _gain(found: "Estimate | None") -> str:
    """A paired difference in points with its interval."""
    if found is None:
        return ""
    ends = found.method if found.unknown else f"{100 * found.low:+.1f} to {100 * found.high:+.1f}"
    return f"{100 * found.value:+.1f} points ({ends})"


def _findings(run: "Run") -> None:
    count = {name: sum(f.severity == name for f in run.audit.findings) for name in ("error", "warning", "note")}
    told = ", ".join(counted(n, name) for name, n in count.items() if n) or "nothing to complain about"
    screen.show(f"Data     {counted(run.audit.images, 'image')}, {run.audit.broken:,} unreadable; {told}")
    for finding in [f for f in run.audit.findings if f.severity != "note"][:3]:
        screen.show(f"         {finding.severity}: {finding.message}")


def _suspects(run: "Run") -> str:
    """How many labels are in doubt, or why that is not known."""
    found = run.suspects
    if found is None:
        return ""
    if found.unknown:
        return f"wrong ones were not looked for: {found.unknown}"
    if not found.images and found.decided:
        return f"none of {counted(found.looked_at, 'training image')} looks mislabelled but {found.decided:,} that a person looked at"
    if not found.images:
        return f"none of {counted(found.looked_at, 'training image')} looks mislabelled"
    doubted = f"{len(found.images):,} of {counted(found.looked_at, 'training image')} may be mislabelled"
    return f"{doubted}, some will be right and only unusual; they are in the report; receptron review lists them"
