"""Two runs never meet, an unfinished run is never thrown away, and nothing of the user's is replaced unasked."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from photos import folder
from test_train import Breaking, digest, extras

from receptron import atomic_write, checksummed_record
from receptron.bundle.model import load
from receptron.errors import BadValue, DataFault, InUse, StorageFault, WouldReplace
from receptron.jobs.training.run_directory import Begun, RunDirectory, choose_folder, claimed, resuming
from receptron.jobs.training.train import train
from receptron.training.records import Run
from shell import Done, run

QUICK = ("--net", "lenet5", "--weights", "none", "--precision", "float32")
BEGUN = Begun("f", "/photos", "receptron train photos", "2026-01-01 12:00:00+00:00")
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("photos") / "photos", 12)


@pytest.fixture(autouse=True)
def _inside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def tree(root: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(root)): p.read_bytes() if p.is_file() else None for p in sorted(root.rglob("*"))}


def scratch(photos: Path, out: Path | None, **more: object) -> Run:
    return train(photos, out, "lenet5", "none", extras=extras(Path.cwd(), **more))


def unfinished(photos: Path, out: Path | None) -> None:
    with pytest.raises(RuntimeError, match="power cut"):
        scratch(photos, out, every=1e-6, progress=Breaking(2), command=f"receptron train {photos}")


def words(told: Done) -> str:
    return " ".join(told.err.split())


# -- one process at a time


def test_a_second_run_in_the_same_folder_is_refused_and_names_the_first(photos: Path, tmp_path: Path):
    with claimed(tmp_path / "out") as directory:
        directory.begin(BEGUN, resume=False)
        before = tree(tmp_path / "out")
        for more in ({}, {"resume": True}, {"overwrite": True}):
            with pytest.raises(InUse, match=f"in use by process {os.getpid()} on "):
                scratch(photos, tmp_path / "out", **more)
        told = run("train", photos, "--out", "out", *QUICK)
        assert told.code == 1 and f"process {os.getpid()}" in words(told) and "--out" in words(told)
        assert tree(tmp_path / "out") == before


def test_a_lock_whose_process_is_gone_holds_nobody_up(tmp_path: Path):
    code = "import os, sys; from pathlib import Path; from receptron.jobs.training.run_directory import *\n" \
           "with claimed(Path(sys.argv[1])) as one: one.begin(Begun('f', '/p', '', 'now'), resume=False); os._exit(9)"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False).returncode == 9
    with claimed(tmp_path / "out", resume=True) as directory:
        assert directory.begun == Begun("f", "/p", "", "now")


START = """
import sys
from receptron.training.ladder import from_scratch
from_scratch.EPOCHS = (2, 3)
from receptron.cli import main
main()
"""


def both(photos: Path, out: Path) -> list[tuple[int, str]]:
    """Exit codes and messages of two trainings in one folder, the second started once the first has claimed it, or at the same time."""
    command = [sys.executable, "-c", START, "train", str(photos), "--out", str(out), *QUICK]
    pair = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [child.communicate(timeout=300)[1] for child in pair]
    return sorted((child.returncode, text) for child, text in zip(pair, told, strict=True))


def check_both(ended: list[tuple[int, str]], out: Path) -> None:
    (first, _), (second, told) = ended
    # The slower may find the other at work, or already done.
    assert first == 0 and (second, "InUse" in told or "WouldReplace" in told) in ((1, True), (2, True)), ended
    assert "Traceback" not in told and load(out).classes
    assert sorted(p.name for p in out.iterdir()) == ["model", "report.html", "run.json"]


def test_of_two_trainings_in_one_folder_one_is_done_and_one_is_told(photos: Path, tmp_path: Path):
    check_both(both(photos, tmp_path / "out"), tmp_path / "out")


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_twenty_times_two_trainings_in_one_folder(photos: Path, tmp_path: Path):
    for i in range(20):
        check_both(both(photos, tmp_path / str(i)), tmp_path / str(i))


# -- an unfinished run


def test_an_unfinished_run_is_told_and_kept_until_somebody_says_otherwise(photos: Path, tmp_path: Path):
    unfinished(photos, tmp_path / "out")
    before = tree(tmp_path / "out")
    with pytest.raises(WouldReplace, match="unfinished run, begun 20") as caught:
        scratch(photos, tmp_path / "out")
    assert f"`receptron train {photos}`" in caught.value.what
    assert all(way in caught.value.mend for way in ("--resume", "--overwrite", "--out"))
    assert tree(tmp_path / "out") == before
    scratch(photos, tmp_path / "straight")
    scratch(photos, tmp_path / "out", overwrite=True)
    assert digest(tmp_path / "out") == digest(tmp_path / "straight")


def test_the_default_folder_with_an_unfinished_run_is_the_one_to_go_on_with(photos: Path, tmp_path: Path):
    scratch(photos, None)
    unfinished(photos, None)
    assert (tmp_path / "photos-model-2/.receptron-run").is_dir()
    assert run("train", photos, *QUICK).code == 2
    assert not (tmp_path / "photos-model-3").exists()
    found = scratch(photos, None, resume=True)
    assert str(found.model) == "photos-model-2/model"
    assert digest(tmp_path / "photos-model") == digest(tmp_path / "photos-model-2")


def test_somebody_elses_unfinished_run_is_passed_over(photos: Path, tmp_path: Path):
    other = folder(tmp_path / "other/photos", 12, start=300)
    unfinished(other, None)
    before = tree(tmp_path / "photos-model")
    assert str(scratch(photos, None).model) == "photos-model-2/model"
    assert tree(tmp_path / "photos-model") == before


@pytest.mark.parametrize("out", [None, "out"])
def test_resuming_where_nothing_is_to_be_resumed_says_so(photos: Path, tmp_path: Path, out: str | None):
    for finished in (False, True):
        if finished:
            scratch(photos, Path(out) if out else None)
        before = tree(tmp_path)
        told = run("train", photos, *QUICK, "--resume", *(("--out", out) if out else ()))
        assert told.code == 2 and "resume" in told.err and tree(tmp_path) == before
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadValue, match="nothing to resume"):
        scratch(photos, tmp_path / "empty", resume=True)
    assert not list((tmp_path / "empty").iterdir())


def test_a_run_that_was_killed_before_it_learnt_is_gone_on_with_from_its_beginning(photos: Path, tmp_path: Path):
    place = tmp_path / "out"
    claim = f"from receptron.jobs.training.run_directory import claimed\nwith claimed(Path({str(place)!r})):\n    os._exit(9)"
    script = f"import os\nfrom pathlib import Path\n{claim}"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    assert [entry.name for entry in place.iterdir()] == [".receptron-run"]
    scratch(photos, place, resume=True)
    assert (place / "run.json").is_file()
    with pytest.raises(BadValue, match="the run there is finished"):
        scratch(photos, place, resume=True)


def interrupted(times: int) -> Breaking:
    class Struck(Breaking):
        def advance(self, count: int = 1, note: str = "") -> None:
            if self.unit == "steps" and note:
                self.after -= 1
                for _ in range(times if self.after == 0 else 0):
                    os.kill(os.getpid(), signal.SIGINT)

    return Struck(3)


@pytest.mark.parametrize("pretrained", [False, True], ids=["scratch", "ladder"])
def test_after_one_ctrl_c_there_is_a_model_and_the_run_can_be_gone_on_with(
    photos: Path, tmp_path: Path, pretrained: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("receptron.training.ladder.ladder.VISITS", 100)
    from photos import backbone

    start = {"weights": backbone(tmp_path / "tiny.safetensors")} if pretrained else {"net": "lenet5", "weights": "none"}
    early = train(photos, tmp_path / "out", **start, extras=extras(tmp_path, progress=interrupted(1)))
    assert early.interrupted and load(tmp_path / "out").classes
    stopped_early = digest(tmp_path / "out")
    done = train(photos, tmp_path / "out", **start, extras=extras(tmp_path, resume=True))
    straight = train(photos, tmp_path / "straight", **start, extras=extras(tmp_path))
    assert digest(tmp_path / "out") == digest(tmp_path / "straight")
    assert pretrained or digest(tmp_path / "out") != stopped_early
    assert not done.interrupted and len(done.curves) == len(straight.curves) > len(early.curves)
    assert not (tmp_path / "out/.receptron-run").exists()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_whoever_stops_a_run_is_told_how_to_go_on(photos: Path, tmp_path: Path, sign: signal.Signals, monkeypatch: pytest.MonkeyPatch):
    """A Ctrl-C twice, or a SIGTERM; and then what was told is typed."""
    progress = interrupted(2) if sign == signal.SIGINT else Breaking(3, sign)
    lines: list[str] = []
    progress.tell = lines.append  # type: ignore[method-assign]
    monkeypatch.setattr("receptron.cli.train.Bars", lambda: progress)
    told = run("train", photos, *QUICK, "--out", "o ut", "--cache", "cache", "--every", "0.001")
    assert told.code == (130 if sign == signal.SIGINT else 143)
    assert "To go on: receptron train" in lines[-1] and "--out 'o ut'" in lines[-1] and lines[-1].endswith(" --resume")
    monkeypatch.undo()
    monkeypatch.setattr("receptron.training.ladder.from_scratch.EPOCHS", (2, 3))
    monkeypatch.chdir(tmp_path)
    assert run("train", photos, *QUICK, "--out", "o ut", "--cache", "cache", "--resume").code == 0
    assert digest(tmp_path / "o ut")


def test_the_command_that_goes_on_is_the_one_that_began_and_says_resume_once():
    for began in ("receptron train 'my photos' --seed 1", "receptron train 'my photos' --resume --seed 1 --overwrite"):
        assert resuming(began) == "receptron train 'my photos' --seed 1 --resume"


# -- damage


@pytest.mark.parametrize("name", ["begun.json", "decisions.json"])
@pytest.mark.parametrize("where", [0, 0.3, 0.9])
def test_one_flipped_bit_in_what_is_known_of_a_run_loses_nothing(photos: Path, tmp_path: Path, name: str, where: float):
    unfinished(photos, tmp_path / "out")
    victim = tmp_path / "out/.receptron-run" / name
    data = bytearray(victim.read_bytes())
    data[int(where * len(data))] ^= 4
    victim.write_bytes(bytes(data))
    scratch(photos, tmp_path / "out", resume=True)
    scratch(photos, tmp_path / "straight")
    assert digest(tmp_path / "out") == digest(tmp_path / "straight")


@pytest.mark.parametrize("name", ["begun.json", "decisions.json"])
def test_damage_to_both_copies_is_told_with_the_way_on(photos: Path, tmp_path: Path, name: str):
    unfinished(photos, tmp_path / "out")
    for file in (tmp_path / "out/.receptron-run").glob(f"{name}*"):
        file.write_bytes(b"\xff" + file.read_bytes()[1:])
    with pytest.raises(DataFault, match=r"damaged|cannot be told") as caught:
        scratch(photos, tmp_path / "out", resume=True)
    assert name == "decisions.json" or "--overwrite" in caught.value.mend
    scratch(photos, tmp_path / "out", overwrite=True)


def test_a_damaged_checkpoint_is_told_and_the_one_before_it_goes_on(photos: Path, tmp_path: Path):
    unfinished(photos, tmp_path / "out")
    newest = max((tmp_path / "out/.receptron-run/checkpoints").glob("*/step-*"))
    (newest / "net.safetensors").write_bytes(b"")
    lines: list[str] = []
    progress = Breaking(10**9)
    progress.tell = lines.append  # type: ignore[method-assign]
    scratch(photos, tmp_path / "out", resume=True, progress=progress)
    assert any(f"{newest.name} is passed over" in line for line in lines)


# -- what is the user's


def test_the_same_command_twice_makes_two_models(photos: Path, tmp_path: Path):
    first, second = (run("train", photos, *QUICK) for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    assert "Writing to photos-model\n" in first.err and "Writing to photos-model-2\n" in second.err
    assert second.err.index("Writing to") < second.err.index("Reading images")
    assert "receptron predict photos-model-2 IMAGE" in second.out
    assert digest(tmp_path / "photos-model") == digest(tmp_path / "photos-model-2")


def test_folders_of_the_same_name_do_not_share_a_model(photos: Path, tmp_path: Path):
    for name in ("p1", "p2"):
        folder(tmp_path / name / "images", 12, start=100 * int(name[1]))
    assert [str(scratch(Path(name) / "images", None).model) for name in ("p1", "p2")] == ["images-model/model", "images-model-2/model"]


USERS = {
    "a report": {"report.html": b"<h1>mine</h1>"},
    "a record": {"run.json": b"{}"},
    "notes in the model": {"model/notes.txt": b"mine"},
    "notes beside a model": {"model/MANIFEST.json": b"{}", "model/sub/notes.txt": b"mine"},
    "a model that is a file": {"model": b"mine"},
    "a report that is a folder": {"report.html/mine": b"x"},
    "work that is none of ours": {".receptron-run/mine": b"x"},
    "an empty page": {"report.html": b""},
    "checkpoints of another program": {".receptron-run/checkpoints/step-100/weights.bin": b"x"},
    "work with our names": {".receptron-run/lock": b"", ".receptron-run/begun.json": b"{}", ".receptron-run/checkpoints/mine.txt": b"x"},
    "a model directory": {"MANIFEST.json": b"{}", "model.safetensors": b"x"},
}


@pytest.mark.parametrize("case", USERS)
def test_what_would_be_replaced_is_told_before_an_image_is_read(photos: Path, tmp_path: Path, case: str):
    for name, data in USERS[case].items():
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_bytes(data)
    before = tree(tmp_path)
    told = run("train", photos, "--out", "out", *QUICK)
    assert told.code == 2 and "WouldReplace" in told.err and "--out" in told.err and "Reading" not in told.err
    assert tree(tmp_path) == before
    lost = case in ("a report", "a record", "an empty page")
    again = run("train", photos, "--out", "out", *QUICK, "--overwrite")
    assert again.code == (0 if lost else 2), "what a run writes itself may be replaced if asked; a folder with other things never"
    assert lost or tree(tmp_path) == before


def test_a_finished_run_is_replaced_only_if_asked(photos: Path, tmp_path: Path):
    scratch(photos, tmp_path / "out")
    before = tree(tmp_path / "out")
    with pytest.raises(WouldReplace, match=r"already holds model, run\.json, report\.html"):
        train(photos, tmp_path / "out", "lenet5", "none", seed=1, extras=extras(tmp_path))
    assert tree(tmp_path / "out") == before
    train(photos, tmp_path / "out", "lenet5", "none", seed=1, extras=extras(tmp_path, overwrite=True))
    assert tree(tmp_path / "out") != before


def test_a_run_that_fails_before_it_learns_leaves_no_folder(photos: Path, tmp_path: Path):
    (tmp_path / "one/dots").mkdir(parents=True)
    for image in (photos / "dots").iterdir():
        (tmp_path / "one/dots" / image.name).write_bytes(image.read_bytes())
    before = tree(tmp_path)
    for out in ("a/b/c", "d"):
        with pytest.raises(DataFault, match="one class"):
            scratch(tmp_path / "one", Path(out))
    with pytest.raises(StorageFault, match="cache"):
        train(photos, "e", "lenet5", "none", extras=extras(tmp_path / "one/dots/000.png"))
    assert tree(tmp_path) == before


def test_a_home_folder_is_meant_by_its_sign(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert choose_folder("photos", "~/m") == tmp_path / "m"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_place_that_cannot_be_written_to_is_told_at_once(photos: Path, tmp_path: Path):
    (tmp_path / "closed").mkdir(mode=0o555)
    with pytest.raises(StorageFault, match="could not write"):
        scratch(photos, tmp_path / "closed/out")


def test_a_run_directory_knows_its_parts(tmp_path: Path):
    directory = RunDirectory(tmp_path)
    assert [p.name for p in (directory.model, directory.record, directory.report)] == ["model", "run.json", "report.html"]


# -- what fresh eyes found


@pytest.mark.parametrize("weights", ["w.pth", "w.safetensors", "nowhere.pth"])
def test_a_run_that_learnt_nothing_says_so_by_leaving_nothing(photos: Path, tmp_path: Path, weights: str):
    if weights != "nowhere.pth":
        (tmp_path / weights).write_bytes(b"no weights")
    facts = ("--weights-keys", "receptron", "--weights-pixels", "28", "--weights-mean", "0.5", "--weights-std", "0.5",
             "--weights-interpolation", "bilinear", "--weights-crop", "1.0")  # fmt: skip
    before = tree(tmp_path)
    told = run("train", photos, "--net", "lenet5", "--weights", weights, *facts)
    assert told.code in (1, 2) and "To go on" not in told.err and tree(tmp_path) == before
    assert run("train", photos, *QUICK).code == 0 and (tmp_path / "photos-model/model").is_dir()


@pytest.mark.parametrize("change", [("--seed", "1"), ("--time", "5s"), ("--test-size", "0.4")])
def test_a_refused_resume_does_not_recommend_itself(photos: Path, tmp_path: Path, change: tuple[str, str]):
    unfinished(photos, tmp_path / "out")
    told = run("train", photos, *QUICK, "--out", "out", *change, "--resume")
    assert told.code == 2 and "other settings" in words(told) and "To go on" not in told.err


def test_what_a_run_left_that_was_killed_before_it_learnt_hinders_nobody(photos: Path, tmp_path: Path):
    for begun in (False, True):
        work = tmp_path / "photos-model/.receptron-run"
        work.parent.mkdir()
        atomic_write.mark_folder(work)
        (work / "lock").touch()
        if begun:
            checksummed_record.write(work / "begun.json", Begun("f", str(photos), "", "now"))
        assert str(scratch(photos, None).model) == "photos-model/model"
        shutil.rmtree(tmp_path / "photos-model")


def test_a_link_to_a_folder_that_is_not_there_is_followed(photos: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to("far/away")
    scratch(photos, tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and load(tmp_path / "far/away").classes


@pytest.mark.parametrize("out", ["photos", "photos/", "./photos/../photos", "other"])
def test_a_model_is_not_put_among_the_images(tmp_path: Path, out: str):
    folder(tmp_path / "photos", 4)
    (tmp_path / "other").symlink_to("photos")
    before = tree(tmp_path)
    told = run("train", "photos", *QUICK, "--out", out)
    assert told.code == 2 and "folder of the images" in told.err and tree(tmp_path) == before


def test_a_stop_before_anything_is_learnt_says_that_too(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lines: list[str] = []
    progress = Breaking(10**9)
    progress.tell = lines.append  # type: ignore[method-assign]
    monkeypatch.setattr("receptron.jobs.training.sided_images.read", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        scratch(photos, tmp_path / "out", progress=progress)
    assert "Nothing was learnt yet" in lines[-1] and not (tmp_path / "out").exists()


def test_a_link_in_place_of_the_work_is_not_followed(photos: Path, tmp_path: Path):
    (tmp_path / "proj/checkpoints/step-100").mkdir(parents=True)
    (tmp_path / "proj/checkpoints/step-100/weights.bin").write_bytes(b"precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.receptron-run").symlink_to("../proj")
    before = tree(tmp_path)
    for more in ((), ("--overwrite",)):
        assert run("train", photos, *QUICK, "--out", "out", *more).code == 2 and tree(tmp_path) == before


@pytest.mark.parametrize("inside", ["model", "model/deeper", ".receptron-run", ".receptron-run/x"])
def test_a_run_does_not_write_into_what_another_run_writes(photos: Path, tmp_path: Path, inside: str):
    with claimed(tmp_path / "out") as directory:
        directory.begin(BEGUN, resume=False)
        told = run("train", photos, *QUICK, "--out", tmp_path / "out" / inside)
        assert told.code == 2 and "WouldReplace" in told.err and not (tmp_path / "out/model").exists()
    scratch(photos, tmp_path / "done")
    before = tree(tmp_path / "done")
    assert run("train", photos, *QUICK, "--out", tmp_path / "done" / "model/more").code == 2 and tree(tmp_path / "done") == before
