"""The command ``nsm-widgets``."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from nsm_widgets._errors import ExportWarning, NsmWidgetsError

NOT_ALL = 3
"""Exit status of an export whose page lacks something, or shows a view as a picture only."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0, 1 where something went wrong, 2 for wrong arguments, 3 where a page was written
        that lacks something.
    """
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always", ExportWarning)
            written = _export(options)
    except (NsmWidgetsError, OSError, ValueError) as error:
        print(f"nsm-widgets: {error}", file=sys.stderr)
        return 1
    lines = [str(each.message) for each in warned]
    for line in lines:
        print(f"nsm-widgets: {line}", file=sys.stderr)
    print(f"{written}  {written.stat().st_size / 1e6:.1f} MB")
    return NOT_ALL if lines else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nsm-widgets", description="See inside a memory-augmented neural network."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser(
        "export",
        help="write a notebook as one HTML page with live widgets",
        description="Write a notebook as one HTML page whose widgets stay alive: no kernel, no network.",
        epilog="Exit status: 0; 1 where no page was written; 2 for wrong arguments; 3 where the page lacks "
        "something, or shows a view as a picture only.",
    )
    export.add_argument(
        "notebook", type=Path, help="the notebook, executed and saved with its widgets' state"
    )
    export.add_argument("-o", "--output", type=Path, help="file to write (default: beside the notebook)")
    export.add_argument(
        "--execute", action="store_true", help="run all cells first; the notebook stays as it is"
    )
    export.add_argument("--title", default="", help="title of the page (default: the notebook's)")
    export.add_argument(
        "--precision",
        default="exact",
        choices=("exact", "float16", "display"),
        help="how values are kept: exact; float16: half the size; display: colours only (default: exact)",
    )
    export.add_argument(
        "--max-bytes", type=float, default=100e6, help="what the arrays may take in the page (default: 100e6)"
    )
    export.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="also run this package's widgets, as installed here (repeatable; always: ipywidgets, bqplot)",
    )
    export.add_argument(
        "--theme", default="auto", choices=("auto", "light", "dark"), help="auto follows the reader's system"
    )
    return parser


def _export(options: argparse.Namespace) -> Path:
    from nsm_widgets.export import notebook_to_html

    return notebook_to_html(
        options.notebook,
        options.output,
        execute=options.execute,
        title=options.title,
        precision=options.precision,
        max_bytes=options.max_bytes,
        theme=options.theme,
        trust=options.trust,
        progress=_show_progress if sys.stderr.isatty() else None,
    )


def _show_progress(done: int, total: int) -> None:
    print(f"\rran {done} of {total} cells", end="\n" if done == total else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
