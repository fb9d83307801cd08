"""Recording inside the loops of Lightning and of Hugging Face's Trainer, with the real packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from nsm_widgets._errors import RecordingError
from nsm_widgets.callbacks import lightning_callback, trainer_callback
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import TraceRecorder

# what these packages do on import or in a run of a few steps is theirs
pytestmark = [
    pytest.mark.filterwarnings("ignore:::lightning", "ignore:::torch", "ignore:::transformers"),
    pytest.mark.slow,
]

BATCHES = 4


@pytest.fixture
def lightning_run(tmp_path: Path) -> Any:
    """A Lightning module around an NTM, its data, and a trainer for one epoch."""
    import lightning.pytorch as lightning

    class Copies(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.ntm = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)
            self.fails_at = -1

        def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
            if batch_idx == self.fails_at:
                raise ValueError("diverged")
            loss: torch.Tensor = self.ntm(batch[0].transpose(0, 1))[0].square().mean()
            self.log("half", loss / 2, on_step=True)
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val/loss", self.ntm(batch[0].transpose(0, 1))[0].square().mean())

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), 0.1)

    def run(
        recorder_of: Any, fails_at: int = -1, train: int = 2 * BATCHES, validation_batch: int = 2
    ) -> TraceRecorder:
        module = Copies()
        module.fails_at = fails_at
        rec: TraceRecorder = recorder_of(module.ntm)
        data = DataLoader(TensorDataset(torch.rand(train, 5, 3)), batch_size=2)
        held_out = DataLoader(TensorDataset(torch.rand(2 * BATCHES, 5, 3)), batch_size=validation_batch)
        trainer = lightning.Trainer(
            max_epochs=1,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=tmp_path,
            callbacks=[lightning_callback(rec)],
        )
        run.recorder = rec  # type: ignore[attr-defined]
        trainer.fit(module, data, held_out)
        return rec

    return run


def test_lightning_records_and_logs(lightning_run: Any) -> None:
    """Each forward is an iteration; noted are the step's loss, and what step and validation logged."""
    rec = lightning_run(TraceRecorder)
    assert rec.trace.iterations == tuple(range(2 * BATCHES))  # of the training, then of the validation
    loss, half = rec.scalars["loss"], rec.scalars["half"]
    assert loss.labels("logged") == half.labels("logged") == ("0", "1", "2", "3")
    assert half.values.tolist() == pytest.approx((loss.values / 2).tolist(), rel=1e-6)
    assert rec.scalars["val/loss"].labels("logged") == (str(2 * BATCHES - 1),)


def test_lightning_with_a_smaller_last_batch_and_another_in_validation(lightning_run: Any) -> None:
    """Neither ends the training; each forward is there, and the trace counts those that are not like most."""
    rec = lightning_run(TraceRecorder, train=BATCHES * 2 - 1, validation_batch=5)
    batches = [rec.iteration(number)["memory"].sizes["batch"] for number in rec.iterations]
    assert batches == [2, 2, 2, 1, 5, 3]
    assert rec.trace.iterations == (0, 1, 2)
    assert rec.trace.attrs["iterations"]["left_out"] == {"of another shape": 3}


def test_lightning_ends_the_block_after_an_error(lightning_run: Any) -> None:
    """What was recorded until then is there, and the hooks are gone."""
    with pytest.raises(ValueError, match="diverged"):
        lightning_run(TraceRecorder, fails_at=2)
    rec = lightning_run.recorder
    assert rec.is_over
    assert rec.trace.iterations == (0, 1)
    with pytest.raises(RecordingError, match="while a block runs"):
        rec.log(loss=0.0)


class Failing(torch.utils.data.Dataset):
    """Sentences of numbers; the given one cannot be read."""

    def __init__(self, fails_at: int = -1, length: int = 12) -> None:
        self.fails_at = fails_at
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        if index == self.fails_at:
            raise ValueError("unreadable")
        ids = (torch.arange(6) + index) % 20
        return {"input_ids": ids, "labels": ids}


def trainer_of(folder: Path, callbacks: list[Any], model: Any, data: Failing) -> Any:
    from transformers import Trainer, TrainingArguments

    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=2,
        num_train_epochs=1,
        logging_steps=2,
        report_to=[],
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    return Trainer(model=model, args=arguments, train_dataset=data, callbacks=callbacks)


def small_model() -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes: dict[str, Any] = {"n_layer": 2, "n_head": 2, "n_embd": 8, "n_positions": 8, "vocab_size": 20}
    attention: dict[str, Any] = {"attn_implementation": "eager", "output_attentions": True}
    return GPT2LMHeadModel(GPT2Config(**sizes, **attention, use_cache=False))


def test_a_trainer_records_attention_and_logs(tmp_path: Path) -> None:
    """Six batches are six iterations of attention; the trainer's loss is noted every second step."""
    model = small_model()
    rec = TraceRecorder(model)
    trainer_of(tmp_path, [trainer_callback(rec)], model, Failing()).train()
    assert rec.is_over
    assert rec.trace.iterations == tuple(range(6))
    attention = rec.trace["attention"]
    assert attention.sizes == {"iteration": 6, "layer": 2, "batch": 2, "head": 2, "query": 6, "key": 6}
    assert rec.scalars["loss"].labels("logged") == ("1", "3", "5")
    assert rec.scalars["learning_rate"].sizes["logged"] == 3


def test_a_trainer_keeps_its_smaller_last_batch(tmp_path: Path) -> None:
    """As it does unless told otherwise: the training ends as it would, and the odd one is there by itself."""
    model = small_model()
    rec, store = TraceRecorder(model), TraceRecorder(model, store=tmp_path / "run.zarr")
    callbacks = [trainer_callback(rec), trainer_callback(store)]
    result = trainer_of(tmp_path / "out", callbacks, model, Failing(length=7)).train()
    assert result.global_step == 4
    assert rec.trace.iterations == (0, 1, 2) == store.trace.iterations
    assert rec.iteration(3)["attention"].sizes["batch"] == 1
    for trace in (rec.trace, store.trace):
        assert trace.attrs["iterations"]["left_out"] == {"of another shape": 1}


def test_a_trainer_that_fails_ends_the_block_with_the_callback(tmp_path: Path) -> None:
    """Trainer tells nobody of an error; the callback's own block does."""
    model = small_model()
    rec = TraceRecorder(model)
    with pytest.raises(ValueError, match="unreadable"), trainer_callback(rec) as callback:
        trainer = trainer_of(tmp_path, [callback], model, Failing(fails_at=0))
        trainer.train()
    assert rec.is_over


def test_neither_package_is_loaded_before_it_is_needed() -> None:
    """The module's import loads neither; its functions do."""
    code = (
        "import sys, nsm_widgets.callbacks; "
        "sys.exit(bool({'lightning', 'transformers', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
