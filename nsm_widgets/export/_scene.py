"""How a picture is drawn: what the reader chose, and what is worked out once for all panels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Shaped

from nsm_widgets.export._raster import Raster, rasterize
from nsm_widgets.trace import Trace
from nsm_widgets.view import (
    ColorDomain,
    ColorScale,
    DomainChoice,
    Panel,
    Theme,
    colormap_kind,
    own_domain,
    own_thresholds,
    rank_thresholds,
)


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
    cmap: str
    scale: ColorScale
    theme: Theme
    domain: DomainChoice = "shared"
    texel_px: int = 1
    """Least size of what is painted in one colour."""
    density: float = 1
    """Texels that the picture can show along the side of a CSS pixel."""
    _thresholds: dict[tuple[str, bool], tuple[float, ...]] = field(default_factory=dict)

    def cmap_of(self, panel: Panel) -> str:
        """The reader's colour map where it is of the panel's kind, else the panel's own."""
        kind = "diverging" if panel.domain.diverging else "sequential"
        return self.cmap if self.cmap != "auto" and colormap_kind(self.cmap) == kind else panel.cmap

    def thresholds_of(self, panel: Panel) -> tuple[float, ...]:
        """For the rank scale, of all of the panel's array; sorted once for each array."""
        if self.scale != "rank":
            return ()
        key = (panel.array, panel.domain.diverging)
        if key not in self._thresholds:
            values = self.trace[panel.array].values
            self._thresholds[key] = rank_thresholds(values, magnitudes=panel.domain.diverging)
        return self._thresholds[key]

    def look_of(self, panel: Panel, at: Mapping[str, int]) -> Look:
        """The panel's own domain, or that of its plane at these indices where the reader chose so.

        Rows that are each divided by their own largest have a range of their own already.
        """
        if self.domain == "shared" or not panel.own_ranges or self.scale == "row-max":
            return Look(panel.domain, self.thresholds_of(panel))
        plane = self._plane(panel, at)
        first = next(dim for dim in self.trace[panel.array].dims if dim in (panel.x, panel.y))
        plane = plane if first == panel.y else plane.T
        signed = panel.domain.diverging
        ranks = own_thresholds(plane, magnitudes=signed) if self.scale == "rank" else ()
        return Look(own_domain(plane, panel.domain), ranks, own=True)

    def _plane(self, panel: Panel, at: Mapping[str, int]) -> Shaped[np.ndarray, "first last"]:
        array = self.trace[panel.array]
        plane: Shaped[np.ndarray, "first last"] = array.values[
            tuple(slice(None) if d in (panel.x, panel.y) else at[d] for d in array.dims)
        ]
        return plane

    def rasterize(
        self, panel: Panel, at: Mapping[str, int], width: int, height: int, look: Look | None = None
    ) -> Raster:
        """The panel's plane at these indices, for a drawn area of this size."""
        array = self.trace[panel.array]
        plane = self._plane(panel, at)
        look = look or self.look_of(panel, at)
        first, last = (d for d in array.dims if d in (panel.x, panel.y))
        rows, across = (first, last) if array.dims[-1] == panel.y else (panel.y, panel.x)
        per_px = self.density / self.texel_px
        room = {panel.y: int(height * per_px), panel.x: int(width * per_px)}
        raster = rasterize(
            plane if (first, last) == (rows, across) else plane.T,
            look.domain,
            self.scale,
            thresholds=look.thresholds,
            may_clip=not look.own and panel.below + panel.above > 0,
            max_rows=room[rows],
            max_columns=room[across],
        )
        return raster if rows == panel.y else raster.transposed()
