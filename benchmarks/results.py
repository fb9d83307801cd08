"""What came out of a run: plain records, written as JSON and read back."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(kw_only=True)
class ToolResult:
    """One tool at one size. Times in ms, sizes in bytes; None is what could not be measured."""

    tool: str
    size: str
    outcome: str = ""
    """Empty when all went well, else why it did not: ``over 20 s a step``, ``refused: ...``."""
    first_paint: float | None = None
    """From the end of the cell, when the page has its reply, to the picture; 0 where it is there by then."""
    after_kernel: float | None = None
    """From the end of the cell in the kernel, by the kernel's clock, to the picture."""
    cell_to_picture: float | None = None
    """From running the cell to the picture."""
    first_bytes: int | None = None
    """Received from running the cell to the picture."""
    largest_message: int | None = None
    """The most bytes that the kernel had to send at once, up to the picture."""
    total_bytes: int | None = None
    """Received from running the cell to the end of the scrubbing."""
    steps: list[float] = field(default_factory=list)
    """From each trusted mouse event to the frame that shows its step."""
    scrub_fps: float | None = None
    """New steps on screen per second while the slider is pulled by sixty a second."""
    catch_up: float | None = None
    """From the last mouse event of the scrubbing to the frame that shows its step."""
    heap: int | None = None
    """JavaScript heap after collection, less what it was before the cell."""
    buffers: int | None = None
    """Memory of ArrayBuffers, likewise."""
    on_screen: bool | None = None
    """Whether a screenshot shows the step that was read from the picture; None where it was out of sight."""

    @property
    def median(self) -> float | None:
        """Of the steps."""
        return statistics.median(self.steps) if self.steps else None

    @property
    def p95(self) -> float | None:
        """Of the steps."""
        return percentile(self.steps, 0.95) if self.steps else None


@dataclass(kw_only=True)
class PlayingResult:
    """Linked heatmaps of ours, playing."""

    views: int
    size: str
    asked_fps: float
    steps_fps: float
    """New steps on screen per second."""
    frames_fps: float
    """Frames of the page per second."""
    skipped: int
    """Steps that never came on screen."""
    shown: int
    apart: int
    """Frames in which two heatmaps showed different steps."""


@dataclass(kw_only=True)
class Ratio:
    """Something of ours beside something else, taken in turns: medians."""

    group: str
    what: str
    ours: float
    peer_name: str
    peer: float
    unit: str = "ms"

    @property
    def ratio(self) -> float:
        """Below one, ours is the smaller."""
        return self.ours / self.peer


@dataclass(kw_only=True)
class CostPoint:
    """What one shape costs ours."""

    axis: str
    """What grows: ``steps``, ``heads`` or ``side``."""
    value: int
    megabytes: float
    """Of the array."""
    make: float | None = None
    """The cell in the kernel, in ms: making the view and answering."""
    first_paint: float | None = None
    step: float | None = None
    """Median from slider to frame, in ms."""
    received: int | None = None
    memory: int | None = None
    """The page's heap and ArrayBuffers, in bytes."""
    outcome: str = ""


@dataclass(kw_only=True)
class Limits:
    """What bounds the costs on the machine of the run."""

    screen_texels: int
    """Device pixels of one heatmap: no more texels are worth painting."""
    copy_mb_s: float
    """Memory bandwidth seen by a large copy."""
    websocket_mb_s: float
    """From the kernel to the page, in binary."""
    notebook_heap: int = 0
    """The page's heap before any cell, in bytes."""


@dataclass(kw_only=True)
class Results:
    """All of a run."""

    machine: dict[str, Any]
    tools: list[ToolResult] = field(default_factory=list)
    playing: list[PlayingResult] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    costs: list[CostPoint] = field(default_factory=list)
    limits: Limits | None = None

    def save(self, path: Path) -> None:
        """As JSON, floats to a tenth."""
        path.write_text(json.dumps(_rounded(asdict(self)), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Results:
        """What ``save`` has written."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            machine=raw["machine"],
            tools=[ToolResult(**one) for one in raw["tools"]],
            playing=[PlayingResult(**one) for one in raw["playing"]],
            ratios=[Ratio(**one) for one in raw["ratios"]],
            costs=[CostPoint(**one) for one in raw["costs"]],
            limits=Limits(**raw["limits"]) if raw["limits"] else None,
        )


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that ``share`` of them do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return value
