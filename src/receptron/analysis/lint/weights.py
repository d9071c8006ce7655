"""Rules about parameters: biases without effect, heavy heads, modules never used, norms half frozen, images normalised wrongly."""

from collections.abc import Iterable
from math import prod

from receptron.analysis.lint.context import Advice, Subject, also
from receptron.analysis.tape import Part, Tape, Value
from receptron.analysis.tape.views import BATCH_NORMS, Product, view_of
from receptron.wording import counted

HEAVY = 0.5


def bias_before_norm(subject: Subject) -> Iterable[Advice]:
    """Biases that the mean of a following BatchNorm takes away again."""
    tape, found = subject.tape, dict[str, int]()
    for path, call, conv in subject.convolutions:
        users = subject.users.get(call.outputs[0], [])
        if conv.bias is not None and users and all(user.op in BATCH_NORMS for user in users):
            found[path] = tape.values[conv.bias].numel
    if found:
        first, *others = found
        yield Advice(
            "bias_before_norm",
            first,
            f"{sum(found.values()):,} parameters without effect: the BatchNorm after it cancels the bias, in training, of"
            f" {counted(len(found), 'convolution')}{also(others)}",
            "build them with bias=False",
            sum(found.values()) / subject.learnable,
        )


def heavy_head(subject: Subject) -> Iterable[Advice]:
    """Linear layers that hold most of the parameters, and what global average pooling would save at the first of them.

    Silent where the network gives maps: it may need to know where things were.
    """
    tape = subject.tape
    linear = [(path, view) for path, call in subject.calls("addmm") if isinstance(view := view_of(tape, call), Product)]
    weights = {int(view.right): tape.values[view.right].numel + tape.shape(view.right)[1] for _, view in linear}
    held = sum(weights.values())
    if held < HEAVY * subject.learnable or any(len(tape.values[value].shape) > 2 for value in tape.outputs):
        return
    for path, view in linear:
        features, outputs = tape.shape(view.right)
        folded = _map_before(subject, view.left)
        if folded is not None and features == prod(folded):  # the scores of attention are square too
            saved = (features - folded[0]) * outputs
            yield Advice(
                "heavy_head",
                path,
                f"linear layers hold {held:,} of {subject.learnable:,} parameters; {path} alone reads a flattened"
                f" {' x '.join(map(str, folded))} map",
                f"global average pooling before it saves {saved:,} parameters",
                saved / subject.learnable,
            )
            return


def unused_modules(subject: Subject) -> Iterable[Advice]:
    """Modules with parameters that no call reads in eval mode."""
    tape = subject.tape
    read = {tape.values[i].name for call in tape.forward for i in call.inputs}
    idle = [p for p in tape.parameters if p.learnable and not read & set(p.names)]
    if idle:
        owners = _whole_modules(tape, idle)
        count = sum(p.numel for p in idle)
        yield Advice(
            "unused_modules",
            owners[0],
            f"in eval mode nothing reads {counted(len(idle), 'parameter tensor')} ({count:,} of {subject.learnable:,} numbers)"
            f"{also(owners[1:])}",
            "if training does not read them either, remove them: with distributed training they stall the gradient exchange;"
            " if it does, as with auxiliary heads, leave them out where the network is only used",
            count / subject.learnable,
        )


def _whole_modules(tape: Tape, idle: list[Value]) -> list[str]:
    """The outermost modules of which nothing is read, or those that own what is not."""
    names = {name for p in idle for name in p.names}
    busy = {name for p in tape.parameters if p.learnable for name in p.names} - names
    spared = {".".join(name.split(".")[:depth]) for name in busy for depth in range(name.count(".") + 1)}
    found: set[str] = set()
    for name in names:
        owner = name.split(".")[:-1]
        found.add(next((path for depth in range(1, len(owner) + 1) if (path := ".".join(owner[:depth])) not in spared), ".".join(owner)))
    return sorted(found)


def frozen_norm_in_train_mode(subject: Subject) -> Iterable[Advice]:
    """BatchNorm whose parameters are frozen but which still normalises by the batch and moves its statistics."""
    owned = {name: p for p in subject.tape.parameters for name in p.names}
    found = [part.path for part in subject.tape.parts if "BatchNorm" in part.kind and part.training and _only_statistics_learn(part, owned)]
    if found:
        yield Advice(
            "frozen_norm_in_train_mode",
            found[0],
            f"frozen, but in train mode, so that their running statistics still change: {counted(len(found), 'BatchNorm layer')}"
            f"{also(found[1:])}",
            "put them in eval mode after every call of train()",
            1.0,
        )


def _only_statistics_learn(part: Part, owned: dict[str, Value]) -> bool:
    within = f"{part.path}." if part.path else ""
    learnable = [owned[within + name] for name in part.own]
    return bool(learnable) and not any(p.trainable for p in learnable) and f"{within}running_mean" in owned


def wrong_normalisation(subject: Subject) -> Iterable[Advice]:
    """Images normalised otherwise than the weights were trained with."""
    expected, given = subject.expected, subject.given
    if expected is not None and given is not None and expected != given:
        shift = max(abs(a - b) / s for a, b, s in zip(expected.mean, given.mean, expected.std, strict=False))
        yield Advice(
            "wrong_normalisation",
            "",
            f"weights expect mean {expected.mean} and std {expected.std}, images come with {given.mean} and {given.std}:"
            f" up to {shift:.2f} standard deviations off",
            "use the normalisation that travels with the weights",
            1.0,
        )


def _map_before(subject: Subject, value: int) -> tuple[int, ...] | None:
    """Channels and sides of the map that was flattened into a value; dropouts and activations between are looked through."""
    tape = subject.tape
    call = subject.makers.get(value)
    while call is not None and call.inputs:
        shape = tape.values[call.inputs[0]].shape
        if call.op in ("view", "reshape", "_unsafe_view") and prod(shape[2:]) > 1 and subject.local(call.inputs[0]) is not None:
            return shape[1:]
        call = subject.makers.get(call.inputs[0])
    return None
