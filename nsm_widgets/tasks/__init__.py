"""Tasks of Graves et al. 2014 as seeded batches, and one training loop. Knows torch and the ``ntm`` room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.tasks.associative_recall import AssociativeRecallTask as AssociativeRecallTask
    from nsm_widgets.tasks.batch import (
        Task as Task,
        TaskBatch as TaskBatch,
        bit_errors as bit_errors,
        masked_loss as masked_loss,
    )
    from nsm_widgets.tasks.copy import CopyTask as CopyTask
    from nsm_widgets.tasks.ngrams import NGramTask as NGramTask
    from nsm_widgets.tasks.priority_sort import PrioritySortTask as PrioritySortTask
    from nsm_widgets.tasks.repeat_copy import RepeatCopyTask as RepeatCopyTask
    from nsm_widgets.tasks.settings import (
        Evaluation as Evaluation,
        TrainingResult as TrainingResult,
        TrainingSettings as TrainingSettings,
    )
    from nsm_widgets.tasks.training import evaluate as evaluate, train as train
else:
    __getattr__, __dir__ = lazy_face(__name__)
