"""From a plane of values to texels: reduced to what a screen shows, then coloured by a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.raster._pyramid import Pyramid as Pyramid
    from nsm_widgets.raster._raster import Raster as Raster, rasterize as rasterize
else:
    __getattr__, __dir__ = lazy_face(__name__)
