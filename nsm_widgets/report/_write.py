"""The folder of a report: one live page, pictures, tables, and a file that says what is what."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from nsm_widgets._axes import format_sizes
from nsm_widgets._errors import OptionError, ReportError
from nsm_widgets._options import check_flag
from nsm_widgets._replacing import make_folder, replacing
from nsm_widgets._text import one_line, printable
from nsm_widgets.export import PageTheme, Precision, check_page_options, html_page
from nsm_widgets.report._figures import Figure, figures_of_mapping, figures_of_trace
from nsm_widgets.report._inputs import flat_arrays, holds_numbers
from nsm_widgets.report._page import page_parts
from nsm_widgets.report._report import Report
from nsm_widgets.report._tables import tables_of
from nsm_widgets.trace import Trace
from nsm_widgets.widgets import Selection, unseen_widgets

PICTURES = ("png", "svg")
DEFAULT_TITLE = "Memory and attention report"


def create_comprehensive_report(
    data: object,
    save_dir: str | os.PathLike[str] = "nsm_report",
    *,
    title: str = DEFAULT_TITLE,
    precision: Precision = "exact",
    max_bytes: int = 100_000_000,
    theme: PageTheme = "auto",
    width_px: int = 960,
    progress: bool = True,
) -> Path:
    """Write a folder with everything that the data shows: a live page, pictures and tables.

    ``index.html`` reads like a short report and needs no kernel, no network and no other file: what was
    recorded, what stands out (NaN, dead slots, collapsed or blurry heads, each with a link to the frame),
    every figure live, and the tables. ``figures/`` has each figure as PNG and SVG, ``tables/`` each table as
    CSV, and ``README.md`` says what is what. Files of an earlier report in the folder are replaced, others
    stay.

    Args:
        data: A :class:`Trace`, a recorder, or a dictionary of tensors, arrays, or lists of them. Known keys
            are ``attention_weights``, ``multi_head_attention``, ``attention_patterns``,
            ``token_state_attention``, ``state_attention``, ``memory_content``, ``memory_evolution``,
            ``importance_scores``, and ``initial_`` or ``final_`` ``read_weights`` and ``write_weights``;
            arrays by any other key are drawn as heatmaps or lines.
        save_dir: The folder; made where it is not there.
        title: Heading of the page.
        precision: How the page keeps values; see :func:`nsm_widgets.export.widgets_to_html`.
        max_bytes: What the arrays may take in the page.
        theme: ``"auto"``, ``"light"`` or ``"dark"``.
        width_px: Width of the pictures, in CSS pixels.
        progress: Whether a progress bar is shown.

    Returns:
        The folder.

    Raises:
        ReportError: At the end, if something could not be drawn: everything else was written, and the
            report names what is missing and why.
        ExportError: If the arrays of the page take more than ``max_bytes``.
        TypeError: If ``data`` is neither a trace nor a dictionary.
        ValueError: If there is nothing to report on, or an option is unknown.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = create_comprehensive_report({"memory_content": np.eye(4)}, folder, progress=False)
        ...     sorted(file.name for file in path.iterdir())
        ['README.md', 'figures', 'index.html', 'tables']
    """
    check_page_options(precision, max_bytes, theme)
    recorded: Any = getattr(data, "trace", data)
    with unseen_widgets():
        report = Report(title, Selection())
    wanted = list(_figures(recorded, report))
    folder = Path(save_dir)
    for part in ("figures", "tables"):
        make_folder(folder / part)
    check_flag(progress, "progress")
    steps = tqdm(total=len(wanted) + 2, desc="report", unit="part", disable=not progress)
    try:
        with unseen_widgets():
            for figure in wanted:
                steps.set_postfix_str(one_line(figure.title))
                _make(figure, report, folder / "figures", width_px)
                steps.update()
            steps.set_postfix_str("tables")
            report.tables, report.findings = tables_of(recorded, report.failures)
            for table in report.tables:
                _write(folder / "tables" / f"{table.name}.csv", table.to_csv())
            steps.update()
            steps.set_postfix_str("page")
            options = {"precision": precision, "max_bytes": max_bytes, "theme": theme}
            parts = page_parts(report)
            shown = report.selection if report.figures else None
            _write(folder / "index.html", html_page(parts, title=title, selection=shown, **options))  # type: ignore[arg-type]
            _write(folder / "README.md", "".join(f"{line}\n" for line in _readme(report)))
            steps.update()
    finally:
        steps.close()
        for _, view in report.figures:
            view.close()
        report.selection.close()
    if report.failures:
        _complain(report, folder)
    return folder


def _figures(data: object, report: Report) -> Iterator[Figure]:
    """The figures that the data asks for; what is no array is noted."""
    if isinstance(data, Trace):
        found = list(figures_of_trace(data))
        report.recorded = [f"{name} {format_sizes(array.dims, array.shape)}" for name, array in data.items()]
    elif isinstance(data, Mapping):
        named = {str(key): value for key, value in data.items()}
        if len(named) < len(data):
            raise OptionError(f"keys must differ as text, got {', '.join(map(repr, data))}.")
        drawn = {key: value for key, value in named.items() if holds_numbers(value)}
        report.notes = {key: repr(value) for key, value in named.items() if key not in drawn}
        found = list(figures_of_mapping(drawn))
        report.recorded = [f"{name} {array.shape}" for name, array in flat_arrays(drawn).items()]
    else:
        raise TypeError(
            "a report is made of a Trace or of a dictionary of arrays, got "
            f"{type(data).__name__}. Give it {{'memory_content': memory}}."
        )
    if not found:
        raise OptionError("a report must have at least one array to show, got none.")
    taken: set[str] = set()
    for figure in found:
        name = _file_name(figure.name, taken)
        yield Figure(name, figure.title, figure.about, figure.make)


def _file_name(name: str, taken: set[str]) -> str:
    """A name that every file system takes, and no other figure has."""
    safe = re.sub(r"[^\w-]+", "_", name, flags=re.ASCII).strip("_")[:60] or "figure"
    number, unique = 2, safe
    while unique.lower() in taken:
        unique, number = f"{safe}_{number}", number + 1
    taken.add(unique.lower())
    return unique


def _make(figure: Figure, report: Report, folder: Path, width_px: int) -> None:
    """Make one figure and its pictures. What fails is kept, and said at the end."""
    view = None
    try:
        view = figure.make(selection=report.selection, title="")
        for ending in PICTURES:
            view.savefig(folder / f"{figure.name}.{ending}", width_px=width_px)
    except Exception as error:  # whatever it is, the other figures are still worth having
        report.failures[figure.title] = error
        if view is not None:
            view.close()
        for ending in PICTURES:
            (folder / f"{figure.name}.{ending}").unlink(missing_ok=True)
    else:
        report.figures.append((figure, view))


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf8")


def _readme(report: Report) -> Iterator[str]:
    yield f"# {one_line(report.title)}"
    yield ""
    yield "Open `index.html` in any browser: it is live, and needs no kernel, no network and no other file."
    yield ""
    for figure, _ in report.figures:
        files = ", ".join(f"`figures/{figure.name}.{ending}`" for ending in PICTURES)
        yield f"- {_markdown(figure.title)}: {files}"
    for table in report.tables:
        yield f"- {table.title}: `tables/{table.name}.csv`"
    for name, error in report.failures.items():
        yield f"- **Not drawn**: {_markdown(name)}. {_markdown(_reason(error))}"


def _markdown(text: str) -> str:
    """Text that means nothing to Markdown, nor to HTML."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&])", r"\\\1", printable(text))


def _reason(error: Exception) -> str:
    return printable(f"{type(error).__name__}: {error}")


def _complain(report: Report, folder: Path) -> None:
    names = ", ".join(report.failures)
    first = next(iter(report.failures.values()))
    reasons = " ".join(f"{name}: {_reason(error)}" for name, error in report.failures.items())
    raise ReportError(
        f"the report in {folder} lacks what could not be drawn: {names}. {reasons} "
        "Everything else was written; the page names what is missing."
    ) from first
