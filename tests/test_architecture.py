"""What holds the house together: which way imports point, what stays light, that every setting is explained."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from labcore.config import all_settings
from tests.by_path import module_at
from tests.trees import statements, tree_of

ROOT = Path(__file__).parents[1]
FLOORS = (
    (
        "app_folder",
        "config",
        "errors",
        "cgroup",
        "device",
        "nvml",
        "workspace",
        "allowed_paths",
        "sheets",
        "standard_sets",
        "access",
        "events",
        "listening",
        "load",
        "loading",
        "outputs",
        "owners",
        "reading",
        "remembered",
        "texts",
        "tracks",
        "tars",
        "zips",
        "typed",
    ),
    (
        "audio",
        "features",
        "augment",
        "models",
        "runs",
        "jobs",
    ),
    ("datasets",),
    ("inference", "evaluation", "training", "task", "classifier", "builtin"),
    (
        "ensembles",
        "export",
        "benchmark",
        "doctor",
        "explore",
        "search",
        "crossval",
        "members",
        "hidden",
        "curve",
        "calibration",
        "checking",
        "unknowns",
        "keeping",
        "alarms",
        "comparison",
        "report",
        "extract",
        "importing",
        "downloads",
        "backup",
        "answers",
        "batch",
        "serving",
        "catalogue",
    ),
    ("cli", "api", "container", "face", "__init__", "__main__", "ui", "pages", "streamlit_app"),
)
"""Modules and packages by floor, the ground first. A new one has to be given its floor here."""
FLOOR = {name: number for number, names in enumerate(FLOORS, 1) for name in names}
TOP = len(FLOORS)
# Who may be used from where on the top floor; all else there stands by itself.
TOP_FLOOR_USES = {
    ("__init__", "face"),
    ("face", "cli"),
    ("__main__", "cli"),
    ("cli", "api"),
    ("pages", "ui"),
    ("streamlit_app", "ui"),
    ("streamlit_app", "pages"),
}
USES_STREAMLIT = ("ui", "pages", "streamlit_app")
# Loaded by the first page and by `labcore --help`: what these import, directly or not, must not be torch.
LIGHT = (
    *FLOORS[0],
    "runs",
    "builtin",
    "audio",
    "datasets",
    "jobs",
    "benchmark/job",
    "cli/main",
    "container",
)
LONGEST = 400


@functools.cache
def sources() -> list[Path]:
    """The Python files of the product, relative to the root."""
    files = [
        *ROOT.glob("labcore/**/*.py"),
        *ROOT.glob("ui/**/*.py"),
        *ROOT.glob("pages/**/*.py"),
        ROOT / "streamlit_app.py",
    ]
    return sorted(file.relative_to(ROOT) for file in files if file.exists())


def place_of(file: Path) -> str:
    """Which part of the house a file belongs to: ``labcore/audio/recording.py`` → audio, ``pages/train.py`` → pages."""
    parts = file.with_suffix("").parts
    return parts[1] if parts[0] == "labcore" and len(parts) > 1 else parts[0]


@functools.cache
def text_of(file: Path) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


@functools.cache
def imports_of(file: Path) -> list[tuple[int, str]]:
    """Line and full name of every import in a file, also of those inside functions; a relative one is spelled out."""
    found: list[tuple[int, str]] = []
    package = file.parts[:-1]
    for node in statements(tree_of(ROOT / file)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (start, node.module) if part)
            # `from labcore import runs` names a module, `from labcore.runs import Run` does not: both name the place.
            found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return found


def place_named(name: str) -> str | None:
    """The part of the house that an imported name belongs to, None for libraries and for the package itself."""
    parts = name.split(".")
    if parts[0] == "labcore":
        return parts[1] if len(parts) > 1 and parts[1] in FLOOR else None
    return parts[0] if parts[0] in USES_STREAMLIT else None


def test_every_part_of_the_house_has_a_floor() -> None:
    places = {place_of(file) for file in sources()}
    assert places <= set(FLOOR), "give the new ones a floor in FLOORS"


def points_up(file: Path, name: str) -> bool:
    """Whether what a file imports stands on a higher floor, or beside it on the top one."""
    here, there = place_of(file), place_named(name)
    if there is None or there == here:
        return False
    beside = FLOOR[there] == FLOOR.get(here, 0) == TOP and (here, there) not in TOP_FLOOR_USES
    return FLOOR[there] > FLOOR.get(here, 0) or beside


def test_imports_point_down() -> None:
    wrong = [
        f"{file}:{line} imports {name}"
        for file in sources()
        for line, name in imports_of(file)
        if points_up(file, name)
    ]
    assert not wrong, wrong


def test_no_two_parts_import_each_other() -> None:
    uses: dict[str, set[str]] = {}
    for file in sources():
        there = {place_named(name) for _, name in imports_of(file)} - {None, place_of(file)}
        uses.setdefault(place_of(file), set()).update(place for place in there if place)
    pairs = {
        tuple(sorted((here, there))) for here, all_ in uses.items() for there in all_ if here in uses.get(there, ())
    }
    assert not pairs


def test_only_pages_know_streamlit() -> None:
    others = [file for file in sources() if place_of(file) not in USES_STREAMLIT]
    wrong = [
        f"{file}:{line}" for file in others for line, name in imports_of(file) if name.split(".")[0] == "streamlit"
    ]
    assert not wrong, wrong


def test_light_modules_do_not_load_torch_or_streamlit() -> None:
    modules = []
    for place in LIGHT:
        files = [ROOT / "labcore" / f"{place}.py", *(ROOT / "labcore" / place).glob("**/*.py")]
        parts = [file.relative_to(ROOT).with_suffix("").parts for file in files if file.exists()]
        modules += [".".join(part for part in names if part != "__init__") for names in parts]
    assert "labcore.config" in modules
    program = (
        f"import importlib, sys\nfor name in {modules!r}:\n    importlib.import_module(name)\n"
        "    for heavy in ('torch', 'streamlit'):\n"
        "        if heavy in sys.modules: sys.exit(f'{name} loads {heavy}')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_files_stay_short() -> None:
    """Those of the tests too."""
    files = [*sources(), *(file.relative_to(ROOT) for file in ROOT.glob("tests/**/*.py"))]
    lines = {str(file): len(text_of(file).splitlines()) for file in files}
    assert not {file: many for file, many in lines.items() if many > LONGEST}, "these want to be two files"


# Named for the checker of types alone.
NOT_IMPORTED = {"typing-extensions"}


def test_what_is_imported_is_declared() -> None:
    """Not only brought along by another package, which may do without it tomorrow."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = {canonicalize_name(name) for name in re.findall(r'"([a-z0-9-]+)>=[0-9.]+"', text)}
    bring = packages_distributions()
    wrong = []
    for file in sources():
        for line, name in imports_of(file):
            top = name.partition(".")[0]
            if top in sys.stdlib_module_names or top in {"labcore", *USES_STREAMLIT}:
                continue
            packages = {canonicalize_name(package) for package in bring.get(top, [top])}
            if not packages & (declared | NOT_IMPORTED):
                wrong.append(f"{file}:{line} imports {top}, of {' or '.join(sorted(packages))}")
    assert not wrong, wrong


def test_every_setting_is_explained() -> None:
    for setting in all_settings().values():
        assert setting.title, setting.path
        assert setting.title != setting.path
        assert len(setting.help.split()) >= 2, setting.path
        assert setting.help.endswith("."), setting.path


def test_the_reference_of_the_settings_is_current() -> None:
    module = module_at(ROOT / "scripts" / "make_reference.py")
    page = module.PAGE.read_text(encoding="utf-8") if module.PAGE.exists() else ""
    assert page == module.reference(), "run `python scripts/make_reference.py`"
    assert all(f"### `{path}`" in page for path in all_settings())


# Read by what made them a moment ago, or from something that is not a file of a workspace.
READS_JSON_ITSELF = {"backup/restoring.py"}


def test_files_of_json_are_read_by_the_one_reader() -> None:
    """:mod:`labcore.reading` knows what may lie in a file's place, and what JSON may hold."""
    reads = re.compile(r"json\.loads?\((?!sys\.stdin)[^\n]*\.read(?:_text|_bytes)?\(")
    found = {str(file).removeprefix("labcore/") for file in sources() if reads.search(text_of(file))}
    assert found <= READS_JSON_ITSELF


def test_docstrings_tell_of_arguments_that_are_there() -> None:
    wrong = []
    for file in sources():
        for each in statements(tree_of(ROOT / file)):
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                told = (ast.get_docstring(each) or "").partition("Args:\n")[2].partition("\n\n")[0]
                there = {argument.arg for argument in ast.walk(each.args) if isinstance(argument, ast.arg)}
                names = re.findall(r"\w+", " ".join(re.findall(r"^ {4}([*\w, ]+): ", told, re.MULTILINE)))
                wrong += [f"{file}:{each.lineno} {each.name} has no {name}" for name in names if name not in there]
    assert not wrong, wrong
