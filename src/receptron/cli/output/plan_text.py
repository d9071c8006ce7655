"""A plan of a training as a person reads it: step by step, each with its figures."""

from receptron.cli.output import screen
from receptron.cli.output.tables import Table
from receptron.evaluation.records import Estimate
from receptron.training.plan_record import DomainDistance, ImagesSeen, Plan
from receptron.wording import counted, listed

_CLASSES = 12  # told by name


def show(plan: Plan) -> None:
    """Every step on stdout, the next command last."""
    screen.show((f"Plan for {plan.path}", "bold"), "; nothing has been trained")
    rows = Table("", "", firm=(0,))
    for name, lines in _steps(plan):
        for number, line in enumerate(lines):
            rows.add("" if number else name, line)
    screen.table(rows)
    _ranking(plan)
    _rungs(plan)
    expected = plan.accuracy.words if plan.accuracy else f"unknown, because {plan.accuracy_unknown}"
    screen.show(("Expect  ", "bold"), f"accuracy {expected}" if plan.accuracy else expected)
    if plan.accuracy:
        screen.show(f"        the linear head on {counted(plan.accuracy.count, 'training image')} that it had not learnt from")
    screen.show(f"Took    {plan.seconds:.0f} s of this machine")
    screen.show("Next    ", (plan.next, "bold"))


def _steps(plan: Plan) -> list[tuple[str, list[str]]]:
    steps = [
        ("Images", _images(plan)),
        ("Audit", _audit(plan)),
        ("Test", [_test(plan), _folds(plan)]),
        ("Network", _network(plan)),
        ("Distance", _distance(plan)),
        ("Views", _views(plan)),
    ]
    if plan.synthetic:
        steps.append(("Made", [plan.synthetic.words, plan.synthetic.effect_words]))
    return [(f"{number} {name}", lines) for number, (name, lines) in enumerate(steps, 1)]


def _images(plan: Plan) -> list[str]:
    seen, counts = plan.images, plan.audit.classes
    sizes = [f"{label} {count:,}" for label, count in counts.items()]
    told = [f"{counted(seen.count, 'image')} of {counted(len(counts), 'class')}: {listed(sizes, _CLASSES)}"]
    told.append(f"{_px(seen.median)} px in the middle, from {_px(seen.smallest)} to {_px(seen.largest)}; {_colour(seen)}")
    if plan.split.train_groups is not None:
        groups = plan.split.train_groups + (plan.split.test_groups or 0)
        told.append(f"they come from {counted(groups, plan.split.group_noun)}, which stay whole and count once")
    else:
        told.append("each counts for itself: no groups were given (--group, --group-column)")
    return told


def _px(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _colour(seen: ImagesSeen) -> str:
    if seen.grey == seen.count:
        return "all grey"
    return f"{seen.grey:,} grey, {seen.count - seen.grey:,} in colour" if seen.grey else "all in colour"


def _audit(plan: Plan) -> list[str]:
    found = plan.audit.findings
    counts = [counted(number, name) for name in ("error", "warning", "note") if (number := sum(one.severity == name for one in found))]
    told = [f"{plan.audit.broken:,} unreadable; {', '.join(counts) or 'nothing to complain about'}"]
    return told + [f"{one.severity}: {one.message}" for one in found if one.severity != "note"][:3]


def _test(plan: Plan) -> str:
    split, whole = plan.split, "copies and groups stay on one side"
    if split.method == "given":
        leaks = f"; {split.leaks:,} of them have a twin in training" if split.leaks else ""
        return f"{counted(plan.test, 'image')} judge, as the images say themselves{leaks}; {plan.training:,} are learnt from"
    if not plan.test:
        return f"no image is held back: all {plan.training:,} are judged out of fold"
    drawn = f"{counted(plan.test, 'image')} of {plan.test + plan.training:,} are held back, of each class {100 * split.test_size:g} %"
    return f"{drawn}, by a hash of their content and seed {plan.settings['seed']}; {whole} ({counted(split.clusters, 'set')} of copies)"


def _folds(plan: Plan) -> str:
    return (
        f"choices are made on the {plan.training:,} others, held out in {counted(len(plan.folds), 'fold')} of {_range(plan.folds)} images"
    )


def _range(sizes: tuple[int, ...]) -> str:
    return f"{min(sizes):,} to {max(sizes):,}" if min(sizes) < max(sizes) else f"{sizes[0]:,}"


def _network(plan: Plan) -> list[str]:
    start = plan.start
    origin = "from scratch" if start.weights == "none" else f"from {start.weights}"
    size = f"{start.parameters:,} parameters, {start.macs / 1e6:,.0f} million multiply-accumulates an image of {start.pixels} px"
    told = [f"{start.net}, {origin}: {start.why}", size]
    if plan.input_check and plan.input_check.fault:
        told.append(f"warning: {plan.input_check.fault}")
    return told


def _distance(plan: Plan) -> list[str]:
    found, checked = plan.distance, plan.input_check
    told = [f"unknown, because {plan.distance_unknown}"] if found is None else _probed(found)
    if checked and checked.misfit is not None:
        told.append(
            f"what reaches the first BatchNorm lies {checked.misfit:.2f} nats from what the weights were trained on"
            f" ({counted(checked.images, 'image')})"
        )
    return told


def _probed(found: DomainDistance) -> list[str]:
    told = [
        f"one linear head, out of fold: right on {found.weights.words} by these weights, on {found.pixels.words} by raw pixels"
        f" ({100 * found.majority:.1f} % are of the commonest class; {counted(found.images, 'image')})"
    ]
    gain = f"{100 * found.gain.value:+.1f} points ({_ends(found.gain)})"
    if found.gain.unknown:
        return [*told, f"{gain}: how surely the weights know more than pixels is unknown"]
    if found.gain.low > 0:
        return [*told, f"{gain}: the weights mend {100 * found.mended:.0f} % of the errors that raw pixels leave, so they know such images"]
    return [*told, f"{gain}: not surely better than raw pixels, so these images are far from what the weights know; try --weights none too"]


def _ends(found: Estimate) -> str:
    return found.method if found.unknown else f"{100 * found.low:+.1f} to {100 * found.high:+.1f}"


def _views(plan: Plan) -> list[str]:
    record, seen = plan.augmentation, plan.features
    changes = "; ".join(f"{what} {how}" for what, how in record.changes) or "nothing is varied"
    told = [f"augmentation {record.policy}: {changes}", *(f"left out: {why}" for why in record.left_out)]
    if seen is None:
        return told
    work = f"{seen.views} views of each image at {seen.images_per_second:.0f} a second"
    kept = f"; {counted(seen.cached, 'image')} were in the cache" if seen.cached else ""
    return [*told, f"{work}: expected {seen.expected:.0f} s, took {seen.took:.0f} s{kept}; the training finds them in the cache"]


def _ranking(plan: Plan) -> None:
    if not plan.ranking:
        return
    table = Table("weights at hand", "a probe is right on", "a pass", "", firm=(1, 2))
    for row in plan.ranking:
        seconds = f"{row.seconds:.1f} s" if row.seconds else ""
        table.add(f"  {row.net}, {row.reference}", row.accuracy.words if row.accuracy else "", seconds, row.why)
    screen.table(table)


def _rungs(plan: Plan) -> None:
    table = Table("rung", "right out of fold", "takes", "", firm=(1, 2))
    for rung in plan.measured:
        table.add(f"  {rung.name}", rung.accuracy.words if rung.accuracy else "", f"{rung.seconds:.1f} s", rung.why)
    for rung in plan.rungs:
        table.add(f"  {rung.name}", "will be tried" if rung.tried else "will not be tried", _span(rung.least, rung.most), rung.why)
    screen.table(table)


def _span(least: float | None, most: float | None) -> str:
    if least is None or most is None:
        return "unknown"
    return f"{least:.0f} s" if round(least) == round(most) else f"{least:.0f} to {most:.0f} s"
