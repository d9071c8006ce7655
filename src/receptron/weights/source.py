"""From what a user names to a weights file with all its facts: a reference such as torchvision/IMAGENET1K_V2, or a file."""

from pathlib import Path

from receptron.errors import BadValue
from receptron.given_path import check_given, expanded
from receptron.progress import Progress
from receptron.weights import foreign
from receptron.weights.fetch import SILENT, fetch
from receptron.weights.pretrained import Pretrained
from receptron.weights.published import find, only_net_of
from receptron.weights.sidecar import Sidecar, check_unsaid, facts_of, inputs_of
from receptron.weights.store import verify

NOTHING_SAID = Sidecar()


def resolve(reference: str | Path, said: Sidecar = NOTHING_SAID, progress: Progress = SILENT) -> Pretrained:
    """The weights that `reference` names, on this machine, hash verified where one is known.

    A file (.safetensors, .pt, .pth, .th) takes its facts from `said`, then from the sidecar NAME.toml. A reference to published weights
    takes them from the catalogue and needs `said.net` only, and not even that where it is of one net alone.
    Raises: WeightsUnavailable, UnsafeCheckpoint, UnknownName, BadValue.
    """
    if is_file(reference):
        return _local(check_given(reference), said)
    check_unsaid(said)
    net = said.net or only_net_of(str(reference))
    if net is None:
        raise BadValue(
            f"{reference} names weights but no network.", why="every network has its own", mend="say which network: --net resnet50"
        )
    row = find(net, str(reference))
    path, digest = fetch(row, progress)
    return Pretrained(row.reference, row.net, path, row.keys, row.inputs, row.licence, digest)


def is_file(reference: str | Path) -> bool:
    """Whether `reference` means a file rather than a catalogue entry."""
    path = expanded(Path(reference))
    return isinstance(reference, Path) or path.suffix.lower() in (".safetensors", *foreign.SUFFIXES) or path.is_file()


def _local(path: Path, said: Sidecar) -> Pretrained:
    verify(path)
    facts = facts_of(path, said)
    verify(path, facts.sha256 or "")
    return Pretrained(
        str(path), facts.net or "", path, facts.keys or "", inputs_of(facts, path), facts.licence or "unstated", facts.sha256 or ""
    )
