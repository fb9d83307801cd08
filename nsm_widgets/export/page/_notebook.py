"""A notebook file as one page."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nsm_widgets._environment import EVERYTHING_MB, HOST_VARIABLE, STATE_MB_VARIABLE
from nsm_widgets._errors import ExportError, ExportWarning, MissingDependencyError
from nsm_widgets._replacing import replacing
from nsm_widgets._text import replace_surrogates
from nsm_widgets.export.page._chunks import Precision
from nsm_widgets.export.page._content import DEFAULT_MAX_BYTES, PageTheme, check_page_options

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELL_TIMEOUT_S = 3600
_ALL_OF_IT = {STATE_MB_VARIABLE: f"{EVERYTHING_MB:g}", HOST_VARIABLE: "jupyter"}
"""For the kernel: every array goes with the state, which is saved nowhere; the page has its own limit."""

_QUIET = ["--log-level=40"]
"""Of ipykernel: its remark that a local socket is not encrypted helps nobody here."""


def notebook_to_html(
    path_in: str | os.PathLike[str],
    path_out: str | os.PathLike[str] | None = None,
    *,
    execute: bool = False,
    title: str = "",
    precision: Precision = "exact",
    max_bytes: int = DEFAULT_MAX_BYTES,
    theme: PageTheme = "auto",
    trust: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a notebook as one page in which its widgets stay alive: no kernel, no network, no other file.

    Args:
        path_in: The notebook, executed and saved with its widgets' state; or any, with ``execute``.
        path_out: File to write, all or nothing; beside the notebook, ending in ``.html``, when not given.
        execute: Run all cells first, in the notebook's folder. The notebook itself stays as it is. Then the
            page carries every array, also those that a saved notebook is too small for.
        title: Title of the page; the notebook's own when empty.
        precision: ``"exact"``, ``"float16"`` or ``"display"``; see :func:`widgets_to_html`.
        max_bytes: What the arrays may take in the page.
        theme: ``"auto"``, ``"light"`` or ``"dark"``.
        trust: Packages besides ipywidgets and bqplot whose widgets run in the page. What runs is what is
            installed here; a widget whose code in the notebook differs is a picture.
        progress: Called with the number of cells that have run, and of all, while executing.

    Returns:
        Where it was written.

    Warns:
        ExportWarning: For each kind of thing that is not in the page: views that are pictures only, arrays
            and pictures that were not to be had, a notebook that never ran.

    Raises:
        ExportError: If the file is no notebook, a cell fails, or the arrays take more than ``max_bytes``.
        FileNotFoundError: If there is no such notebook.
        MissingDependencyError: If nbconvert, or for ``execute`` nbclient, is not installed.
    """
    check_page_options(precision, max_bytes, theme)
    path_in = Path(path_in)
    try:
        import nbformat

        from nsm_widgets.export.page._nbconvert import NsmHTMLExporter
    except ImportError as error:
        raise MissingDependencyError(
            f"exporting notebooks needs nbconvert, and {error.name} is not installed. "
            'Install it with: pip install "nsm_widgets[notebook]"'
        ) from error
    notebook = _read(path_in)
    if execute:
        _execute(notebook, path_in, progress)
    exporter = NsmHTMLExporter(  # type: ignore[no-untyped-call]
        precision=precision, max_bytes=max_bytes, page_theme=theme, page_title=title, trust=list(trust)
    )
    resources = {"metadata": {"name": path_in.stem, "path": str(path_in.parent)}}
    try:
        html, _resources = exporter.from_notebook_node(notebook, resources)
    except nbformat.ValidationError as error:
        raise _no_notebook(path_in, error) from error
    target = Path(path_out) if path_out is not None else path_in.with_suffix(".html")
    with replacing(target) as temporary:
        temporary.write_bytes(replace_surrogates(html).encode())
    for line in exporter.said:
        warnings.warn(line, ExportWarning, stacklevel=2)
    return target


def _read(path: Path) -> NotebookNode:
    import nbformat

    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call,no-any-return]
    except FileNotFoundError:
        raise
    except Exception as error:  # nbformat raises many kinds
        raise _no_notebook(path, error) from error


def _no_notebook(path: Path, error: Exception) -> ExportError:
    return ExportError(
        f"{path} must be a Jupyter notebook, and it cannot be read as one ({type(error).__name__}: "
        f"{str(error)[:200]}). Give the path of an .ipynb file."
    )


def _execute(notebook: NotebookNode, path: Path, progress: Callable[[int, int], None] | None) -> None:
    """Run all cells; the state of every widget is kept in the notebook's metadata."""
    try:
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError
    except ImportError as error:
        raise MissingDependencyError(
            "executing a notebook needs nbclient, and it is not installed. "
            'Install it with: pip install "nsm_widgets[notebook]"'
        ) from error
    code_cells = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]

    def ran(cell_index: int, **_about: object) -> None:
        if progress is not None:
            progress(sum(index <= cell_index for index in code_cells), len(code_cells))

    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        store_widget_state=True,
        resources={"metadata": {"path": str(path.parent.resolve())}},
        on_cell_complete=ran,
        extra_arguments=_QUIET if notebook.metadata.get("language_info", {}).get("name") == "python" else [],
    )
    try:
        client.execute(env={**os.environ, **_ALL_OF_IT})
    except CellExecutionError as error:
        raise ExportError(
            f"{path} must run without an error to be exported, and a cell failed:\n{error}"
        ) from error
    except Exception as error:  # no such kernel, a kernel that died, a cell without end: of many kinds
        raise ExportError(
            f"{path} must run to its end to be exported, and it did not ({type(error).__name__}: "
            f"{str(error)[:300]}). Run it in JupyterLab to see why."
        ) from error
