"""Who imports whom, read from the sources; lazy and type-only imports count.

A file goes by its path from the root of its sources, as ``trace/arrays/_array.py``. A *room* is a folder at
the root, or a file that lies there.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

Imports = Mapping[str, set[str]]
"""The files that each file imports."""

TYPESCRIPT = re.compile(
    r"""^\s*(?:import|export)\b[^"';]*?\bfrom\s*["'](?P<names>[^"']+)["']"""  # import type {…} from "…", too
    r"""|^\s*import\s*["'](?P<bare>[^"']+)["']"""
    r"""|\bimport\(\s*["'](?P<call>[^"']+)["']\s*\)""",
    re.MULTILINE,
)
COMMENT = re.compile(r"^\s*(//|/?\*).*$", re.MULTILINE)


def python_imports(package: Path) -> Imports:
    """Of a package, that the files of it import of it."""
    files = {path.relative_to(package).as_posix() for path in package.rglob("*.py")}
    return {
        file: {_module_file(name, package.name, files) for name in _modules(package, file)} for file in files
    }


def _modules(package: Path, file: str) -> Iterator[str]:
    """Dotted names in the package that a file imports: at its head, in functions, for types, by text."""
    folder = [package.name, *file.split("/")[:-1]]
    for node in ast.walk(ast.parse((package / file).read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) + 1 - node.level] if node.level else []
            names = [".".join(filter(None, [*above, node.module, alias.name])) for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "import_module":
            names = [str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)]
        yield from (name for name in names if name.split(".")[0] == package.name)


def _module_file(name: str, package: str, files: set[str]) -> str:
    """The file of a module, or of the module that something is imported from."""
    parts = name.split(".")[1:]
    for end in range(len(parts), 0, -1):
        path = "/".join(parts[:end])
        for file in (f"{path}.py", f"{path}/__init__.py"):
            if file in files:
                return file
    return "__init__.py"


def typescript_imports(sources: Path) -> Imports:
    """Of a folder of TypeScript, that the files of it import of each other."""
    files = {path.relative_to(sources).as_posix() for path in sources.rglob("*.ts")}
    imports: dict[str, set[str]] = {}
    for file in files:
        text = COMMENT.sub("", (sources / file).read_text(encoding="utf-8"))
        found = {match[match.lastgroup or 0] for match in TYPESCRIPT.finditer(text)}
        paths = [posixpath.normpath(posixpath.join(posixpath.dirname(file), path)) for path in found]
        imports[file] = {f"{path}{end}" for path in paths for end in (".ts", "/index.ts")} & files
    return imports


def room_of(file: str) -> str:
    """The folder at the root that holds a file, or the file itself.

    >>> room_of("trace/arrays/_array.py"), room_of("_axes.py")
    ('trace', '_axes.py')
    """
    return file.split("/")[0]


def circles(imports: Imports) -> list[str]:
    """Files that import each other in a circle, each circle from file to file."""
    found = []
    left = {file: set(imported) for file, imported in imports.items()}
    while left:
        gone = {file for file, imported in left.items() if not imported}
        if not gone:
            path = [min(left)]
            while (after := min(left[path[-1]])) not in path:
                path.append(after)
            gone = set(path[path.index(after) :])
            found.append(" -> ".join([*path[path.index(after) :], after]))
        left = {file: imported - gone for file, imported in left.items() if file not in gone}
    return found


def against_the_order(imports: Imports, order: Sequence[str]) -> list[str]:
    """Imports of a room that stands below the importing one."""
    places = {room: place for place, room in enumerate(order)}
    return sorted(
        f"{file} -> {other}"
        for file, imported in imports.items()
        for other in imported
        if places[room_of(other)] > places[room_of(file)]
    )


def private_imports(imports: Imports) -> list[str]:
    """Imports of a private module of another room."""
    return sorted(
        f"{file} -> {other}"
        for file, imported in imports.items()
        for other in imported
        if room_of(file) != room_of(other)
        and any(part.startswith("_") and part != "__init__.py" for part in other.split("/")[1:])
    )


def crowded(files: Imports, most: int) -> list[str]:
    """Folders that hold more files than that."""
    counts = Counter(posixpath.dirname(file) or "." for file in files)
    return sorted(f"{folder}: {count} files" for folder, count in counts.items() if count > most)
