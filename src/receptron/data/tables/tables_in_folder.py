"""Tables that lie in a folder of images and name them: what to point to where folders alone give no classes."""

from pathlib import Path

from receptron.data.dataset.tree import Folder
from receptron.data.tables.columns import NEEDED, SYNONYMS, WEAK
from receptron.data.tables.table_files import ENDINGS, read_cells
from receptron.errors import ReceptronError


def tables_of_images(root: Folder) -> tuple[Path, ...]:
    """CSV and Parquet files in `root`, else in the folders right in it, whose columns name images and their classes; by path."""
    for folders in ([root], root.folders):
        tables = sorted(path for folder in folders for path, _, _ in folder.passed_over if path.suffix.lower() in ENDINGS)
        if found := tuple(path for path in tables if names_images(path)):
            return found
    return ()


def names_images(path: Path) -> bool:
    """Whether a table has a column for the path and one for the label, by their usual names; not where it cannot be read."""
    try:
        table = read_cells(path)
    except ReceptronError:
        return False
    names = {_plain(name) for name in table.header}
    return bool(table.rows) and all(names & {_plain(name) for name in (*SYNONYMS[role], *WEAK.get(role, ()))} for role in NEEDED)


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())
