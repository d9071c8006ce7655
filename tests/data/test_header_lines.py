"""The first lines of tables: separators that are read or named, lines that are no header and are called so, and mends that work."""

from pathlib import Path

import pytest
from PIL import Image

from receptron.data.dataset.scan import scan
from receptron.data.dataset.scan_options import ScanOptions
from receptron.errors import BadTable, UnknownName

ROWS = [("a.jpg", "cat"), ("b.jpg", "cat"), ("c.jpg", "dog"), ("d.jpg", "dog")]
PAIRS = sorted(ROWS)


def written(path: Path, *lines: str, end: str = "\n") -> Path:
    path.write_bytes(end.join((*lines, "")).encode())
    return path


def rows(mark: str) -> list[str]:
    return [mark.join(row) for row in ROWS]


def read(table: Path, **options: str) -> list[tuple[str, str]]:
    return [(item.path.name, item.label) for item in scan(table, ScanOptions(**options)).items]


def refusal(table: Path, **options: str) -> BadTable:
    with pytest.raises(BadTable) as caught:
        scan(table, ScanOptions(**options))
    return caught.value


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_a_separator_is_found_in_the_header(mark: str, end: str, tmp_path: Path):
    assert read(written(tmp_path / "t.csv", mark.join(("path", "label")), *rows(mark), end=end)) == PAIRS


@pytest.mark.parametrize("mark", [";", "|", "\t"])
def test_a_comma_in_a_name_of_a_column_does_not_hide_the_separator(mark: str, tmp_path: Path):
    body = [f"{row}{mark}x{mark}y" for row in rows(mark)]
    assert read(written(tmp_path / "t.csv", mark.join(("path", "label", "remark, if any", "who")), *body)) == PAIRS
    assert read(written(tmp_path / "u.csv", mark.join(("path", "label", '"a,b,c,d,e"', "who")), *body)) == PAIRS


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "stated, mark", [("sep=;", ";"), ("sep=,", ","), ('"sep=|"', "|"), ("sep=\t", "\t"), ("sep=:", ":"), ("sep=^", "^")]
)
def test_a_line_that_states_the_separator_is_obeyed_and_counted(stated: str, mark: str, end: str, tmp_path: Path):
    table = written(tmp_path / "t.csv", stated, mark.join(("path", "label")), *rows(mark), end=end)
    assert read(table) == PAIRS
    assert sorted(item.line or 0 for item in scan(table).items) == [3, 4, 5, 6]
    short = written(tmp_path / "u.csv", stated, mark.join(("path", "label")), *rows(mark), "e.jpg", end=end)
    assert "line 7: 1 cells" in str(refusal(short))


@pytest.mark.parametrize("mark, word", [(":", "':'"), (" ", "blanks"), ("^", "'^'"), ("~", "'~'"), ("  ", "blanks")])
def test_a_separator_that_is_not_read_is_named(mark: str, word: str, tmp_path: Path):
    told = str(refusal(written(tmp_path / "t.csv", mark.join(("path", "label")), *rows(mark))))
    assert f"separated by {word}" in told and "save it with commas" in told
    if not mark.isspace():
        assert f"sep={mark}" in told
        assert read(written(tmp_path / "u.csv", f"sep={mark}", mark.join(("path", "label")), *rows(mark))) == PAIRS, "the mend works"


NO_HEADER = {
    "names": ("a.jpg,cat", "b.jpg,cat", "c.jpg,dog"),
    "folders": ("images/a.PNG;cat", "images/b.PNG;dog"),
    "label first": ("cat|a.jpeg", "cat|b.jpeg", "dog|c.jpeg"),
    "ids": ("a,cat", "b,cat", "c,dog"),
    "three columns": ("7,a.tif,cat", "8,b.tif,cat"),
    "a class called like a column": ("a.webp,target", "b.webp,target"),
}


@pytest.mark.parametrize("name", NO_HEADER)
def test_a_table_without_a_header_is_called_so_and_the_mend_works(name: str, tmp_path: Path):
    lines = NO_HEADER[name]
    error = refusal(written(tmp_path / "t.csv", *lines))
    assert "has no line that names its columns" in error.what and "line 1 looks like a row" in error.why
    header = error.mend.rpartition(" ")[2]
    assert len(read(written(tmp_path / "u.csv", header, *lines))) == len(lines), "no row is lost"


@pytest.mark.parametrize("name", ["names", "folders", "label first", "three columns"])
def test_a_first_row_is_never_taken_for_a_header_because_flags_say_so(name: str, tmp_path: Path):
    lines = NO_HEADER[name]
    cells = lines[0].replace(";", ",").replace("|", ",").split(",")
    path, label = next(cell for cell in cells if "." in cell), next(cell for cell in cells if "cat" in cell)
    assert "names its columns" in refusal(written(tmp_path / "t.csv", *lines), path_column=path, label_column=label).what


@pytest.mark.parametrize("suffix", ["", ".jpg", "any"])
def test_an_id_of_a_file_is_no_column_either(suffix: str, tmp_path: Path):
    for name in ("a", "b", "c"):
        (tmp_path / (f"{name}.jpg" if suffix else name)).write_bytes(b"x")
    table = written(tmp_path / "t.csv", "a,cat", "b,cat", "c,dog")
    assert "names its columns" in refusal(table, path_column="a", label_column="cat", suffix=suffix).what
    assert "names its columns" in refusal(table, path_column="file", label_column="cat", suffix=suffix).what


def test_a_header_with_a_typing_error_or_with_numbers_is_still_a_header(tmp_path: Path):
    with pytest.raises(UnknownName, match="kidn"):
        read(written(tmp_path / "t.csv", "path,kind", *rows(",")), label_column="kidn")
    one_hot = refusal(written(tmp_path / "u.csv", "path,0,1", "a.jpg,0,1", "b.jpg,1,0"))
    assert "no column label" in str(one_hot)
    (tmp_path / "id.jpg").write_bytes(b"x")
    assert read(written(tmp_path / "v.csv", "id,label", "x,cat", "y,dog"), suffix=".jpg") == [("x.jpg", "cat"), ("y.jpg", "dog")]


@pytest.mark.parametrize("first", ["# made by hand", "#made by hand, in May", "# version: 2", "## x"])
def test_a_comment_where_the_header_must_be_is_called_so(first: str, tmp_path: Path):
    table = written(tmp_path / "t.csv", first, "path,label", *rows(","))
    error = refusal(table)
    assert "line 1 begins with #" in error.why and "take it out" in error.mend
    assert read(written(tmp_path / "u.csv", "path,label", *rows(","))) == PAIRS


@pytest.mark.parametrize("header", ["#,path,label", "# path,label,x", "#path,label,n"])
def test_a_header_may_begin_with_a_hash(header: str, tmp_path: Path):
    numbered = header.startswith("#,")
    body = [f"{i},{row}" if numbered else f"{row},{i}" for i, row in enumerate(rows(","))]
    assert read(written(tmp_path / "t.csv", header, *body)) == PAIRS


def test_a_title_above_the_header_is_to_be_taken_out(tmp_path: Path):
    error = refusal(written(tmp_path / "t.csv", "Photos of May", "path,label", *rows(",")))
    assert "take out what stands before that line" in error.mend


@pytest.mark.parametrize(
    "content, mend",
    [
        *((content, "write a header") for content in (b"", b"\n \n", b"\xef\xbb\xbf", b"sep=;\n")),
        *(
            (content, "UTF-8")
            for content in ("path,label\na,b\n".encode("utf-16"), "path,label\na,Löwe\n".encode("latin-1"), b"path,la\0bel")
        ),
    ],
)
def test_a_table_that_is_no_text_gets_a_cure_of_its_own(content: bytes, mend: str, tmp_path: Path):
    (tmp_path / "t.csv").write_bytes(content)
    error = refusal(tmp_path / "t.csv")
    assert mend in error.mend and "correct these lines" not in error.mend


@pytest.mark.parametrize("column", ["label", "path", "group"])
def test_bytes_in_parquet_are_text_in_utf_8_or_refused(column: str, tmp_path: Path):
    """Replacement characters would make one class of two."""
    parquet = pytest.importorskip("pyarrow.parquet")
    pyarrow = pytest.importorskip("pyarrow")
    for number in range(2):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / f"{number}.png")
    cells = {"path": [b"0.png", b"1.png"], "label": ["caf\u00e9".encode(), b"x"], "group": [b"g", b"h"]}
    parquet.write_table(pyarrow.table(cells), tmp_path / "good.parquet")
    assert {item.label for item in scan(tmp_path / "good.parquet").items} == {"caf\u00e9", "x"}
    parquet.write_table(pyarrow.table(cells | {column: [b"caf\xe9", b"caf\xe8"]}), tmp_path / "bad.parquet")
    with pytest.raises(BadTable, match="byte 0xe9 is not UTF-8"):
        scan(tmp_path / "bad.parquet")
