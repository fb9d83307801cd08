"""Every error this package raises on purpose. Each is also the builtin that a caller would catch.

And the warning that is never raised, whatever the filters say.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path


class NsmWidgetsError(Exception):
    """Base of all errors raised by ``nsm_widgets``."""


class ShapeError(NsmWidgetsError, ValueError):
    """An array has the wrong rank or size."""


class AxisError(NsmWidgetsError, ValueError):
    """An axis name is none, repeated or missing."""


class SelectionError(NsmWidgetsError, IndexError):
    """An index lies outside its axis, or is no index."""


class LabelError(NsmWidgetsError, ValueError):
    """Labels do not fit the axis they name."""


class DtypeError(NsmWidgetsError, TypeError):
    """Values are of a kind that cannot be recorded or drawn (complex, object, meta, ...)."""


class WeightsError(NsmWidgetsError, ValueError):
    """A weighting is negative, above one, or does not sum to one."""


class TraceFileError(NsmWidgetsError, ValueError):
    """A trace file is damaged, cut short, or not a trace at all."""


class OptionError(NsmWidgetsError, ValueError):
    """An option has a value that it cannot have."""


class MissingArrayError(NsmWidgetsError, KeyError):
    """A trace has no array of this name."""


class MissingFileError(NsmWidgetsError, FileNotFoundError):
    """There is no file of this name."""


class FileThereError(NsmWidgetsError, FileExistsError):
    """There is a file of this name already."""


class FolderError(TraceFileError, IsADirectoryError):
    """A folder is no store, or none yet, and no trace file."""


class CheckpointError(NsmWidgetsError, ValueError):
    """A checkpoint is damaged or does not fit the model."""


class RecordingError(NsmWidgetsError, RuntimeError):
    """A recorder was used out of order, or found nothing to record."""


class UnknownOptionError(NsmWidgetsError, TypeError):
    """A keyword that no option carries, most often a slip of typing."""


class MissingDependencyError(NsmWidgetsError, ImportError):
    """An optional package is needed for what was asked."""


class ExportError(NsmWidgetsError, ValueError):
    """A page cannot be written as asked: it would be too large, or what it shows was not saved."""


class ClosedError(NsmWidgetsError, RuntimeError):
    """A view or a store was asked for what it held before it was closed."""


class ExportWarning(UserWarning):
    """A page was written, and something that was to be in it is not, or is a picture only."""


class ReportError(NsmWidgetsError, ValueError):
    """A report was written, and something that it should show could not be drawn."""


def warn_or_log(text: str) -> None:
    """Warn at the caller's line; where warnings are errors, only note it: it must not end a training run."""
    try:
        warnings.warn(text, RuntimeWarning, stacklevel=_depth_of_caller())
    except RuntimeWarning:
        logging.getLogger("nsm_widgets").warning(text)


def words_of(error: BaseException) -> str:
    """What an error says, also one of somebody else that cannot say it."""
    try:
        return str(error)
    except Exception:
        return type(error).__name__


def _depth_of_caller() -> int:
    """How many calls up the first line lies that is neither ours nor of what calls us."""
    ours, frame, depth = str(Path(__file__).parent), sys._getframe(1), 1
    while frame.f_back is not None and (
        frame.f_code.co_filename.startswith(ours)
        or str(frame.f_globals.get("__name__")).partition(".")[0] in ("jaxtyping", "torch")
    ):
        frame, depth = frame.f_back, depth + 1
    return depth
