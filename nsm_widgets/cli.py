"""The command ``nsm-widgets``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from nsm_widgets._errors import NsmWidgetsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0, 1 where something went wrong, 2 for wrong arguments.
    """
    options = _parser().parse_args(arguments)
    try:
        written = _export(options)
    except (NsmWidgetsError, OSError, ValueError) as error:
        print(f"nsm-widgets: {error}", file=sys.stderr)
        return 1
    print(f"{written}  {written.stat().st_size / 1e6:.1f} MB")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nsm-widgets", description="See inside a memory-augmented neural network."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser(
        "export",
        help="write a notebook as one HTML page with live widgets",
        description="Write a notebook as one HTML page whose widgets stay alive: no kernel, no network.",
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
        progress=_show_progress if sys.stderr.isatty() else None,
    )


def _show_progress(done: int, total: int) -> None:
    print(f"\rran {done} of {total} cells", end="\n" if done == total else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
