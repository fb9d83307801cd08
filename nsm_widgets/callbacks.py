"""Recording while another project's loop trains: callbacks for Lightning and for Hugging Face's Trainer.

Both are a few lines over :class:`~nsm_widgets.TraceRecorder`: its block begins with the training and ends
with it, also after an error, and what the loop logs is noted with ``rec.log``. Each loads its package when it
is made, ``lightning`` or ``transformers``; nothing else of this module needs it.

>>> import torch
>>> from nsm_widgets import NTMExplorer, TraceRecorder
>>> from nsm_widgets.ntm import NTM
>>> rec = TraceRecorder(NTM(input_size=3, output_size=2, memory_size=8, word_size=4)).every(100)
>>> explorer = NTMExplorer(rec)  # fills while trainer.fit(...) or trainer.train() runs
>>> callback = lightning_callback(rec)
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nsm_widgets._errors import MissingDependencyError
from nsm_widgets.trace import TraceRecorder

if TYPE_CHECKING:
    from lightning.pytorch import Trainer


def lightning_callback(recorder: TraceRecorder) -> Any:
    """A callback for a Lightning ``Trainer``: ``Trainer(callbacks=[lightning_callback(rec)])``.

    What the module logs with ``self.log`` is noted after each training batch and each validation, and the
    loss that ``training_step`` returns as ``loss``. Each forward of the watched module is an iteration, those
    of a validation included.

    Args:
        recorder: A recorder whose block is not running; of the module, or of a model inside it.

    Raises:
        MissingDependencyError: If ``lightning`` is not installed.
    """
    return _lightning_type()(_RecorderBlock(recorder))


def trainer_callback(recorder: TraceRecorder) -> Any:
    """A callback for Hugging Face's ``Trainer``: ``Trainer(..., callbacks=[trainer_callback(rec)])``.

    What the trainer logs is noted whenever it does. Each forward of the model is an iteration, those of an
    evaluation included. ``Trainer`` calls no callback when an error ends the training: in a notebook, the
    recorder's block is then over with the cell; elsewhere, write
    ``with trainer_callback(rec) as callback: Trainer(..., callbacks=[callback]).train()``.

    Args:
        recorder: A recorder whose block is not running; of the model that is trained.

    Raises:
        MissingDependencyError: If ``transformers`` is not installed.
    """
    return _trainer_type()(_RecorderBlock(recorder))


class _RecorderBlock:
    """A recorder's block that begins and ends by calls; in a notebook, at the latest with the cell."""

    def __init__(self, recorder: TraceRecorder) -> None:
        self.recorder = recorder
        self.is_open = False
        self._shell: Any = None

    def _at_cell_end(self, result: object = None) -> None:
        self.end(getattr(result, "error_in_exec", None))

    def begin(self) -> None:
        """Begin it; one that an error left open is over."""
        self.end()
        self.recorder.__enter__()
        self.is_open = True
        ipython = sys.modules.get("IPython")
        self._shell = None if ipython is None else ipython.get_ipython()
        if self._shell is not None:
            self._shell.events.register("post_run_cell", self._at_cell_end)

    def log(self, metrics: Mapping[str, Any]) -> None:
        """Note those of the metrics that are numbers."""
        numbers = {
            str(name): number for name, value in metrics.items() if (number := _number(value)) is not None
        }
        if self.is_open and numbers:
            self.recorder.log(numbers)

    def end(self, error: BaseException | None = None) -> None:
        """End it, if it is open."""
        if self.is_open:
            self.is_open = False
            if self._shell is not None:
                self._shell.events.unregister("post_run_cell", self._at_cell_end)
            self.recorder.__exit__(type(error) if error else None, error, None)


def _number(value: Any) -> float | None:  # whatever was logged
    """A metric as a number; ``None`` for what is none, as a text or a vector."""
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        return None
    return number if isinstance(number, float) else math.nan


@functools.cache
def _lightning_type() -> type:
    try:
        from lightning.pytorch import Callback
    except ImportError as error:
        raise MissingDependencyError(
            'lightning_callback needs Lightning. pip install "nsm_widgets[lightning]"'
        ) from error

    class LightningRecorder(Callback):
        """Records what a module does while Lightning trains it."""

        def __init__(self, block: _RecorderBlock) -> None:
            self._block = block
            self._before: set[str] = set()
            self._of_validation: set[str] = set()

        def on_train_start(self, trainer: object, pl_module: object) -> None:
            """The block begins."""
            self._block.begin()

        def on_train_batch_end(
            self, trainer: Trainer, pl_module: object, outputs: object, batch: object, batch_idx: int
        ) -> None:
            """What was logged in this batch."""
            loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
            metrics = trainer.callback_metrics.items()  # those of the last validation are still among them
            now = {name: value for name, value in metrics if name not in self._of_validation}
            self._block.log({"loss": loss, **now})

        def on_validation_start(self, trainer: Trainer, pl_module: object) -> None:
            """What was logged before is none of the validation's."""
            self._before = set(trainer.callback_metrics) - self._of_validation

        def on_validation_end(self, trainer: Trainer, pl_module: object) -> None:
            """What was logged in a validation."""
            self._of_validation |= set(trainer.callback_metrics) - self._before
            self._block.log({name: trainer.callback_metrics[name] for name in self._of_validation})

        def on_train_end(self, trainer: object, pl_module: object) -> None:
            """The block ends."""
            self._block.end()

        def on_exception(self, trainer: object, pl_module: object, exception: BaseException) -> None:
            """The block ends, and views say why."""
            self._block.end(exception)

    return LightningRecorder


@functools.cache
def _trainer_type() -> type:
    try:
        from transformers import TrainerCallback
    except ImportError as error:
        raise MissingDependencyError(
            'trainer_callback needs transformers. pip install "nsm_widgets[trainer]"'
        ) from error

    class TrainerRecorder(TrainerCallback):
        """Records what a model does while a Trainer trains it."""

        def __init__(self, block: _RecorderBlock) -> None:
            self._block = block

        def on_train_begin(self, args: object, state: object, control: object, **kwargs: object) -> None:
            """The block begins."""
            self._block.begin()

        def on_log(
            self,
            args: object,
            state: object,
            control: object,
            logs: Mapping[str, Any] | None = None,
            **kwargs: object,
        ) -> None:
            """What the trainer logs."""
            self._block.log(logs or {})

        def on_train_end(self, args: object, state: object, control: object, **kwargs: object) -> None:
            """The block ends."""
            self._block.end()

        def __enter__(self) -> TrainerRecorder:
            return self

        def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
            self._block.end(error)

    return TrainerRecorder
