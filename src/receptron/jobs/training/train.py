"""The main job: images in, a network that can be trusted out. Audit, split, fit, judge once on the test side, save, report."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

from receptron import atomic_write, report
from receptron.blocks.before_classes import head_of
from receptron.bundle import store
from receptron.bundle.card import ModelCard, Provenance
from receptron.bundle.model import Model
from receptron.data.dataset.scan import scan
from receptron.data.reading.file_bytes import within
from receptron.data.records import Catalog
from receptron.data.splitting.given_folds import cross_validated
from receptron.data.unused import of_columns
from receptron.errors import BadValue
from receptron.evaluation import temperature_scaling
from receptron.evaluation.metrics import evaluate
from receptron.evaluation.prediction_sets import set_rule
from receptron.given_path import check_given
from receptron.jobs.options import (
    Extras,
    cache_folder,
    check_augment,
    check_every,
    check_kind,
    check_precision,
    check_seed,
    listed_weights,
    seconds,
)
from receptron.jobs.training.backbones.at_hand import AUTO, starts_at_hand
from receptron.jobs.training.backbones.band_start import with_statistics
from receptron.jobs.training.backbones.own_start import check_arguments, check_own_shape, cost_of, is_own, own_settings, own_start
from receptron.jobs.training.backbones.ranking import ranked
from receptron.jobs.training.earlier_run import EarlierRun, read_earlier_run
from receptron.jobs.training.fit import FitOptions, FittedNetwork, fit_network, images_at
from receptron.jobs.training.initial_weights import InitialWeights, Wish, choose_initial_weights
from receptron.jobs.training.judging import (
    Judgement,
    answering,
    ensemble_card,
    evaluate_on_test,
    evaluate_out_of_fold,
    state_to_save,
)
from receptron.jobs.training.labels.relabelling import read_relabelling
from receptron.jobs.training.more_data import would_more_help
from receptron.jobs.training.python_call import python_call
from receptron.jobs.training.run_directory import Begun, check_beside, choose_folder, claimed, fingerprint, now, resuming
from receptron.jobs.training.run_record import provenance, run_record, start_digest
from receptron.jobs.training.sided_images import Placing, SidedImages, place_images
from receptron.jobs.training.stopwatch import Stopwatch
from receptron.jobs.training.synthetic.folder import look_into, read_synthetic
from receptron.progress import Progress
from receptron.records import to_json
from receptron.training.augmentation_sheet import augmentation_record, seen, sheet
from receptron.training.callbacks import tensorboard
from receptron.training.callbacks.signals import StopSignals
from receptron.training.checkpointing.decision_log import READING, SPENT, THREADS, DecisionLog
from receptron.training.checkpointing.time_budget import TimeBudget
from receptron.training.context import RunEnvironment
from receptron.training.ensembling import check_judged, check_made
from receptron.training.found_rate import rate_searches
from receptron.training.hardware.device import find_device
from receptron.training.hardware.threads import threads
from receptron.training.ladder.unlike_known import UnlikeKnown, unlike_known
from receptron.training.recipe_shape import check_shape
from receptron.training.records import Run
from receptron.wording import counted

_DEFAULTS: dict[str, object] = {"time": "10m", "seed": 0, "device": "auto", "test_size": 0.2}
SAMPLES = 6  # images per class shown in the report


def train(
    path: str | Path,
    out: str | Path | None = None,
    net: str | None = None,
    weights: str | Path | Sequence[str | Path] | None = None,
    time: str | float = "10m",
    seed: int = 0,
    device: str = "auto",
    test_size: float = 0.2,
    extras: Extras | None = None,
) -> Run:
    """Train or adapt a network on labelled images, and write model and report. The run is reproducible from `seed` on one machine.

    Args:
        path: A folder of class folders, of train/val/test folders, a CSV or Parquet table, or "digits".
        out: Folder to write into; None: NAME-model, or NAME-model-2 and so on where that is taken. Nothing there is replaced unless
            `extras` say so.
        net: Name in the zoo, or FILE.py:CLASS, a network of your own; None: one that suits the size of the images; "auto": the best
            of the weights at hand (in the extra photos, in the cache, those given), by a cross-validated probe and seconds here.
        weights: A published reference such as "torchvision/IMAGENET1K_V2", a local file, or "none" to start from scratch; None: small
            images start from scratch, others from the extra photos, or the net's first published weights. Several for net "auto".
        time: How long the ladder may climb: "90s", "10m", "1h" or seconds.
        seed: Whole number that all chance comes from, 0 to 2**63 - 1.
        device: "cpu", "cuda", "mps", ... as torch names them, or "auto" for the best that is here.
        test_size: Share of the images kept for the test, below 1; 0 judges by cross-validation instead.
        extras: What few need.

    Returns:
        Everything that was found out; what is written is told by `model` and `report`.

    Raises:
        BadValue: If nothing is there, for what is no time, seed, device or share, and for fewer groups than sides and folds need.
        UnknownName: For a net, reference, precision, augmentation, layout or column that is not there.
        UnclearLayout: For folders that can be read in more than one way.
        WouldReplace: If something lies in `out`, and `extras` do not say that it may go.
        MissingExtra: For a Parquet table without pyarrow, and curves without tensorboard.
        TooLittleTime: If the backbone cannot see every image once in that time.
        NoImages: If there is nothing to train on.
        UnreadableFolder: For folders that cannot be looked into.
        BrokenImages: If over 1 % of the images cannot be read, and `extras` do not allow it.
        BadTable: For a table with a line that cannot be used.
        DataFault: For images of one class only.
        WeightsUnavailable: For weights that are neither here nor to be fetched.
        CheckpointMismatch: For weights of another net.
        UnsafeCheckpoint: For a file of weights that holds more than plain tensors.
        StorageFault: For a folder that cannot be written to.
        InUse: If another process trains into the same folder.
        NonFinite: If the loss or an answer becomes NaN or infinite.
        ForwardFault: For what the code of a network of your own raises.
        SystemExit: With code 143 after a SIGTERM.

    Example:
        >>> run = train("digits", net="lenet5", time="2s", out="lenet-model")
        >>> run.model.as_posix(), run.card.rung, run.card.evaluation.count
        ('lenet-model/model', 'from scratch', 359)
    """
    check_kinds(net, weights, device, test_size, extras)
    extras, watchmaker = extras or Extras(), Stopwatch()
    asked = {"path": path, "net": net, "weights": weights, "time": time, "seed": seed, "device": device, "test_size": test_size}
    command = extras.command or python_call(asked, extras)
    budget, where = seconds(time), find_device(device)
    check_precision(extras.precision)
    check_seed(seed)
    check_every(extras.every)
    check_augment(extras.augment)
    limits = within(extras.image_memory)
    path = check_given(path)
    catalog = scan(path, extras.images)
    if tell_table(catalog, extras.progress):
        test_size = 0
    like = read_earlier_run(check_given(extras.like)) if extras.like else None
    relabelling = read_relabelling(extras.labels)
    made = look_into(extras.synthetic, catalog)
    earlier = like.sides if like else relabelling.sides if relabelling else {}
    check_judged(extras.ensembling, has_test=keeps_test(catalog, test_size, earlier))
    folder = choose_folder(path, out, resume=extras.resume)
    check_beside(folder, catalog)
    with claimed(folder, resume=extras.resume, overwrite=extras.overwrite, broken_off=lambda learnt: _tell_go_on(extras, learnt)) as place:
        extras.progress.tell(f"Writing to {folder}")
        log = tensorboard.logger(check_given(extras.tensorboard)) if extras.tensorboard else None
        activations = cache_folder(extras.cache)
        starts = starts_of(catalog, net, weights, extras)
        start = starts[0]
        augmentation = start.policy(extras.augment)
        for line in augmentation.left_out:
            extras.progress.tell(f"Augmentation {augmentation.name}: {line}.")
        with watchmaker.stage(READING):
            sided = place_images(catalog, start, Placing(test_size, seed, earlier, relabelling), extras)
            check_judged(extras.ensembling, has_test=bool(sided.split.test))
            start = with_statistics(start, sided, extras.progress)
        settings = {"path": path, "net": AUTO if len(starts) > 1 else start.net, "weights": ", ".join(one.reference for one in starts)}
        settings |= {"time": time, "seed": seed, "device": where, "precision": extras.precision, "test size": test_size}
        settings |= {"image memory": f"{extras.image_memory:g}", "augment": augmentation.name} | extras.images.settings
        settings |= extras.recipe.settings
        if extras.ensembling.kind:
            settings["ensemble"] = str(extras.ensembling)
        if start.own:
            settings |= own_settings(start.own, net)
        if extras.labels:
            settings["labels"] = ", ".join(map(str, extras.labels))
        settings |= made.settings if made else {}
        if like:
            settings["like"] = like.run.report.parent
        if like:
            _tell_likeness(like, settings, sided, extras.progress)
        digest = fingerprint(settings, sided.sha256, start.spec, " ".join(start_digest(one) for one in starts))
        fit_options = FitOptions(
            seed, where, start.precision(extras.precision), bool(sided.split.test), augmentation, extras.recipe, extras.ensembling
        )
        with StopSignals(extras.progress.tell) as signals, threads(like.threads if like else None) as computing:
            place.begin(Begun(digest, str(Path(path).resolve()), extras.command, now()), resume=extras.resume)
            decisions = DecisionLog(place.decisions, like.run.decisions if like else relabelling.formats(settings) if relabelling else {})
            decisions.note(THREADS, computing)
            watchmaker.go_on(READING, decisions)
            clock = TimeBudget(inf if like else budget, decisions.recall(SPENT, float) or 0.0)
            with watchmaker.stage("learning", lambda: clock.spent):
                environment = RunEnvironment(place.work, activations, clock, decisions, signals, extras.progress, extras.every, log)
                start, sided, ranking = ranked((start,) if len(starts) == 1 else starts, sided, fit_options, environment, limits)
                augmentation = start.policy(extras.augment)
                fit_options = replace(fit_options, augmentation=augmentation)
                synthetic, seen_besides = (
                    read_synthetic(made, sided, start, extras.progress, limits, allow_broken=extras.allow_broken) if made else (None, None)
                )
                learnt = fit_network(sided.reading, sided.split, start, fit_options, environment, synthetic)
                signals.leave_if_told()
                cut_short = signals.stop
            with watchmaker.stage("learning curve"):
                curve = would_more_help(learnt)
            with watchmaker.stage("judging"):
                unlike = unlike_known(learnt.outcome, learnt.context)
                origin = provenance(sided, learnt, start, fit_options, command)
                origin = replace(origin, synthetic=learnt.context.extra, synthetic_sha256=made.sha256 if made else "")
                card, judged = _judge(sided, learnt, unlike, start, extras, origin)
                signals.leave_if_told()
            with watchmaker.stage("saving"):
                store.save(place.model, card, state_to_save(learnt, card), sided.placed(), unlike.scorer)
                run = run_record(place, card, judged, sided, learnt, watchmaker.stages, settings)
                run = replace(
                    run,
                    decisions=decisions.timed,
                    interrupted=cut_short,
                    ranking=ranking,
                    augmentation=augmentation_record(augmentation, card.rung),
                    learning_curve=curve,
                    rate_searches=rate_searches(decisions),
                    synthetic=replace(seen_besides, effect=learnt.synthetic) if seen_besides else None,
                )
                run = relabelling.judged(run) if relabelling else run
                atomic_write.write_file(place.record, to_json(run))
                views = seen(learnt.context, learnt.features, learnt.outcome)
                report.write(run, sheet=sheet(views) if views else None)
        if run.interrupted:
            place.keep()
        else:
            place.forget()
    return run


def check_kinds(net: object, weights: object, device: object, test_size: object, extras: object) -> None:
    """Raises: BadValue for an argument of a type that cannot be meant."""
    check_kind("net", net, str, type(None))
    for one in listed_weights(weights) or [None]:
        check_kind("weights", one, str, Path, type(None))
    check_kind("device", device, str)
    check_kind("test_size", test_size, int, float)
    check_kind("extras", extras, Extras, type(None))


def starts_of(
    catalog: Catalog, net: str | None, weights: str | Path | Sequence[str | Path] | None, extras: Extras
) -> tuple[InitialWeights, ...]:
    """Where training may start, in the size and shape that the recipe asks for: one place, or all at hand for `--net auto`."""
    starts = tuple(one.sized(extras.recipe) for one in _starts(catalog, net, weights, extras))
    for one in starts:
        check_own_shape(one.net, extras.recipe) if one.own else check_shape(one.net, one.channels, extras.recipe)
    check_made(extras.ensembling, pretrained=any(one.pretrained for one in starts))
    return starts


def _starts(
    catalog: Catalog, net: str | None, weights: str | Path | Sequence[str | Path] | None, extras: Extras
) -> tuple[InitialWeights, ...]:
    given, limits = listed_weights(weights), within(extras.image_memory)
    check_arguments(net, extras.arguments)
    if net == AUTO:
        return starts_at_hand(catalog, given, extras.facts, limits, extras.progress)
    if len(given) > 1:
        raise BadValue(
            f"{len(given)} weights were given.", why="a network starts from one", mend="have them ranked: --net auto; or give one"
        )
    wish = Wish(net, given[0] if given else None, extras.facts, extras.arguments, extras.images.channels_axis)
    return ((own_start if is_own(net) else choose_initial_weights)(catalog, wish, limits, extras.progress),)


def tell_table(catalog: Catalog, progress: Progress) -> bool:
    """What of a table is not used. Returns: whether it gives folds, which leave nothing for a test side."""
    for line in of_columns(catalog.unused_columns):
        progress.tell(line)
    count = cross_validated(catalog)
    if count:
        progress.tell(f"The table gives {counted(count, 'fold')} to cross-validate, so there is no test side.")
    return bool(count)


def keeps_test(catalog: Catalog, test_size: float, earlier: Mapping[str, str]) -> bool:
    """Whether there can be a test side, as far as that shows before any image is read."""
    return bool(test_size) or "test" in earlier.values() or any(item.split in ("val", "test") for item in catalog.items)


def _tell_likeness(like: EarlierRun, settings: Mapping[str, object], sided: SidedImages, progress: Progress) -> None:
    """What is taken over from another run, and what will differ."""
    progress.tell(f"Like {like.run.report.parent}: its decisions, {counted(like.threads, 'thread')} and sides; --time does not count.")
    different = like.departures({name: str(value) for name, value in settings.items()}, sided.sha256)
    if different:
        progress.tell(f"Not the same network as there: {'; '.join(different)}.")


def _tell_go_on(extras: Extras, learnt: bool) -> None:
    """What to type, or to call, to go on with a run that broke off."""
    if not learnt:
        extras.progress.tell("Nothing was learnt yet: the same command starts again.")
        return
    how = resuming(extras.command) if extras.command else "the same call with Extras(resume=True)"
    extras.progress.tell(f"What was learnt so far is kept. To go on: {how}")


def _judge(
    sided: SidedImages, learnt: FittedNetwork, unlike: UnlikeKnown, start: InitialWeights, extras: Extras, provenance: Provenance
) -> tuple[ModelCard, Judgement]:
    """The card with its figures. The test side is touched here, once, through the network as it will be saved."""
    classes = learnt.context.classes
    logits, truth, groups = learnt.outcome.logits, learnt.truth, learnt.context.groups_of(learnt.outcome.rows)
    offsets = learnt.context.balance.offsets
    temperature = temperature_scaling.sure_temperature(logits, truth, groups, offsets)
    together = ensemble_card(learnt, temperature, cost_of(start, learnt.net.cpu().eval())[1])
    net = answering(learnt, together)
    parameters, macs = cost_of(start, net.cpu().eval())
    folded = evaluate(logits, truth, classes, temperature, f"{len(truth):,} training images, out of fold", groups=groups, offsets=offsets)
    card = ModelCard(
        net=start.net, classes=classes, channels=start.channels, input=start.spec, temperature=temperature, rung=learnt.outcome.rung,
        parameters=parameters, macs=macs, evaluation=folded, comparisons=(), provenance=provenance,
        depth=sided.reading.depth, mirrored=learnt.context.policy.flip,
        sets=set_rule(temperature_scaling.probabilities(logits, temperature, offsets), truth, groups),
        novelty=unlike.rule, novelty_unknown=unlike.unknown, offsets=offsets, head=head_of(learnt.net),
        own=start.own.record if start.own else None, ensemble=together,
    )  # fmt: skip
    model = Model(card, net, limits=within(extras.image_memory), novelty=unlike.scorer)
    alone = Model(replace(card, ensemble=None), learnt.net, limits=within(extras.image_memory)) if together else None
    if sided.split.test:
        known = tuple(place for place in sided.split.test if sided.split.labels[place] in classes)
        test = images_at(sided.reading, sided.split, known, classes)
        judged = evaluate_on_test(model, learnt, test, sided.leaked, sided.strangers, extras.progress, alone)
    else:
        judged = evaluate_out_of_fold(model, learnt)
    card = replace(card, evaluation=judged.evaluation, comparisons=judged.comparisons)
    return replace(card, set_figures=judged.set_figures, novelty_figures=judged.novelty_figures), judged
