"""Rules about parameters: biases without effect, heavy heads, modules never used, norms half frozen, images normalised wrongly."""

from collections.abc import Iterable

from receptron.analysis.lint.context import Advice, Subject
from receptron.analysis.tape.views import BATCH_NORMS, Product, view_of
from receptron.arithmetic import Linear, global_pooling, parameters

HEAVY = 0.5


def bias_before_norm(subject: Subject) -> Iterable[Advice]:
    """Biases that the mean of a following BatchNorm takes away again."""
    tape, found, cost = subject.tape, list[str](), 0
    for path, call, conv in subject.convolutions:
        users = subject.users.get(call.outputs[0], [])
        if conv.bias is not None and users and all(user.op in BATCH_NORMS for user in users):
            found.append(path)
            cost += tape.values[conv.bias].numel
    if found:
        yield Advice(
            "bias_before_norm",
            found[0],
            f"{len(found)} convolutions have a bias that the BatchNorm after them cancels: {cost:,} parameters without effect",
            "build them with bias=False",
        )


def heavy_head(subject: Subject) -> Iterable[Advice]:
    """Linear layers that hold most of the parameters, and what global average pooling would save at the first of them."""
    tape = subject.tape
    learnable = [p for p in tape.parameters if p.learnable]
    whole = sum(p.numel for p in learnable)
    linear = [(path, view) for path, call in subject.calls("addmm") if isinstance(view := view_of(tape, call), Product)]
    held = sum(tape.values[view.right].numel + tape.shape(view.right)[1] for _, view in linear)
    if not linear or held < HEAVY * whole:
        return
    for path, view in linear:
        features, outputs = tape.shape(view.right)
        folded = _map_before(subject, view.left)
        if folded is not None and features == folded[0] * folded[1] ** 2:  # the scores of attention are square too
            channels, pixels = folded
            saved = int(parameters(Linear(features, outputs)).value) - int(global_pooling(channels, pixels, outputs).steps[0].value)  # pyright: ignore[reportArgumentType]
            yield Advice(
                "heavy_head",
                path,
                f"linear layers hold {held:,} of {whole:,} parameters; {path} alone reads a flattened {channels} x {pixels} x {pixels} map",
                f"global average pooling before it saves {saved:,} parameters",
            )
            return


def unused_modules(subject: Subject) -> Iterable[Advice]:
    """Modules with parameters that no call reads."""
    tape = subject.tape
    read = {tape.values[i].name for call in tape.forward for i in call.inputs}
    idle = [p for p in tape.parameters if p.learnable and not read & set(p.names)]
    if idle:
        owners = sorted({name.rpartition(".")[0] for p in idle for name in p.names})
        yield Advice(
            "unused_modules",
            owners[0],
            f"{len(idle)} parameter tensors ({sum(p.numel for p in idle):,} numbers) are never read: {', '.join(owners[:4])}"
            + (f" and {len(owners) - 4} more" if len(owners) > 4 else ""),
            "remove them, or call them; with distributed training they also stall the gradient exchange",
        )


def frozen_norm_in_train_mode(subject: Subject) -> Iterable[Advice]:
    """BatchNorm whose parameters are frozen but which still normalises by the batch and moves its statistics."""
    trainable = {name: p.trainable for p in subject.tape.parameters for name in p.names}
    found = [
        part.path
        for part in subject.tape.parts
        if "BatchNorm" in part.kind
        and part.training
        and part.own
        and not any(trainable[f"{part.path}.{name}" if part.path else name] for name in part.own)
    ]
    if found:
        yield Advice(
            "frozen_norm_in_train_mode",
            found[0],
            f"{len(found)} BatchNorm layers are frozen but in train mode: their running statistics will still change",
            "put them in eval mode after every call of train()",
        )


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
        )


def _map_before(subject: Subject, value: int) -> tuple[int, int] | None:
    """Channels and side of the square map that was flattened into a value; dropouts and activations between are looked through."""
    tape = subject.tape
    for call in reversed(tape.forward):
        if value in call.outputs and call.inputs:
            shape = tape.values[call.inputs[0]].shape
            if call.op in ("view", "reshape", "_unsafe_view") and len(shape) == 4 and shape[2] == shape[3] > 1:
                return shape[1], shape[2]
            value = call.inputs[0]
    return None
