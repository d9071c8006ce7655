"""A table that lies in a folder without class folders is pointed to, by a path that works."""

import re
from pathlib import Path

import pytest
from malformed import encoded, photo
from trees import grow

from receptron.data.dataset.scan import scan
from receptron.data.dataset.scan_options import ScanOptions
from receptron.errors import NoImages, ReceptronError, UnclearLayout
from receptron.jobs.audit import audit

PLACES = {
    "one folder": ("images/4", "images/{i}.png"),
    "one folder of another name": ("photos/4", "photos/{i}.png"),
    "beside the images": ("./4", "{i}.png"),
    "sides without classes": ("{train,test}/2", "train/{i}.png"),
}
TABLES = {
    "labels.csv": "path,label",
    "metadata.csv": "file_name,label",
    "train.csv": "image;species",
    "all.tsv": "Image Path\tcategory",
    "labels.parquet": "filename,class",
}


def write(path: Path, header: str, name: str) -> None:
    mark = next(mark for mark in ",;\t" if mark in header)
    rows = [(name.format(i=i), "dog" if i % 2 else "cat") for i in range(2)]
    if path.suffix == ".parquet":
        pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        columns = header.split(mark)
        parquet.write_table(pyarrow.table({columns[0]: [row[0] for row in rows], columns[1]: [row[1] for row in rows]}), path)
    else:
        path.write_text(header + "\n" + "".join(f"{mark.join(row)}\n" for row in rows))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("place", PLACES)
def test_the_table_that_is_pointed_to_is_read(place: str, table: str, tmp_path: Path):
    images, name = PLACES[place]
    write(grow(tmp_path, images) / table, TABLES[table], name)
    with pytest.raises((UnclearLayout, NoImages)) as raised:
        scan(tmp_path)
    named = re.search(r"the table:? ([^;]+)", str(raised.value).partition("Mend: ")[2])
    assert named and scan(named[1].strip()).classes == ("cat", "dog")


def test_a_folder_without_images_beside_a_table_of_others(tmp_path: Path):
    grow(tmp_path / "far", "2")
    (tmp_path / "here").mkdir()
    write(tmp_path / "here/t.csv", "path,label", f"{tmp_path}/far/{{i}}.png")
    with pytest.raises(NoImages, match=r"give the table: .*t\.csv"):
        scan(tmp_path / "here")


@pytest.mark.parametrize("text", ["name,age\nx,1\n", "path,cat,dog\n0.png,1,0\n", "path,label\n", "", "path,label\nx\n"])
def test_a_table_that_does_not_say_classes_is_not_pointed_to(text: str, tmp_path: Path):
    (grow(tmp_path, "images/2", "more/2").joinpath("t.csv")).write_text(text)
    for place in (tmp_path / "images", tmp_path / "more"):
        (place / "t.csv").write_text(text)
        with pytest.raises(ReceptronError) as raised:
            scan(place)
        assert "t.csv" not in str(raised.value)


def test_the_sides_tables_are_all_named(tmp_path: Path):
    grow(tmp_path, "train/2", "test/2")
    for side in ("train", "test"):
        write(tmp_path / side / "metadata.csv", "file_name,label", "{i}.png")
    with pytest.raises(UnclearLayout, match=r"one of the tables .*test/metadata\.csv, .*train/metadata\.csv"):
        scan(tmp_path)


def test_one_class_beside_a_table_is_an_error_that_points_to_it(tmp_path: Path):
    (tmp_path / "harvest").mkdir()
    for i in range(4):
        (tmp_path / f"harvest/{i}.png").write_bytes(encoded("PNG", photo(64, i)))
    write(tmp_path / "labels.csv", "path,label", "harvest/{i}.png")
    (one,) = [found for found in audit(tmp_path).findings if found.kind == "one class"]
    assert str(tmp_path / "labels.csv") in one.cure


def test_with_the_flag_the_folder_is_a_class(tmp_path: Path):
    write(grow(tmp_path, "images/2") / "labels.csv", "path,label", "images/{i}.png")
    assert scan(tmp_path, ScanOptions("classes")).classes == ("images",)


def test_class_folders_beside_a_table_are_classes(tmp_path: Path):
    write(grow(tmp_path, "{cat,dog}/2") / "labels.csv", "path,label", "cat/{i}.png")
    assert scan(tmp_path).classes == ("cat", "dog")


@pytest.mark.parametrize("kind", ["one class", "empty class", "no training side"])
def test_cures_for_tables_speak_of_rows_and_not_of_folders(kind: str, tmp_path: Path):
    for i in range(4):
        (tmp_path / f"{i}.png").write_bytes(encoded("PNG", photo(64, i)))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    rows = {
        "one class": "path,label\n0.png,cat\n1.png,cat\n",
        "empty class": "path,label\n0.png,cat\n1.png,dog\nbroken.png,owl\n",
        "no training side": "path,label,split\n0.png,cat,test\n1.png,dog,test\n",
    }
    (tmp_path / "t.csv").write_text(rows[kind])
    (one,) = [found for found in audit(tmp_path / "t.csv").findings if found.kind == kind]
    assert "folder" not in one.cure
