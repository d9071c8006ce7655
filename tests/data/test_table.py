"""Tables of images: good ones in many dresses, broken ones with the line of each fault."""

import os
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malformed import encoded
from pyarrow import parquet

from receptron.data.dataset.scan import scan
from receptron.data.ingest import read
from receptron.data.tables.table import read_table
from receptron.errors import BadTable, BadValue, MissingExtra, NoImages, ReceptronError

BROKEN = {
    "nothing": (b"", "line 1: the table is empty"),
    "blank lines": (b"\n\n  \n", "line 1: the table is empty"),
    "no header": (b"a.jpg,cat\nb.jpg,dog\n", "has no line that names its columns"),
    "no useful header": (b"picture,kind\na.jpg,cat\nb.jpg,dog\n", "line 1: no column path and no column label"),
    "no label column": (b"path,kind\na.jpg,cat\n", "line 1: no column label"),
    "a column twice": (b"path,label,label\na.jpg,cat,dog\n", "line 1: column label stands there twice"),
    "short row": (b"path,label\na.jpg,cat\nb.jpg\n", "line 3: 1 cells where the header has 2"),
    "long row": (b"path,label\na.jpg,cat,dog\n", "line 2: 3 cells"),
    "blank label": (b"path,label\na.jpg,cat\nb.jpg, \n", "line 3: the label is blank"),
    "blank path": (b"path,label\n,cat\n", "line 2: the path is blank"),
    "climbing": (b"path,label\n../secret.jpg,cat\n", "line 2: path '../secret.jpg' leads out"),
    "climbing late": (b"path,label\na/../../secret.jpg,cat\n", "line 2: path 'a/../../secret.jpg' leads out"),
    "absolute": (b"path,label\n/etc/passwd,cat\n", "line 2: path '/etc/passwd' leads out"),
    "backslashes": (b"path,label\n..\\secret.jpg,cat\n", "leads out"),
    "drive": (b"path,label\nC:\\secret.jpg,cat\n", "leads out"),
    "share": (b"path,label\n\\\\host\\secret.jpg,cat\n", "leads out"),
    "NUL": (b"path,label\na.jpg,cat\nb.jpg,d\0g\n", "line 3: a NUL byte"),
    "open quote": (b'path,label\n"a.jpg,cat\nb.jpg,dog\n', "line 2: unexpected end"),
    "stray quote": (b'path,label\n"a"x.jpg,cat\n', "line 2: "),
    "Latin-1": ("path,label\na.jpg,Löwe\n".encode("latin-1"), "line 2: byte 0xf6 is not UTF-8"),
    "UTF-16": ("path,label\na.jpg,cat\n".encode("utf-16"), "UTF-16"),
    "two labels": (b"path,label\na.jpg,cat\na.jpg,dog\n", "line 3: a.jpg has label 'dog' here but 'cat' in line 2"),
    "two labels by two spellings": (b"path,label\na.jpg,cat\n./a.jpg,dog\n", "line 3: a.jpg has label"),
    "two sides": (b"path,label,split\na.jpg,cat,train\na.jpg,cat,test\n", "line 3: a.jpg has split"),
    "unknown side": (b"path,label,split\na.jpg,cat,tset\n", "line 2: split 'tset' is not train, val or test"),
    "side missing in one row": (b"path,label,split\na.jpg,cat,train\nb.jpg,cat,\n", "line 3: no split, while other rows have one"),
    "a cell of a megabyte": (b"path,label\n" + b"x" * 1_000_000 + b",cat\n", "line 2: field larger"),
    "line after a quoted newline": (b'path,label\n"a\nb.jpg",cat\nc.jpg,\n', "line 4: the label is blank"),
    "many at once": (b"path,label\n" + b",cat\n" * 20, "and 12 more"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_table_is_refused_with_the_line(name: str, tmp_path: Path):
    content, words = BROKEN[name]
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(BadTable) as caught:
        scan(path)
    assert words in str(caught.value)
    assert str(path) in caught.value.what


DRESSES = {
    "plain": b"path,label\na.jpg,cat\nb/c.jpg,dog\n",
    "byte order mark": b"\xef\xbb\xbfpath,label\na.jpg,cat\nb/c.jpg,dog\n",
    "CRLF": b"path,label\r\na.jpg,cat\r\nb/c.jpg,dog\r\n",
    "no last newline": b"path,label\na.jpg,cat\nb/c.jpg,dog",
    "blank rows": b"\npath,label\n\na.jpg,cat\n,\nb/c.jpg,dog\n\n",
    "quotes": b'"path","label"\n"a.jpg","cat"\n"b/c.jpg","dog"\n',
    "blanks and case": b" Path , LABEL \n a.jpg , cat\nb/c.jpg,dog \n",
    "other order, more columns": b"id,label,path\n1,cat,a.jpg\n2,dog,b/c.jpg\n",
    "semicolons": b"path;label\na.jpg;cat\nb/c.jpg;dog\n",
    "tabs": b"path\tlabel\na.jpg\tcat\nb/c.jpg\tdog\n",
    "repeated row": b"path,label\na.jpg,cat\na.jpg,cat\nb/c.jpg,dog\n",
    "backslashes": b"path,label\na.jpg,cat\nb\\c.jpg,dog\n",
    "dots inside": b"path,label\n./a.jpg,cat\nx/../b/c.jpg,dog\n",
}


@pytest.mark.parametrize("name", DRESSES)
def test_a_good_table_is_read_in_any_dress(name: str, tmp_path: Path):
    path = tmp_path / "labels.csv"
    path.write_bytes(DRESSES[name])
    catalog = scan(path)
    assert [(item.path, item.label) for item in catalog.items] == [(tmp_path / "a.jpg", "cat"), (tmp_path / "b/c.jpg", "dog")]
    assert catalog.layout == "table"


def test_sides_and_groups_are_read(tmp_path: Path):
    (tmp_path / "t.csv").write_text("path,label,split,group\na.jpg,cat,Validation,p1\nb.jpg,cat,train,\n")
    first, second = scan(tmp_path / "t.csv").items
    assert (first.split, first.group, first.line) == ("val", "p1", 2)
    assert (second.split, second.group, second.line) == ("train", None, 3)


def test_commas_quotes_and_other_scripts_live_in_labels(tmp_path: Path):
    (tmp_path / "t.csv").write_text('path,label\na.jpg,"Löwe, ""König"""\nb.jpg,猫\n', encoding="utf-8")
    assert scan(tmp_path / "t.csv").classes == ('Löwe, "König"', "猫")


def test_an_absolute_path_inside_the_folder_is_taken(tmp_path: Path):
    (tmp_path / "t.csv").write_text(f"path,label\n{tmp_path}/a.jpg,cat\n")
    assert scan(tmp_path / "t.csv").items[0].path == tmp_path / "a.jpg"


def test_missing_files_are_told_with_their_line(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    (tmp_path / "t.csv").write_text("path,label\na.png,cat\nnone.png,dog\n")
    faults = [entry.fault for entry in read(scan(tmp_path / "t.csv")).entries]
    assert faults == [None, "no such file (named in line 3 of the table)"]


def test_a_header_alone_is_no_image(tmp_path: Path):
    (tmp_path / "t.csv").write_text("path,label\n")
    with pytest.raises(NoImages, match="no rows"):
        scan(tmp_path / "t.csv")


def test_parquet_holds_the_same(tmp_path: Path):
    columns = {
        "path": ["a.jpg", "b.jpg"],
        "label": pa.array(["cat", "dog"]).dictionary_encode(),
        "split": ["train", "test"],
        "group": [7, None],
    }
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    first, second = scan(tmp_path / "t.parquet").items
    assert (first.label, first.split, first.group, first.line) == ("cat", "train", "7", 1)
    assert (second.label, second.group) == ("dog", None)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"path": ["a.jpg", None], "label": ["x", "y"]}, "row 2: the path is blank"),
        ({"path": ["a.jpg"], "label": [float("nan")]}, "row 1: the label is blank"),
        ({"path": ["../a.jpg"], "label": ["x"]}, "row 1: path '../a.jpg' leads out"),
        ({"photo": ["a.jpg"], "label": ["x"]}, "no column path"),
    ],
)
def test_a_broken_parquet_table_is_refused_with_the_row(columns: dict[str, list[object]], words: str, tmp_path: Path):
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    with pytest.raises(BadTable) as caught:
        scan(tmp_path / "t.parquet")
    assert words in str(caught.value)


def test_what_only_claims_to_be_parquet_is_refused(tmp_path: Path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(BadTable, match=r"cannot be used"):
        scan(tmp_path / "t.parquet")


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_a_told_error(content: bytes):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(b"path,label\n" + content)
        try:
            items = read_table(path).items
        except ReceptronError:
            return
        assert all(item.path.is_relative_to(folder) and ".." not in item.path.parts for item in items)


@pytest.mark.parametrize("name", ["pipe.csv", "pipe.tsv", "pipe.parquet"])
def test_a_pipe_is_no_table_and_is_not_waited_for(name: str, tmp_path: Path):
    os.mkfifo(tmp_path / name)
    (tmp_path / f"link to {name}").symlink_to(name)
    for path in (tmp_path / name, tmp_path / f"link to {name}"):
        with pytest.raises(BadValue, match="no plain file"):
            scan(path)


def test_a_parquet_table_without_its_reader_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    parquet.write_table(pa.table({"path": ["a.png"], "label": ["cat"]}), tmp_path / "t.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"t\.parquet needs the package pyarrow") as caught:
        read_table(tmp_path / "t.parquet")
    assert "receptron[tables]" in caught.value.mend
