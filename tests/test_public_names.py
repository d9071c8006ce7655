"""What `import receptron` promises, pinned: adding or losing a name is a decision, not an accident. And what it needs is declared."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from inspect import isfunction, signature
from pathlib import Path

import pytest

import receptron

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src/receptron"
NAMES = [
    "Answer",
    "Audit",
    "ModelCard",
    "Ensembling",
    "Estimate",
    "Evaluated",
    "Evaluation",
    "Extras",
    "Sidecar",
    "Finding",
    "Inspection",
    "Model",
    "Predicted",
    "InspectionOptions",
    "ReceptronError",
    "Recipe",
    "Run",
    "ScanOptions",
    "Tape",
    "__version__",
    "analysis",
    "arithmetic",
    "audit",
    "build",
    "errors",
    "evaluate",
    "inspect",
    "load",
    "predict",
    "receptive_field",
    "record",
    "train",
    "zoo",
]
OPTIONAL = {"onnx": "deploy", "pillow_heif": "heic", "pyarrow": "tables", "tensorboard": "lab", "tifffile": "bands"}


def test_the_public_names_are_these():
    assert sorted(receptron.__all__) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_resolves_and_is_told_by_dir(name: str):
    assert getattr(receptron, name) is not None
    assert name in dir(receptron)
    assert getattr(receptron, name) is getattr(receptron, name)


def test_public_functions_are_functions_and_not_modules():
    functions = [name for name in NAMES if isfunction(getattr(receptron, name))]
    assert functions == ["audit", "build", "evaluate", "inspect", "load", "predict", "receptive_field", "record", "train"]


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'trian'"):
        receptron.trian  # noqa: B018


def test_what_type_checkers_see_is_what_programs_get():
    tree = ast.parse((SOURCE / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == receptron._HOME_OF | dict.fromkeys(receptron._MODULES, "receptron")


def test_importing_receptron_imports_nothing_heavy():
    code = "import sys, receptron; print(sorted({'torch', 'numpy', 'PIL', 'sklearn', 'msgspec', 'typer'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_main_job_takes_what_the_readme_says():
    assert list(signature(receptron.train).parameters) == ["path", "out", "net", "weights", "time", "seed", "device", "test_size", "extras"]


def test_versions_agree():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == receptron.__version__


def declared(requirements: list[str]) -> set[str]:
    return {canonical(re.match(r"[\w.-]+", line)[0]) for line in requirements}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(source: str) -> set[str]:
    """Top-level modules that a file imports anywhere, from outside the package and the standard library."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(level=0, module=str(name)):
                found.add(name.split(".")[0])
            case ast.Import(names=names):
                found |= {alias.name.split(".")[0] for alias in names}
            case _:
                pass
    return found - sys.stdlib_module_names - {"receptron", "_typeshed"}  # the last is for type checkers only


def test_every_import_of_the_source_is_a_declared_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {canonical(name) for extra in set(OPTIONAL.values()) for name in declared(project["optional-dependencies"][extra])}
    known, owners = declared(project["dependencies"]), packages_distributions()
    for path in SOURCE.rglob("*.py"):
        for module in imported(path.read_text()):
            packages = {canonical(name) for name in owners.get(module, [module])}
            assert packages & (known | (extras if module in OPTIONAL else set())), f"{path.name} imports {module}, which is not declared"


def test_every_declared_dependency_is_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    owners, used = packages_distributions(), set[str]()
    for path in SOURCE.rglob("*.py"):
        used |= {canonical(name) for module in imported(path.read_text()) for name in owners.get(module, [])}
    assert declared(project["dependencies"]) <= used


def test_every_declared_package_is_pinned_in_the_constraints():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    wanted = set(project["dependencies"]).union(*project["optional-dependencies"].values())
    assert declared(sorted(wanted)) - {"receptron"} <= pins.keys()
    assert pins["torch"] == "2.13.0", "a suffix such as +cpu would forbid every other build of the same version"
