"""The folder of one run: model/ and report.html that stay, .work/ with checkpoints and decisions that goes when the run is done."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from receptron import durable
from receptron.bundle import store
from receptron.errors import BadValue, BundleFault, StorageFault

_FINGERPRINT = "fingerprint"


@dataclass(frozen=True)
class Place:
    """Where one run writes."""

    folder: Path

    @property
    def model(self) -> Path:
        """The model directory."""
        return self.folder / store.INNER

    @property
    def report(self) -> Path:
        """The report, one HTML file."""
        return self.folder / "report.html"

    @property
    def record(self) -> Path:
        """The Run record as JSON."""
        return self.folder / "run.json"

    @property
    def work(self) -> Path:
        """Checkpoints and decisions of a run that is under way."""
        return self.folder / ".work"

    def open(self, fingerprint: str, *, resume: bool) -> bool:
        """Make the folder ready; returns whether an interrupted run goes on. Raises: BadValue if it cannot; StorageFault."""
        found = self._interrupted()
        if resume and found is not None and found != fingerprint:
            raise BadValue(
                f"the interrupted run in {self.folder} had other settings or other images.",
                why="only the same run can be continued to the same weights",
                mend="give the settings that it had, or leave --resume out to start anew",
            )
        going_on = resume and found == fingerprint
        try:
            if not going_on:
                shutil.rmtree(self.work, ignore_errors=True)
                durable.write_file(self.work / _FINGERPRINT, fingerprint)
        except OSError as error:
            raise StorageFault(f"could not write to {self.folder}.", why=str(error), mend="choose another place with --out") from error
        return going_on

    def close(self) -> None:
        """Remove what only an unfinished run needs."""
        shutil.rmtree(self.work, ignore_errors=True)

    def remembered(self) -> dict[str, str]:
        """sha256 -> side of the images that an earlier model here was made of."""
        try:
            return {row.sha256: row.side for row in store.read(self.model).split if row.side in ("train", "test")}
        except BundleFault:
            return {}

    def _interrupted(self) -> str | None:
        file = self.work / _FINGERPRINT
        return file.read_text(errors="replace") if file.is_file() else None


def default_place(path: str | Path) -> Path:
    """photos -> photos-model, in the folder where the user stands."""
    name = Path(path).resolve().name if Path(path).exists() else Path(path).name
    return Path(f"{name.split('.')[0] or 'run'}-model")


def fingerprint(*parts: object) -> str:
    """Digest of everything that the trained weights depend on."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()
