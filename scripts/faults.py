"""Thirty small faults, five in each of six rooms, that tests should notice: see ``try_faults.py``.

Each is a piece of code that stands once in the sources, in whatever file, what it becomes, and the names
of the test files that should notice it, in whatever folder. A test holds the list to the sources: code that
reads otherwise one day is given anew.
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One small fault."""

    room: str
    what: str
    """What goes wrong, in a line."""
    code: str
    """As it reads; stands once in the sources."""
    faulty: str
    """What it becomes."""
    tests: tuple[str, ...]
    """Names of test files, in Python or in TypeScript."""


FAULTS = (
    # --- raster: values to colours ---
    Fault(
        "raster",
        "a value is coded by the step below, not by the nearest",
        "/ width) * 255 + 0.5) | 0",
        "/ width) * 255) | 0",
        ("color.test.ts", "raster.test.ts"),
    ),
    Fault(
        "raster",
        "the strongest cell is lost where it lies in the last line of a texel",
        "for (; line < to; line += 1) strongestOfTwo(",
        "for (; line + 1 < to; line += 1) strongestOfTwo(",
        ("raster.test.ts",),
    ),
    Fault(
        "raster",
        "an infinity sets the range of a picture that has its own",
        " && value !== Number.POSITIVE_INFINITY) high = value;",
        ") high = value;",
        ("own.test.ts",),
    ),
    Fault(
        "raster",
        "colours of a table are off by one in places",
        "(position - left) + 0.5);",
        "(position - left));",
        ("test_export.py",),
    ),
    Fault(
        "raster",
        "the mark of a NaN is a shade off",
        "word(204, 51, 153)",
        "word(204, 51, 152)",
        ("test_views.py",),
    ),
    # --- panels: what is drawn and said in the page ---
    Fault(
        "panels",
        "a heatmap keeps the colours of the theme that it was first painted in",
        "scale, theme, look.of",
        "scale, look.of",
        ("heatmap.test.ts", "test_masks.py"),
    ),
    Fault(
        "panels",
        "a slider does not repaint the graph",
        "[place, this.#width, devicePixelRatio, cmap, scale, theme(),",
        "[this.#width, devicePixelRatio, cmap, scale, theme(),",
        ("test_communication.py",),
    ),
    Fault(
        "panels",
        "the cursor of a chart stays where it was drawn first",
        "if (index === this.#drawnAt) return;",
        "if (this.#drawnAt >= 0) return;",
        ("test_charts.py",),
    ),
    Fault(
        "panels",
        "labels along a chart are those of the next place",
        'isolated(cut[i] ?? "")',
        'isolated(cut[i + 1] ?? "")',
        ("test_seed_charts.py",),
    ),
    Fault(
        "panels",
        "padding is counted and not hatched",
        "counting.map((some, i) => Math.max(1 - some, wrong[i] as number))",
        "counting.map(() => 0)",
        ("test_masks.py",),
    ),
    # --- wire: selections, acknowledgements, arrays that the kernel holds ---
    Fault(
        "wire",
        "an acknowledgement is lost: the next change waits until it is given up",
        "if (newest) this.#next();",
        "",
        ("sync.test.ts",),
    ),
    Fault(
        "wire",
        "the answer to an older message takes a newer value back",
        "{ ...theirs, ...ours };",
        "{ ...theirs };",
        ("sync.test.ts",),
    ),
    Fault(
        "wire",
        "labels are those of the first item of the batch, whatever the slider says",
        "Array.isArray(labels[0]) ? batch : index",
        "Array.isArray(labels[0]) ? 0 : index",
        ("test_masks.py",),
    ),
    Fault(
        "wire",
        "what Python selects is drawn when something else moves",
        "if (names.some((name) => before[name] !== this.#values[name])) this.#changed();",
        "",
        ("test_charts.py",),
    ),
    Fault(
        "wire",
        "VS Code's change of theme is not noticed",
        '["class", "data-jp-theme-light", "data-vscode-theme-kind"]',
        '["data-jp-theme-light"]',
        ("test_bundle.py",),
    ),
    # --- widgets: traits, messages, live views, in Python ---
    Fault(
        "widgets",
        "a message from the page is acknowledged as another one",
        '"seq": content.get("seq")}',
        '"seq": 0}',
        ("test_widgets_selection.py",),
    ),
    Fault(
        "widgets",
        "the bits of a mask are sent in the other order",
        "np.packbits(mask.values)",
        'np.packbits(mask.values, bitorder="little")',
        ("test_masks.py",),
    ),
    Fault(
        "widgets",
        "arrays travel with the state in VS Code, as binary, which is slow there",
        "return {} if in_vscode() else dict(arrays)",
        "return dict(arrays)",
        ("test_bundle.py",),
    ),
    Fault(
        "widgets",
        "the page lets nothing go that the recorder has dropped",
        '"remove": gone,',
        '"remove": [],',
        ("test_widgets_live.py",),
    ),
    Fault(
        "widgets",
        "what the page chooses to show of two traces is not taken",
        '_page_writable = View._page_writable | {"show"}',
        "_page_writable = View._page_writable",
        ("test_comparison.py",),
    ),
    # --- export: pages and pictures ---
    Fault(
        "export",
        "a page drops the links between its widgets",
        'frozenset({"LinkModel", "DirectionalLinkModel"})',
        'frozenset({"DirectionalLinkModel"})',
        ("test_export.py",),
    ),
    Fault(
        "export",
        "the title of a page is markup",
        "shown_title = html.escape(one_line(title))",
        "shown_title = one_line(title)",
        ("test_export.py",),
    ),
    Fault(
        "export",
        "a picture drops the mask",
        "out, wrong = codes != 0,",
        "out, wrong = codes < 0,",
        ("test_export_hatch.py",),
    ),
    Fault(
        "export",
        "a spreadsheet takes a label for a formula",
        '_FORMULA = tuple("=+-@',
        '_FORMULA = tuple("=+-',
        ("test_export_table.py",),
    ),
    Fault(
        "export",
        "a display page codes its clipped values as inside",
        "domain.high + 2 * domain.slack, domain.low - 2 * domain.slack]",
        "domain.high, domain.low]",
        ("test_export_chunks.py",),
    ),
    # --- trace: recording, masks, stores, statistics ---
    Fault(
        "trace",
        "the marker of a store is written before the data",
        "self._write_segment(block, commit.steps, end)\n",
        "write_commit(self._folder, replace(commit, steps=end, tail=(*commit.tail, (commit.steps, end))))\n"
        "                self._write_segment(block, commit.steps, end)\n",
        ("test_zarr_kill.py",),
    ),
    Fault(
        "trace",
        "last(k) keeps one more",
        "len(self.iterations) == self._choice.newest:",
        "len(self.iterations) - 1 == self._choice.newest:",
        ("test_trace_iterations.py",),
    ),
    Fault(
        "trace",
        "one iteration of several begins a step late",
        'begin = sum(told["steps"][:place])',
        'begin = sum(told["steps"][:place]) + bool(place)',
        ("test_trace_iterations.py",),
    ),
    Fault(
        "trace",
        "a place counts where any of its masks says so, not all",
        "counts = counts & values.reshape(",
        "counts = counts | values.reshape(",
        ("test_trace_mask.py",),
    ),
    Fault(
        "trace",
        "entropy is in bits, not in nats",
        "logs = np.log(weights,",
        "logs = np.log2(weights,",
        ("test_stats_weightings.py",),
    ),
)
