"""Where training with a network of the user's own starts: at the size of the images, or as flags say, tried before anything is read."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from receptron.analysis.cost import cost
from receptron.data.reading.file_bytes import LIMITS, Limits
from receptron.data.records import Catalog
from receptron.errors import BadValue, CheckpointMismatch, ForwardFault, ReceptronError
from receptron.given_path import check_given
from receptron.jobs.training.initial_weights import PHOTO, SMALL, TINY, InitialWeights, Look, Wish, band_spec, look_at
from receptron.own_net.own_network import OwnNet, is_own, read_own
from receptron.own_net.trial import Tried, side_that_runs, try_out
from receptron.progress import Progress
from receptron.training.loop.recipe import Recipe
from receptron.weights.fetch import SILENT
from receptron.weights.inputs import InputSpec
from receptron.weights.pretrained import Pretrained
from receptron.weights.sidecar import Sidecar, check_agreement, inputs_of, read_sidecar, sidecar_of
from receptron.weights.source import is_file
from receptron.weights.store import verify

__all__ = ["is_own", "own_start"]


def own_start(catalog: Catalog, wish: Wish, limits: Limits = LIMITS, progress: Progress = SILENT) -> InitialWeights:
    """From scratch at the images' size, or from a file of the network's own state_dict.

    Raises: BadValue, UnknownName, CheckpointMismatch, UnsafeCheckpoint; ForwardFault with the line of the user's file.
    """
    own = read_own(wish.net or "", wish.arguments or "")
    progress.tell(f"Your network: {own.place}; the model will ask for the same {', '.join(own.record.sources)}.")
    if own.elsewhere:
        progress.tell(f"Not covered by its digest, as they lie elsewhere: {', '.join(own.elsewhere)}.")
    look = look_at(catalog, limits, wish.axis)
    file = None if wish.weights in (None, "none") else _file(wish.weights)
    facts = _facts(file, wish.facts)
    spec = _of_bands(facts, look) if look.bands else inputs_of(facts, file) if file else _by_images(facts, look.shorter)
    classes, pretrained = len(catalog.classes), None
    if file:
        pretrained = Pretrained(str(file), own.place, file, "receptron", spec, facts.licence or "unstated", facts.sha256 or "")
    channels, tried = _fed(own, classes, spec, pretrained, grey=look.grey, said=facts.pixels is not None)
    if not tried.bfloat16:
        progress.tell(f"{own.place} does not bear numbers of 16 bits, so it is trained in float32.")
    start = InitialWeights(own.place, pretrained, spec, channels, look.grey, own, not tried.bfloat16)
    if pretrained:
        _check_adaptable(start, classes, progress)
    return start


def check_arguments(net: str | None, arguments: str | None) -> None:
    """Raises: BadValue for arguments where there is no class of the user's to call."""
    if arguments is not None and not is_own(net):
        raise BadValue("--args would be passed over.", why="it is for a network of your own", mend="name it: --net FILE.py:CLASS")


def check_own_shape(net: str, recipe: Recipe) -> None:
    """Raises: BadValue for what a recipe would change of a network, whose layers are the user's own."""
    asked = {"--head": recipe.hidden, "--dropout": recipe.dropout is not None, "--drop-path": recipe.drop_path}
    if flags := [flag for flag, given in asked.items() if given]:
        raise BadValue(
            f"{', '.join(flags)} would change {net}.", why="its layers are your own", mend="write it into your network, and leave it out"
        )


def own_settings(own: OwnNet, net: str | None) -> dict[str, object]:
    """What of a network of one's own changes what is trained: its file, its digest, its arguments."""
    told: dict[str, object] = {"net file": (net or own.record.file).removesuffix(f":{own.record.name}"), "net sha256": own.record.digest}
    return told | ({"args": own.record.arguments} if own.record.arguments else {})


def cost_of(start: InitialWeights, net: nn.Module) -> tuple[int, int | None]:
    """Parameters and multiply-accumulates of one image; None where the code of a network of one's own does not run without numbers."""
    try:
        needs = cost(net, (start.channels, start.spec.pixels, start.spec.pixels))
    except ReceptronError:
        if start.own is None:
            raise
        return sum(parameter.numel() for parameter in net.parameters()), None
    return needs.parameters, needs.macs


def _file(reference: str | Path | None) -> Path:
    if reference is None or not is_file(reference):
        raise BadValue(
            f"{reference} is no weights of a network of your own.", mend="give a file of its state_dict: --weights FILE.safetensors"
        )
    path = check_given(reference)
    verify(path)
    return path


def _facts(file: Path | None, said: Sidecar) -> Sidecar:
    """What is known of the input. Raises: BadValue for what nobody said of a file."""
    said = replace(said, net=None)
    if said.keys:
        raise BadValue(
            f"--weights-keys {said.keys} would be passed over.", why="the names are those of your own network", mend="leave it out"
        )
    if file is None:
        return said
    if sidecar_of(file).is_file():
        written = read_sidecar(sidecar_of(file))
        check_agreement(file, replace(written, net=None, keys=None), said)
        said = said.or_else(written)
    missing = [name for name in said.missing() if name not in ("net", "keys")]
    if missing:
        raise BadValue(
            f"{file.name} says nothing about {', '.join(missing)}.",
            why="a file of weights holds numbers only, and what it expects of an image is never guessed",
            mend=f"give {', '.join(f'--weights-{name}' for name in missing)}, or write them into {sidecar_of(file).name} beside it",
        )
    return said


def _by_images(facts: Sidecar, shorter: int) -> InputSpec:
    """From scratch: the images' own size, up to that of photos, and what flags say."""
    pixels = facts.pixels or min(max(shorter, TINY), PHOTO)
    facts = facts.or_else(Sidecar(mean=(0.5,), std=(0.25,), interpolation="bilinear", crop=1.0 if pixels < SMALL else 0.875))
    return inputs_of(replace(facts, pixels=pixels), Path("--net"))


def _of_bands(facts: Sidecar, look: Look) -> InputSpec:
    """Images of bands are squeezed whole, and normalised by their own training side."""
    for name in ("mean", "std", "crop"):
        if getattr(facts, name) is not None:
            raise BadValue(f"--weights-{name} would be passed over.", why="bands are normalised by the training side", mend="leave it out")
    return band_spec(look.bands, facts.pixels or min(max(look.longer, TINY), PHOTO), look.axis)


def _fed(own: OwnNet, classes: int, spec: InputSpec, pretrained: Pretrained | None, *, grey: bool, said: bool) -> tuple[int, Tried]:
    """How many channels the network takes, of one or three, those of the images first, and those of its weights where there are some."""
    choices = (spec.bands,) if spec.bands else (1, 3) if grey else (3,) if own.fed and not pretrained else (3, 1)
    state, first = pretrained.state() if pretrained else None, list[ReceptronError]()
    for channels in choices:
        try:
            tried = try_out(own, classes, channels, spec.pixels)
            if state is not None:
                own.classifier(classes, (channels, spec.pixels), state)
            return channels, tried
        except (ForwardFault, CheckpointMismatch) as fault:
            first.append(fault)
    if mismatch := next((fault for fault in first if isinstance(fault, CheckpointMismatch)), None):
        raise mismatch
    sides = {} if said else {channels: side_that_runs(own, classes, channels) for channels in choices}
    runs = next(((channels, side) for channels, side in sides.items() if side), None)
    if runs is None:
        raise first[0]
    raise BadValue(
        f"{own.place} does not run on images of {spec.pixels}x{spec.pixels}.",
        why=first[0].why,
        mend=f"resize them to a size at which it runs: --weights-pixels {runs[1]}",
    )


def _check_adaptable(start: InitialWeights, classes: int, progress: Progress) -> None:
    """The file fits the network, and there is a class layer for the ladder to stand on."""
    net = start.make(classes)
    if not getattr(net, "class_layer", ""):
        raise BadValue(
            f"{start.net} has no Linear layer whose answer is the network's own, on a vector of each image.",
            why="the ladder begins with a new one there, on the features that the weights give",
            mend="let forward end in nn.Linear, or train it from scratch: --weights none",
        )
    for line in net.fitted:
        progress.tell(f"{line}.")
    if not len(net.stages):
        progress.tell(f"{start.net} has no stem, stages and head, so the ladder goes from the linear head straight to everything.")
