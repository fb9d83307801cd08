"""The rooms of the sources: no circles, every import up the map of CONTRIBUTING.md, no door but the face."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from scripts.draw_rooms import PICTURE, draw, read_map
from tests.imports import (
    Imports,
    against_the_order,
    circles,
    crowded,
    private_imports,
    python_imports,
    typescript_imports,
)

ROOT = Path(__file__).parents[1]
MAP = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MOST_FILES = 26
READ: dict[str, Callable[[Path], Imports]] = {"nsm_widgets": python_imports, "js/src": typescript_imports}


@pytest.fixture(scope="module", params=READ)
def sources(request: pytest.FixtureRequest) -> str:
    """Where sources lie."""
    return str(request.param)


@pytest.fixture(scope="module")
def imports(sources: str) -> Imports:
    """What the files there import of each other."""
    return READ[sources](ROOT / sources)


@pytest.fixture(scope="module")
def rooms(sources: str) -> list[str]:
    """The rooms there and their inner rooms, as the map lists them."""
    return [name for row in read_map(MAP, sources) for name in row.names]


def test_no_files_import_each_other_in_a_circle(imports: Imports) -> None:
    """Lazy and type-only imports counted."""
    assert circles(imports) == []


def test_every_import_goes_up_the_map(imports: Imports, rooms: list[str]) -> None:
    """A room imports only what stands above it."""
    assert against_the_order(imports, [name.rstrip("/") for name in rooms if name.count("/") < 2]) == []


def test_other_rooms_are_entered_by_their_face(imports: Imports) -> None:
    """What two rooms need is public in the upper one's face, or stands above both."""
    assert private_imports(imports) == []


def test_inner_folders_have_no_face() -> None:
    """Their ``__init__`` is a docstring: only a room's own is a face."""
    inner = list((ROOT / "nsm_widgets").glob("*/*/**/__init__.py"))
    assert inner
    for path in inner:
        assert [type(node) for node in ast.parse(path.read_text(encoding="utf-8")).body] == [ast.Expr], path


def test_no_folder_is_crowded(imports: Imports) -> None:
    """A folder of more files holds several rooms."""
    assert crowded(imports, MOST_FILES) == []


def test_the_map_names_every_room_and_no_other(imports: Imports, rooms: list[str]) -> None:
    """Files at the root, folders there, and folders in those, right below the room that they lie in."""
    folders = {f"{folder}/" for file in imports for folder in Path(file).parents if folder.name}
    assert sorted(rooms) == sorted({file for file in imports if "/" not in file} | folders)
    for above, name in pairwise(rooms):
        assert name.count("/") < 2 or above.startswith(f"{name.split('/')[0]}/"), f"{name} below {above}"


def test_the_picture_shows_the_map() -> None:
    """``python scripts/draw_rooms.py`` draws it anew."""
    assert PICTURE.read_text(encoding="utf-8") == draw(MAP)
    assert f"]({PICTURE.relative_to(ROOT).as_posix()})" in MAP


def test_comments_name_files_that_are_there(sources: str, imports: Imports) -> None:
    """Of the other language's sources, mostly: both say where their mirror stands."""
    gone = []
    for file in imports:
        text = (ROOT / sources / file).read_text(encoding="utf-8")
        named = re.findall(r"\b(?:nsm_widgets|js/src|tests)/[\w./-]+\.(?:py|ts)\b", text)
        gone += [f"{file} names {path}" for path in named if not (ROOT / path).is_file()]
    assert gone == []


def test_a_name_is_that_of_one_type() -> None:
    """Classes and aliases of the package, with an underscore before their name or without."""
    found: dict[str, list[str]] = {}
    for path in (ROOT / "nsm_widgets").rglob("*.py"):
        for name in type_names(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(name.lstrip("_"), []).append(path.relative_to(ROOT).as_posix())
    assert {name: files for name, files in found.items() if len(files) > 1} == {}


def type_names(module: ast.Module) -> Iterator[str]:
    """Names of classes, and of what is called like one."""
    for node in module.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        yield from (name for name in names if re.fullmatch("_?[A-Z]+[a-z]\\w*", name))
        if isinstance(node, ast.ClassDef):
            yield node.name


# --- each of them can fail --------------------------------------------------------------------------------


def lay(root: Path, files: Mapping[str, str]) -> Path:
    """Files by their path, below a folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "statement",
    [
        "import made.b._y",
        "from made.b._y import y",
        "from made.b import _y",
        "from ..b._y import y",
        "from ..b import (\n    _y as other,\n)",
        "def lazy():\n    from made.b._y import y",
        "if TYPE_CHECKING:\n    from made.b._y import y",
        'import_module("made.b._y")',
    ],
)
def test_every_import_of_python_counts(tmp_path: Path, statement: str) -> None:
    """Wherever it stands."""
    made = lay(
        tmp_path / "made", {"a/_x.py": statement, "b/_y.py": "import ast, madeup", "b/__init__.py": ""}
    )
    assert python_imports(made) == {"a/_x.py": {"b/_y.py"}, "b/_y.py": set(), "b/__init__.py": set()}


def test_a_package_and_its_lazy_names_count(tmp_path: Path) -> None:
    """What is imported from a package is its face; a face that loads later imports all the same."""
    face = "if TYPE_CHECKING:\n    from made.b._y import y as y\n    from made.b.c._z import *\n"
    files = {
        "__init__.py": "",
        "a.py": "from made import b\nfrom made.b import y\nimport made",
        "b/_y.py": "",
    }
    made = lay(tmp_path / "made", {**files, "b/__init__.py": face, "b/c/_z.py": ""})
    assert python_imports(made)["a.py"] == {"b/__init__.py", "__init__.py"}
    assert python_imports(made)["b/__init__.py"] == {"b/_y.py", "b/c/_z.py"}


@pytest.mark.parametrize(
    "statement",
    [
        'import { y } from "../b/y";',
        'import {\n  type Y,\n  y,\n} from "../b/y";',
        'import type { Y } from "../b/y";',
        'import "../b/y";',
        "export * from '../b/y';",
        'const { y } = await import("../b/y");',
        'let y: import("../b/y").Y;',
    ],
)
def test_every_import_of_typescript_counts(tmp_path: Path, statement: str) -> None:
    """But for those of packages, and what stands in comments."""
    beside = 'import d3 from "d3";\n// import "./z";\n/** import { z } from "./z" */\n'
    made = lay(tmp_path, {"a/x.ts": beside + statement, "a/z.ts": "", "b/y.ts": ""})
    assert typescript_imports(made) == {"a/x.ts": {"b/y.ts"}, "a/z.ts": set(), "b/y.ts": set()}


def test_circles_are_named_file_by_file(tmp_path: Path) -> None:
    """Each circle by itself; a face that a file of its room imports is in one."""
    files = {
        "a/__init__.py": "from made.a._x import x",
        "a/_x.py": "def lazy():\n    from made.a import x",
        "b/_y.py": "from made.b._z import z\nfrom made.a import x",
        "b/_z.py": "if TYPE_CHECKING:\n    from made.b._y import y",
    }
    assert circles(python_imports(lay(tmp_path / "made", files))) == [
        "a/__init__.py -> a/_x.py -> a/__init__.py",
        "b/_y.py -> b/_z.py -> b/_y.py",
    ]


def test_imports_down_the_map_are_named() -> None:
    """Of a file at the root, too."""
    imports = {"_low.py": {"b/_y.py"}, "a/_x.py": {"_low.py", "b/__init__.py"}, "b/_y.py": {"a/__init__.py"}}
    assert against_the_order(imports, ["_low.py", "a", "b"]) == [
        "_low.py -> b/_y.py",
        "a/_x.py -> b/__init__.py",
    ]


def test_private_imports_are_named() -> None:
    """A private module, or one in a private folder; not a face, a file at the root, or one's own module."""
    others = {"a/_z.py", "b/__init__.py", "b/plain.py", "b/_y.py", "b/_in/z.py", "_low.py"}
    assert private_imports({"a/_x.py": others}) == ["a/_x.py -> b/_in/z.py", "a/_x.py -> b/_y.py"]


def test_crowded_folders_are_named() -> None:
    """With their count; folders inside count for themselves."""
    files: Imports = {name: set() for name in ("a/x.py", "a/y.py", "a/in/z.py", "w.py")}
    assert crowded(files, 1) == ["a: 2 files"]
    assert crowded(files, 2) == []


def test_classes_and_aliases_have_names() -> None:
    """Constants are none."""
    text = "class A:\n    B = 1\nclass _C(A): ...\nDs = list[int]\nEs: TypeAlias = Any\nMOST = 1\nV = any"
    assert list(type_names(ast.parse(text))) == ["A", "_C", "Ds", "Es"]
