"""From a plane of values to texels: reduced to what a screen shows, then coloured by a table."""

from __future__ import annotations

from nsm_widgets.raster._pyramid import Pyramid
from nsm_widgets.raster._raster import Raster, rasterize

__all__ = ["Pyramid", "Raster", "rasterize"]
