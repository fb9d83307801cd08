"""Files with true checksums, whatever else they say: what lies in them is looked at only then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import torch

from nsm_widgets._checksums import seal
from nsm_widgets._tensor_files import write_tensors


def save_arrays(arrays: Mapping[str, np.ndarray], path: Path, metadata: Mapping[str, str] | None) -> None:
    """Arrays of NumPy."""
    told = ((name, array.dtype.name, array.shape, array) for name, array in arrays.items())
    safetensors.numpy.save_file(dict(arrays), path, metadata=seal(metadata, told) if metadata else None)


def save_tensors(tensors: Mapping[str, Any], path: Path, metadata: Mapping[str, str]) -> None:
    """Tensors of torch."""
    assert all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())
    write_tensors(path, tensors, metadata)
