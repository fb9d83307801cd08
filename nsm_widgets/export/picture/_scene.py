"""How a picture is drawn: what the reader chose, and what is worked out once for all panels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from nsm_widgets._axes import clamp
from nsm_widgets.raster import Raster, rasterize
from nsm_widgets.trace import Trace
from nsm_widgets.view import (
    ColorDomain,
    Panel,
    Theme,
    colormap_kind,
    own_domain,
    own_thresholds,
    ranks_of,
    shown_indices,
)
from nsm_widgets.view.panels import PaintedPanel
from nsm_widgets.view.settings import Settings


@dataclass(frozen=True, slots=True)
class Look:
    """What the ends of a picture's colour table stand for."""

    domain: ColorDomain
    thresholds: tuple[float, ...] = ()
    """For the rank scale."""
    own: bool = False
    """Whether they are those of this picture alone."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that all panels of a picture share."""

    trace: Trace
    indices: Mapping[str, int]
    settings: Settings
    theme: Theme
    texel_px: int = 1
    """Least size of what is painted in one colour."""
    density: float = 1
    """Texels that the picture can show along the side of a CSS pixel."""

    def cmap_of(self, panel: Panel) -> str:
        """The reader's colour map where it is of the panel's kind, else the panel's own."""
        kind = "diverging" if panel.domain.diverging else "sequential"
        cmap = self.settings.cmap
        return cmap if cmap != "auto" and colormap_kind(cmap) == kind else panel.cmap

    def thresholds_of(self, panel: Panel) -> tuple[float, ...]:
        """For the rank scale, of all of the panel's array; sorted once for each array."""
        if self.settings.scale != "rank":
            return ()
        return ranks_of(self.trace[panel.array], magnitudes=panel.domain.diverging)

    def folded(self, panel: Panel) -> dict[str, list[int]]:
        """By axis of a panel, the indices that are shown where others are folded away."""
        if self.settings.fold == "none":
            return {}
        sizes = self.trace[panel.array].sizes
        at = clamp({**self.indices, **panel.fixed}, sizes)
        shown = {dim: shown_indices(panel, dim, sizes[dim], at[dim]) for dim in {panel.y, panel.x}}
        return {dim: indices for dim, indices in shown.items() if indices is not None}

    def fold_text(self, panel: Panel) -> str:
        """What is said of the indices that a panel does not show: ``90 unused slots hidden``."""
        sizes = self.trace[panel.array].sizes
        return " · ".join(
            f"{sizes[dim] - len(shown):,} unused {dim}s hidden" for dim, shown in self.folded(panel).items()
        )

    def plane(self, panel: Panel, at: Mapping[str, int]) -> Shaped[np.ndarray, "row column"]:
        """The panel's values at these indices, as it draws them: its ``y`` down, its ``x`` across."""
        return self._plane(panel, at, self.folded(panel))

    def _plane(
        self, panel: Panel, at: Mapping[str, int], shown: Mapping[str, list[int]]
    ) -> Shaped[np.ndarray, "row column"]:
        array = self.trace[panel.array]
        values = array.values[tuple(slice(None) if d in (panel.x, panel.y) else at[d] for d in array.dims)]
        turned = array.dims.index(panel.x) < array.dims.index(panel.y)
        plane: Shaped[np.ndarray, "row column"] = values.T if turned else values
        return plane[shown.get(panel.y, slice(None))][:, shown.get(panel.x, slice(None))] if shown else plane

    def look_of(self, panel: Panel, at: Mapping[str, int]) -> Look:
        """The panel's own domain, or that of its plane at these indices where the reader chose so.

        Rows that are each divided by their own largest have a range of their own already.
        """
        own = isinstance(panel, PaintedPanel) and panel.own_ranges
        if self.settings.domain == "shared" or not own or self.settings.scale == "row-max":
            return Look(panel.domain, self.thresholds_of(panel))
        plane = self.plane(panel, at)
        signed = panel.domain.diverging
        ranks = own_thresholds(plane, magnitudes=signed) if self.settings.scale == "rank" else ()
        return Look(own_domain(plane, panel.domain), ranks, own=True)

    def rasterize(
        self, panel: Panel, at: Mapping[str, int], width: int, height: int, look: Look | None = None
    ) -> Raster:
        """The panel's plane at these indices, for a drawn area of this size."""
        per_px = self.density / self.texel_px
        room = {panel.y: int(height * per_px), panel.x: int(width * per_px)}
        return self._coded(panel, at, room, look or self.look_of(panel, at))

    def every_cell(self, panel: Panel, at: Mapping[str, int]) -> Raster:
        """The same with a texel for each cell, whatever the room."""
        return self._coded(panel, at, self.trace[panel.array].sizes, self.look_of(panel, at))

    def _coded(self, panel: Panel, at: Mapping[str, int], room: Mapping[str, int], look: Look) -> Raster:
        """A raster of at most so many texels along each axis that is drawn."""
        shown = self.folded(panel)
        turned = (
            self.trace[panel.array].dims[-1] == panel.y
        )  # rows run along the last axis: what row-max divides
        rows, across = (panel.x, panel.y) if turned else (panel.y, panel.x)
        plane = self._plane(panel, at, shown)
        whole = self._plane(panel, at, {dim: shown[dim] for dim in shown if dim == rows})
        raster = rasterize(
            plane.T if turned else plane,
            look.domain,
            self.settings.scale,
            thresholds=look.thresholds,
            whole_rows=whole.T if turned else whole,
            may_clip=not look.own and panel.below + panel.above > 0,
            max_rows=room[rows],
            max_columns=room[across],
        )
        return raster.transposed() if turned else raster
