"""The members of an exported program that are read: the graph and the list of weights, both JSON. Nothing else is opened."""

import zipfile
from pathlib import Path, PurePosixPath
from typing import TypeVar

import msgspec

from receptron.analysis.model_import.exported.schema import ExportedProgram, ExportedSize, Payload, PayloadConfig
from receptron.errors import BadValue

LIMIT = 256 * 2**20
"""Bytes of JSON that are read; a network of a thousand layers has about 5 MB."""
MEMBERS = 1 << 18
MODEL = "models/model.json"
OLD_MODEL = "serialized_exported_program.json"
"""Place of the graph up to torch 2.7; its weights are pickled, and are taken from the graph's own statements."""
CONFIGS = {"weights": "data/weights/model_weights_config.json", "constants": "data/constants/model_constants_config.json"}
MAJOR = 8
"""Version of torch's schema that is understood; torch itself takes no other."""
MEND = "write it again with torch.export.save"


T = TypeVar("T")


class Archive:
    """An open exported program: `program` is its graph, `payloads` says of each weight where it lies. Raises: BadValue."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if not path.is_file() or not zipfile.is_zipfile(path):  # which itself fails on some damaged archives
                raise BadValue(f"{path} is not an exported program.", why="it is no zip archive, or is cut off", mend=MEND)
            with zipfile.ZipFile(path) as opened:
                self._read(opened)
        except BadValue:
            raise
        except Exception as error:  # a damaged archive makes zipfile and zlib raise a dozen kinds
            raise _damaged(path, f"{type(error).__name__}: {error}") from error

    def _read(self, opened: zipfile.ZipFile) -> None:
        members = self._members(opened)
        name = MODEL if MODEL in members else OLD_MODEL
        if name not in members:
            raise BadValue(f"{self.path} is not an exported program.", why=f"it has no {MODEL}", mend=MEND)
        self.program = _decoded(self.path, name, _content(self.path, opened, members[name]), ExportedProgram)
        if self.program.schema_version.major != MAJOR:
            found = self.program.schema_version.major
            raise BadValue(f"{self.path} has a schema that is not known here.", why=f"version {found}, not {MAJOR}", mend=MEND)
        self.payloads = None if name == OLD_MODEL else self._payloads(opened, members)

    def _payloads(self, opened: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> dict[str, tuple[str, Payload]]:
        """Each weight's kind, and where it lies."""
        found: dict[str, tuple[str, Payload]] = {}
        for kind, config in CONFIGS.items():
            if config not in members:
                raise _damaged(self.path, f"it has no {config}")
            rows = _decoded(self.path, config, _content(self.path, opened, members[config]), PayloadConfig).config
            for weight, row in rows.items():
                self._check_present(members, kind, weight, row)
                found[weight] = kind, row
        return found

    def _members(self, opened: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
        """Members by their names below the archive's one folder."""
        entries = opened.infolist()
        if len(entries) > MEMBERS:
            raise _damaged(self.path, f"it has {len(entries):,} members")
        names = [entry.filename for entry in entries]
        if len({*names}) < len(names):
            raise _damaged(self.path, "a member stands in it twice")
        odd = [name for name in names if name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts]
        if odd:
            raise _damaged(self.path, f"a member is named {odd[0]!r}")
        roots = {name.partition("/")[0] for name in names}
        inside = len(roots) == 1 and OLD_MODEL not in names
        return {entry.filename.partition("/")[2] if inside else entry.filename: entry for entry in entries}

    def _check_present(self, members: dict[str, zipfile.ZipInfo], kind: str, weight: str, row: Payload) -> None:
        """A weight that is stated lies in the archive, with as many bytes as it needs; fake weights have none."""
        entry = members.get(f"data/{kind}/{row.path_name}")
        if entry is None:
            raise _damaged(self.path, f"{row.path_name}, which holds {weight}, is missing")
        meta = row.tensor_meta
        if meta is None or row.use_pickle or not entry.file_size:
            return
        count = 1
        for size in meta.sizes:
            count *= _extent(size)
        if entry.file_size < count:  # a number has a byte or more
            raise _damaged(self.path, f"{weight} has {count:,} numbers, but {row.path_name} {entry.file_size:,} bytes")


def _extent(size: ExportedSize) -> int:
    return size.as_int if size.as_int is not None else 1


def _content(path: Path, opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.flag_bits & 1:
        raise _damaged(path, f"{entry.filename} is encrypted")
    with opened.open(entry) as member:
        content = member.read(LIMIT + 1)
    if len(content) > LIMIT:
        raise _damaged(path, f"{entry.filename} has over {LIMIT:,} bytes")
    return content


def _decoded(path: Path, name: str, content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise _damaged(path, f"{name}: {error}") from error
    except RecursionError as error:
        raise _damaged(path, f"{name} is nested too deeply") from error


def _damaged(path: Path, why: str) -> BadValue:
    return BadValue(f"{path} is a damaged exported program.", why=why[:300], mend=MEND)
