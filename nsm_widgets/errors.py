"""The errors and warnings that are raised on purpose. Each is one of Python's own, too: a ValueError, ..."""

from __future__ import annotations

from nsm_widgets._errors import (
    AxisError as AxisError,
    CheckpointError as CheckpointError,
    ClosedError as ClosedError,
    DtypeError as DtypeError,
    ExportError as ExportError,
    ExportWarning as ExportWarning,
    FileThereError as FileThereError,
    FolderError as FolderError,
    LabelError as LabelError,
    MissingArrayError as MissingArrayError,
    MissingDependencyError as MissingDependencyError,
    MissingFileError as MissingFileError,
    NsmWidgetsError as NsmWidgetsError,
    OptionError as OptionError,
    RecordingError as RecordingError,
    ReportError as ReportError,
    SelectionError as SelectionError,
    ShapeError as ShapeError,
    TraceFileError as TraceFileError,
    UnknownOptionError as UnknownOptionError,
    WeightsError as WeightsError,
)
