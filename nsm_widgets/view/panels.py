"""The kinds of panels: one picture on screen, described, which array, which two axes. Pure data, no drawing.

A panel is one of :data:`Panel`, a class for each kind, which says all that is asked of any. How each kind is
drawn into files says ``nsm_widgets/export/picture/_picture.py``; on the page, ``js/src/view/panels.ts``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import ClassVar, Literal, NamedTuple, Self, get_args

from nsm_widgets._axes import MARKED
from nsm_widgets.view._color import ColorDomain
from nsm_widgets.view.colormaps._tables import colormap_for_page


class ScalarReadout(NamedTuple):
    """A number shown in a panel's heading: ``array`` at the selection, behind its symbol."""

    symbol: str
    array: str
    description: str


@dataclass(frozen=True, slots=True)
class BarsOf:
    """What belongs to a panel of bars, besides its values."""

    note: str = ""
    """What the values mean, printed under the heading."""
    sort: str = "slot"
    """The order of the bars: the axis' own name, ``"score"``, or one of ``orders``."""
    orders: Mapping[str, str] = field(default_factory=dict)
    """Further orders: what each is called, and the array it ascends by; its value stands beside a bar's."""
    flags: str | None = None
    """An array of codes, an index into ``kinds`` for each bar."""
    kinds: tuple[str, ...] = ()
    """What is said of the bars of each code, behind their number."""

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays that are read beside the panel's own."""
        return (*self.orders.values(), *filter(None, [self.flags]))


class Note(NamedTuple):
    """A sentence about the indices along ``y`` whose value is ``code``, which are counted and named.

    ``2 of 12 {text}: the, of``. Without a code it is the text alone. An index whose value is negative
    stands for nothing, as padding does: it is not among the 12, unless the note is about it.
    """

    text: str
    code: int | None = None
    always: bool = False
    """Whether it is also said where there is no such index."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table, and where choosing it goes."""

    cells: tuple[str, ...]
    go: Mapping[str, int]
    """Indices by axis; without its time, what the row is about."""


@dataclass(frozen=True, slots=True)
class TableOf:
    """What belongs to a panel that is a table, the same at every selection."""

    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    note: str = ""
    """What is said below."""


_FIRST: dict[str, object] = {
    **dict.fromkeys(("id", "kind", "array", "y", "x", "title", "domain", "diverging", "cmap", "fixed")),
    "rows": None,
    "columns": None,
    "aspect": "fill",
    "height_px": 0,
    "grow": 0,
    "min_width_px": 0,
    "scalars": [],
    "below": 0,
    "above": 0,
    "picked": [],
    "bars": None,
    "annotate": False,
    "largest_sum": 0.0,
    "own_ranges": False,
    "unknown": "",
    "flags": "",
    "notes": [],
    "table": None,
    "shown_in": "",
}
"""The fields of the kinds that were first, in their order on the wire; what each is where a kind has none."""


def _as_json(value: object) -> object:
    """What a field holds, for the wire."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return [_as_json(each) for each in value]
    if is_dataclass(value):
        return {each.name: _as_json(getattr(value, each.name)) for each in fields(value)}
    return value


@dataclass(frozen=True, slots=True)
class PanelBase:
    """What every panel is told, and how it answers unless its kind says otherwise.

    Axes that are neither drawn nor in ``fixed`` follow the selection.
    """

    id: str
    array: str
    y: str
    x: str
    title: str
    domain: ColorDomain
    cmap: str
    fixed: Mapping[str, int] = field(default_factory=dict)
    height_px: int = 230
    """Height of the drawn area, without axes, in CSS pixels; for square cells the most it may be."""
    grow: float = 1.0
    """Share of a row's spare width that this panel takes."""
    min_width_px: int = 250
    below: int = 0
    above: int = 0
    beneath: bool = False
    """Whether it stands below the panel before it, in one column; else beside it."""
    shown_in: str = ""
    """Of a view that shows one of several things: with which of them; always where empty."""

    kind: ClassVar[str]
    colored: ClassVar[bool] = False
    """Whether values are drawn in the colours of their cells."""
    valued: ClassVar[bool] = True
    """Whether it is drawn of the values of its array."""

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes that are drawn, the one across last."""
        return self.y, self.x

    @property
    def picked_rows(self) -> tuple[int, ...]:
        """The indices of ``y`` that are drawn; all where none is named."""
        return ()

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays that are drawn or read."""
        return (self.array,)

    @property
    def follows(self) -> bool:
        """Whether anything of its array at the selection is shown."""
        return True

    def marks(self, dim: str) -> bool:
        """Whether the selected index of an axis that is drawn is marked."""
        return dim in MARKED

    def merged(self, other: PanelBase) -> Self:
        """The same with colours that hold the values of both."""
        return replace(
            self,
            domain=self.domain.merged(other.domain),
            below=self.below + other.below,
            above=self.above + other.above,
        )

    def renamed(self, names: Mapping[str, str]) -> Self:
        """The same panel of arrays that go by other names, and it by another id where its own does."""
        name = names.get(self.array, self.array)
        if name == self.array:
            return self
        apart = name.removeprefix(self.array) if name.startswith(self.array) else f" of {name}"
        return replace(self, array=name, id=self.id + apart)

    def to_json(self) -> dict[str, object]:
        """The same, for the wire, on which every panel also has the fields of the kinds that were first."""
        told = {each.name: _as_json(getattr(self, each.name)) for each in fields(self)}
        ends = [self.domain.low, self.domain.high]
        cmap = colormap_for_page(self.cmap)
        return {
            **_FIRST,
            **told,
            "kind": self.kind,
            "cmap": cmap,
            "domain": ends,
            "diverging": self.domain.diverging,
        }


Runs = tuple[tuple[int, int], ...]
"""Runs of indices, ascending, each with its first and its last."""


def common_runs(some: Runs, others: Runs) -> Runs:
    """The indices of both.

    >>> common_runs(((0, 3), (6, 9)), ((2, 7),))
    ((2, 3), (6, 7))
    """
    pairs = ((max(a, c), min(b, d)) for a, b in some for c, d in others)
    return tuple((first, last) for first, last in pairs if first <= last)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintedPanel(PanelBase):
    """What panels are told whose values are cells in colours."""

    aspect: Literal["fill", "equal"] = "fill"
    own_ranges: bool = False
    """Whether the reader may have each picture span the colour bar by itself; see ``View.domain``."""

    colored = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatmapPanel(PaintedPanel):
    """A matrix of cells."""

    scalars: tuple[ScalarReadout, ...] = ()
    annotate: bool = False
    """Whether values are printed in the cells, where these are large enough."""
    unknown: str = ""
    """What is said over a picture in which every value is NaN."""
    flags: str = ""
    """An array along ``y`` (its other axes follow the selection): rows where it is above 0 are marked."""
    unused: Mapping[str, Runs] = field(default_factory=dict)
    """By axis, runs of indices that nobody uses: they can be folded away."""

    kind = "heatmap"

    def merged(self, other: PanelBase) -> Self:
        """And without those that the other one uses: a fold opens, and never closes."""
        theirs = other.unused if isinstance(other, HeatmapPanel) else {}
        both = {dim: common_runs(runs, theirs.get(dim, ())) for dim, runs in self.unused.items()}
        unused = {dim: runs for dim, runs in both.items() if runs}
        return replace(PanelBase.merged(self, other), unused=unused)

    @property
    def arrays(self) -> tuple[str, ...]:
        """Also those of the numbers in the heading, and of the marks."""
        return (self.array, *(scalar.array for scalar in self.scalars), *filter(None, [self.flags]))

    def renamed(self, names: Mapping[str, str]) -> Self:
        """Also those of the numbers in the heading, and of the marks."""
        scalars = tuple(each._replace(array=names.get(each.array, each.array)) for each in self.scalars)
        flags = names.get(self.flags, self.flags)
        return replace(PanelBase.renamed(self, names), scalars=scalars, flags=flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThumbnailsPanel(PaintedPanel):
    """A grid of small heatmaps, one for each index of two further axes."""

    rows: str | None = None
    """The axis that runs down the grid."""
    columns: str | None = None
    """The axis that runs across the grid."""

    kind = "thumbnails"

    @property
    def axes(self) -> tuple[str, ...]:
        """Those of the grid, too."""
        return *filter(None, (self.rows, self.columns)), self.y, self.x


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesPanel(PanelBase):
    """Lines: ``x`` runs across, and there is one for each index of ``y``; one where ``y`` is ``x``."""

    picked: tuple[int, ...] = ()
    """The indices of ``y`` that are drawn; all where none is named."""

    kind = "lines"

    @property
    def picked_rows(self) -> tuple[int, ...]:
        """As told."""
        return self.picked

    def marks(self, dim: str) -> bool:
        """Of the axis across alone."""
        return dim == self.x


@dataclass(frozen=True, slots=True, kw_only=True)
class BarsPanel(PanelBase):
    """Bars along one axis, which is both ``y`` and ``x``."""

    bars: BarsOf

    kind = "bars"

    @property
    def arrays(self) -> tuple[str, ...]:
        """Also those of the orders and codes."""
        return self.array, *self.bars.arrays

    def renamed(self, names: Mapping[str, str]) -> Self:
        """Also those of the orders and codes."""
        orders = {name: names.get(array, array) for name, array in self.bars.orders.items()}
        flags = self.bars.flags and names.get(self.bars.flags, self.bars.flags)
        bars = replace(self.bars, orders=orders, flags=flags)
        return replace(PanelBase.renamed(self, names), bars=bars)

    def marks(self, dim: str) -> bool:
        """Of the axis across alone."""
        return dim == self.x


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPanel(PanelBase):
    """A graph: each index of ``y``, as long as ``x``, is a node, each cell an edge from ``x`` to ``y``."""

    largest_sum: float
    """The sum of a column's magnitudes that the largest node stands for, at all times."""

    kind = "graph"
    colored = True

    def merged(self, other: PanelBase) -> Self:
        """And with the larger of both largest nodes."""
        largest = other.largest_sum if isinstance(other, GraphPanel) else 0.0
        return replace(PanelBase.merged(self, other), largest_sum=max(self.largest_sum, largest))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotesPanel(PanelBase):
    """Sentences; ``y`` and ``x`` are the axis whose indices they name."""

    notes: tuple[Note, ...]

    kind = "notes"

    @property
    def follows(self) -> bool:
        """Not where they count nothing."""
        return any(note.code is not None for note in self.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePanel(PanelBase):
    """A table, which draws nothing of its array."""

    table: TableOf

    kind = "table"
    valued = False

    @property
    def follows(self) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksPanel(PanelBase):
    """The strongest links of the selected index of ``y``, which attends to ``x``, and of that of ``x``."""

    kind = "links"
    colored = True
    """What colours tell is enough: where a page carries nothing else, weights are as near as these."""
    valued = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensPanel(PaintedPanel):
    """A text, each token of it in the colour of its value; ``y`` and ``x`` are the axis of the tokens."""

    texts: tuple[tuple[str, ...], ...]
    """What stands for each token, with the blank before it; for each item of the batch, where they differ."""

    kind = "tokens"

    def marks(self, dim: str) -> bool:
        """Of its tokens."""
        return dim == self.x


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePanel(PaintedPanel):
    """The weights of the selected index of ``y`` over an image; patches are the last ones along ``x``."""

    patch_rows: int
    patch_columns: int
    before: int
    """So many indices of ``x`` are no patches, as a class token."""
    image: str
    """A data URL."""

    kind = "image"
    valued = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarsPanel(PanelBase):
    """One line over the iterations for which a number was logged, which are ``y`` and ``x`` alike."""

    kind = "scalars"

    @property
    def follows(self) -> bool:
        """Not this array: it is marked at the iteration that others select."""
        return False


Panel = (
    HeatmapPanel
    | ThumbnailsPanel
    | LinesPanel
    | BarsPanel
    | GraphPanel
    | NotesPanel
    | TablePanel
    | LinksPanel
    | TokensPanel
    | ImagePanel
    | ScalarsPanel
)
"""A panel, by its kind."""

PANELS: dict[str, type[PanelBase]] = {kind.kind: kind for kind in get_args(Panel)}
"""The class of each kind, by its name on the wire."""

Layout = tuple[tuple[Panel, ...], ...]
"""Rows of panels, top to bottom, left to right. A row wraps where the page is too narrow."""
