"""Tasks of Graves et al. 2014 as seeded batches, and one training loop. Knows torch and the ``ntm`` room."""

from __future__ import annotations

from nsm_widgets.tasks.associative_recall import AssociativeRecallTask
from nsm_widgets.tasks.batch import Task, TaskBatch, bit_errors, masked_loss
from nsm_widgets.tasks.copy import CopyTask
from nsm_widgets.tasks.ngrams import NGramTask
from nsm_widgets.tasks.priority_sort import PrioritySortTask
from nsm_widgets.tasks.repeat_copy import RepeatCopyTask
from nsm_widgets.tasks.settings import Evaluation, TrainingResult, TrainingSettings
from nsm_widgets.tasks.training import evaluate, train

__all__ = [
    "AssociativeRecallTask",
    "CopyTask",
    "Evaluation",
    "NGramTask",
    "PrioritySortTask",
    "RepeatCopyTask",
    "Task",
    "TaskBatch",
    "TrainingResult",
    "TrainingSettings",
    "bit_errors",
    "evaluate",
    "masked_loss",
    "train",
]
