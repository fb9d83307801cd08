"""What the reader chooses in the toolbar for all panels of a view: the one place where a setting is named.

Pictures, pages, groups and the toolbar read it. ``js/src/wire/settings.ts`` is its mirror on the page;
``tests/data/rules`` holds both together.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TypedDict, cast

from nsm_widgets._errors import UnknownOptionError
from nsm_widgets.view._color import COLOR_SCALES, ColorScale
from nsm_widgets.view._own_range import DOMAIN_CHOICES, DomainChoice
from nsm_widgets.view.colormaps._tables import as_colormap
from nsm_widgets.view.slots._fold import FOLD_CHOICES, FoldChoice


class SettingOptions(TypedDict, total=False):
    """Settings as keywords."""

    cmap: str
    scale: ColorScale
    domain: DomainChoice
    fold: FoldChoice


@dataclass(frozen=True, slots=True)
class Settings:
    """What the reader chose."""

    cmap: str = "auto"
    """A colour map for the panels of its kind; ``"auto"`` gives each its own."""
    scale: ColorScale = "linear"
    """How values are placed on the colour bar."""
    domain: DomainChoice = "shared"
    """What the ends of the colour bar stand for."""
    fold: FoldChoice = "unused"
    """Which indices of an axis are folded away: slots that nobody uses, where these are many, or none."""

    def check(self) -> None:
        """Refuse what is no choice.

        Raises:
            UnknownOptionError: If a value is none of its setting's.
        """
        for name, value in asdict(self).items():
            check_setting(name, value)

    @property
    def text(self) -> str:
        """What of it is said in a heading: where it is not the plain one."""
        said = (SAID.get(name, {}).get(value, "") for name, value in asdict(self).items())
        return " · ".join(filter(None, said))


SETTINGS = tuple(field.name for field in fields(Settings))

CHOICES: dict[str, tuple[str, ...]] = {"scale": COLOR_SCALES, "domain": DOMAIN_CHOICES, "fold": FOLD_CHOICES}
"""By the setting's name; of ``cmap``, the colour maps."""

SAID = {
    "scale": {scale: f"scale {scale}" for scale in COLOR_SCALES if scale != "linear"},
    "domain": {"per-head": "colours per head"},
}
"""What a heading says of a value, by the setting's name."""

OF_GROUP = ("cmap", "scale", "domain", "fold")
"""Settings that all parts of a group follow."""


def check_setting(name: str, value: str) -> None:
    """Refuse a value that is none of a setting's.

    Raises:
        UnknownOptionError: If it is none.
    """
    if name == "cmap":
        if value != "auto":
            as_colormap(value)
    elif value not in CHOICES[name]:
        raise UnknownOptionError(f"{name} must be one of {', '.join(CHOICES[name])}, got {value!r}.")


def settings_of(view: object) -> SettingOptions:
    """Those of a view, which has a trait for each."""
    return cast(SettingOptions, {name: getattr(view, name) for name in SETTINGS})
