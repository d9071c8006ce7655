"""Opens, by the commands themselves, every kind of file that a command opens, each with a payload; prints what was seen as JSON."""

import json
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "jobs"), str(Path(__file__).parent)]

import payloads  # noqa: E402 from the folders above
import photos  # noqa: E402
from watch import Watch  # noqa: E402

import receptron  # noqa: E402
from receptron.jobs.options import Extras  # noqa: E402
from receptron.progress import Silent  # noqa: E402
from shell import Done, run  # noqa: E402

Case = tuple[str, tuple[str | Path, ...]]


class Stop(Exception):
    """Breaks a training off."""


class Breaking(Silent):
    """Breaks off at the third step of learning, so that the run's folder stays."""

    def __init__(self) -> None:
        self.unit, self.steps = "", 0

    def start(self, stage: str, total: int, unit: str) -> None:
        self.unit = unit

    def advance(self, count: int = 1, note: str = "") -> None:
        self.steps += self.unit == "steps" and bool(note)
        if self.steps > 2:
            raise Stop


def networks(folder: Path, canary: Path) -> Iterator[Case]:
    """Files that inspect and compare take."""
    files = [*payloads.exported(folder, canary), *payloads.onnx_files(folder, canary)]
    for name, made in payloads.BYTES.items():
        for ending in (".pt2", ".onnx", ".pt", ".pth", ".ckpt", ".safetensors", ".bin"):
            files.append(folder / f"{name.replace(' ', '-')}{ending}")
            files[-1].write_bytes(made(canary))
    for file in files:
        yield file.name, ("inspect", file, "--size", "3x8x8")
    yield "compare", ("compare", files[0], folder / "pickle.onnx")
    for name in ("exec", "graph-0", "old"):
        yield f"budget {name}", ("inspect", "lenet5", "--budget", f"macs<{payloads.markup(canary).decode()}")


def images(folder: Path, canary: Path) -> Iterator[Case]:
    """Pictures, folders of pictures and tables."""
    (folder / "photos/evil").mkdir(parents=True)
    for name, made in payloads.BYTES.items():
        for ending in (".png", ".jpg", ".webp", ".gif", ".bmp", ".tif", ".ppm", ".eps", ".svg", ".npy"):
            (folder / "photos/evil" / f"{name}{ending}").write_bytes(made(canary))
        (folder / f"{name}.csv").write_bytes(b"file,label\n" + made(canary))
        (folder / f"{name}.parquet").write_bytes(made(canary))
        yield f"table {name}", ("audit", folder / f"{name}.csv", "--json")
        yield f"parquet {name}", ("audit", folder / f"{name}.parquet", "--json")
        yield f"picture {name}", ("inspect", "lenet5", "--html", folder / "page.html", "--image", folder / "photos/evil" / f"{name}.png")
    (folder / "photos/evil/script.eps").write_text(f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n({canary}) (w) file\n")
    yield "folder", ("audit", folder / "photos", "--json")
    yield "tables with types", ("audit", payloads.parquet(folder / "typed.parquet", canary), "--json")
    rows = "".join(f"bars/{i:03}.png,=cmd|'/C touch {canary}'!A0\n" for i in range(4))
    (folder / "formula.csv").write_text("file,label\n" + rows)
    yield "formulas", ("audit", folder / "formula.csv", "--json")


def weights(folder: Path, data: Path, canary: Path) -> Iterator[Case]:
    """Files that --weights takes, and their sidecars."""
    for name, made in payloads.BYTES.items():
        for ending in (".pt", ".pth", ".th", ".safetensors"):
            file = folder / f"weights {name}{ending}"
            file.write_bytes(made(canary))
            file.with_suffix(".toml").write_text(photos.SIDECAR)
            yield file.name, ("train", data, "--out", folder / "out", "--weights", file, "--time", "1s")
        (folder / f"side {name}.safetensors").write_bytes(b"")
        (folder / f"side {name}.toml").write_bytes(made(canary))
        yield f"sidecar {name}", ("train", data, "--out", folder / "out", "--weights", folder / f"side {name}.safetensors")


def practice(folder: Path, canary: Path) -> Iterator[Case]:
    """The store of practice, and what it imports."""
    for name, made in payloads.BYTES.items():
        (folder / f"{name}.sqlite").write_bytes(made(canary))
        (folder / f"{name}.json").write_bytes(made(canary))
        yield f"store {name}", ("practice", "--store", folder / f"{name}.sqlite", "progress")
        yield f"import {name}", ("practice", "--store", folder / "new.sqlite", "import", folder / f"{name}.json")
    for name, store in (("schema", payloads.database), ("rows", payloads.blobbed)):
        file = store(folder / f"base {name}.sqlite", canary)
        for command in ("progress", "plan", "export"):
            more = (folder / "export.json",) if command == "export" else ()
            yield f"{command} of {name}", ("practice", "--store", file, command, *more)
        yield f"import into {name}", ("practice", "--store", file, "import", folder / "export.json")


def models(folder: Path, model: Path, data: Path, canary: Path) -> Iterator[Case]:
    """A model directory with each of its files replaced."""
    for file in sorted(path.relative_to(model) for path in model.rglob("*") if path.is_file()):
        for name, made in payloads.BYTES.items():
            changed = folder / f"model {file.name} {name}"
            shutil.copytree(model, changed)
            (changed / file).write_bytes(made(canary))
            yield changed.name, ("predict", changed, data / "bars/000.png")
    yield "evaluate", ("evaluate", changed, data)


def runs(folder: Path, broken: Path, data: Path, canary: Path) -> Iterator[Case]:
    """A run that was broken off, with its journal, its checkpoints and the cached features replaced, gone on with."""
    for name, keep in (("pickle", True), ("torch zip", True), ("npy", True), ("pickle", False)):
        out, cache = folder / f"run {name} {keep}", folder / f"cache {name} {keep}"
        shutil.copytree(broken, out)
        shutil.copytree(broken.with_name("cache"), cache)
        for file in [*(out / ".receptron-run").rglob("*"), *cache.rglob("*")]:
            if file.is_file() and not (keep and "begun" in file.name):
                file.write_bytes(payloads.BYTES[name](canary))
        yield out.name, ("train", data, "--out", out, *SETTINGS, "--cache", cache, "--resume")


SETTINGS = ("--net", "lenet5", "--weights", "none", "--time", "2s", "--precision", "float32")


def prepared(folder: Path) -> tuple[Path, Path, Path]:
    """Photos, a model directory, and the folder of a run that was broken off."""
    data, cache = photos.folder(folder / "data", 8), folder / "cache"
    receptron.train(data, folder / "done", "lenet5", "none", "2s", extras=Extras(precision="float32", cache=cache))
    try:
        extras = Extras(precision="float32", cache=cache, every=1e-6, progress=Breaking())
        receptron.train(data, folder / "broken", "lenet5", "none", "2s", extras=extras)
    except Stop:
        pass
    cache.mkdir(exist_ok=True)
    return data, folder / "done/model", folder / "broken"


def main(folder: Path) -> None:
    """Each case with what the watch saw, how the command ended, and whether it told a traceback."""
    sys.path.insert(0, str(folder / "modules"))
    (folder / "modules").mkdir()
    watch = Watch(folder)
    (folder / "modules" / f"{payloads.MODULE}.py").write_text(f"open({watch.canary!r}, 'w')")
    canary = Path(watch.canary)
    data, model, broken = prepared(folder)
    assert any((broken / ".receptron-run").rglob("*")), "the broken run left nothing to go on with"
    cases = [
        *networks(folder, canary), *images(folder, canary), *weights(folder, data, canary), *practice(folder, canary),
        *models(folder, model, data, canary), *runs(folder, broken, data, canary),
    ]  # fmt: skip
    told = []
    for name, arguments in cases:
        watch.seen.clear()
        with watch.watching(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            done = opened(arguments)
        told.append([name, list(watch.seen), done.code, done.err[-400:], canary.exists()])
        canary.unlink(missing_ok=True)
    print(json.dumps(told))


def opened(arguments: tuple[str | Path, ...]) -> Done:
    """How a command ended; an exception that it let out is its traceback."""
    try:
        return run(*arguments)
    except Exception as error:
        return Done(99, "", f"Traceback: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
