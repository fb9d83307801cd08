"""What is measured, how often, and within which limits."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.tools import TOOLS


@dataclass(frozen=True, slots=True)
class Size:
    """The shape of the data: ``steps`` pictures of ``rows`` x ``columns`` float32."""

    rows: int
    columns: int
    steps: int

    @property
    def name(self) -> str:
        """Such as ``128×20``."""
        return f"{self.rows}×{self.columns}"

    @property
    def megabytes(self) -> float:
        """Of the whole array, in 10**6 bytes."""
        return self.rows * self.columns * self.steps * 4 / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Limits are in seconds."""

    sizes: tuple[Size, ...]
    tools: tuple[str, ...]
    moves: int
    """Slider steps behind a median."""
    scrub_s: float
    """How long the slider is pulled to and fro."""
    first_limit_s: float
    """A tool without a picture by then is given up."""
    step_limit_s: float
    """A tool whose step takes longer is given up."""
    size_limit_s: float
    """No more slider steps of a tool at a size after this; what was measured by then counts."""
    repeats: int
    """Runs behind a median outside the browser."""
    export_repeats: int
    """The same of exported pages, of which treescope's takes seven seconds to show."""
    costs: bool
    """Whether to measure what grows with the data."""
    playing_s: float


FULL = Plan(
    sizes=(Size(128, 20, 100), Size(256, 256, 100), Size(1024, 1024, 100), Size(4096, 4096, 8)),
    tools=tuple(TOOLS),
    moves=40,
    scrub_s=2.5,
    first_limit_s=40,
    step_limit_s=20,
    size_limit_s=8,
    repeats=7,
    export_repeats=3,
    costs=True,
    playing_s=4,
)

QUICK = replace(
    FULL,
    sizes=(Size(128, 20, 100), Size(1024, 1024, 100)),
    tools=("ours", "interact", "ipympl"),
    moves=20,
    scrub_s=1.5,
    first_limit_s=15,
    size_limit_s=4,
    repeats=3,
    export_repeats=1,
    costs=False,
    playing_s=2,
)
