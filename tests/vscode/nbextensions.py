"""VS Code's rule for finding a widget's script in a kernel's environment, written again in Python.

Its Jupyter extension does not run ``extension.js``: it reads the text, finds the call that configures
require.js, and takes the entries of the third brace, ``{map: {"*": {module: "nbextensions/module/index"}}}``,
as paths from ``share/jupyter``. What it bundles itself it never looks up.
"""

from __future__ import annotations

import re
from pathlib import Path

CALLS = (
    "require.config({",
    "requirejs?.config({",
    "requirejs.config({",
    '["require"].config({',
    "['require'].config({",
    '["requirejs"].config({',
    "['requirejs'].config({",
)
BUNDLED = frozenset(
    {"jupyter-js-widgets", "@jupyter-widgets/base", "@jupyter-widgets/controls", "@jupyter-widgets/output"}
)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
ENTRY = re.compile(r"""["']?([^"':,\s]+)["']?\s*:\s*["']([^"']+)["']""")


def module_scripts(share: Path) -> dict[str, Path]:
    """The script of every widget module that lies in ``share/jupyter/nbextensions``.

    Raises:
        FileNotFoundError: If a module is mapped to a script that is not there.
    """
    scripts = {}
    for extension in sorted(share.glob("nbextensions/*/extension.js")):
        for module, place in _mapped(extension.read_text(encoding="utf-8")).items():
            script = share / f"{place}.js"
            if module in BUNDLED:
                continue
            if not script.is_file():
                raise FileNotFoundError(f"{extension} maps {module} to {script}, which is no file.")
            scripts[module] = script
    return scripts


def _mapped(source: str) -> dict[str, str]:
    starts = [source.index(call) for call in CALLS if call in source]
    if not starts:
        return {}
    config = source[min(starts) :]
    braces = COMMENT.sub("", config[: config.index(")")]).split("{")
    return dict(ENTRY.findall(braces[3].split("}")[0])) if len(braces) > 3 else {}
