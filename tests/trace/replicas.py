"""``nn.DataParallel`` on the CPU: its own forward, on copies made and run as torch makes and runs them.

What is torch's own: ``DataParallel.forward`` and ``Module._replicate_for_data_parallel``. What stands in for
CUDA: the batch is cut by ``chunk``, parameters are cloned for each copy, and a thread runs each of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn


class OnCpus(nn.DataParallel[nn.Module]):
    """A model on several "devices" that are all the CPU.

    Args:
        module: The model.
        count: How many copies of it run.
        dim: Along which axis of the inputs the batch lies.
        order: Called in each thread with the number of its copy, before that runs.
    """

    def __init__(
        self, module: nn.Module, count: int, dim: int = 0, order: Callable[[int], None] | None = None
    ) -> None:
        super().__init__(module)
        self.device_ids, self.dim, self.output_device = list(range(count)), dim, 0
        self.src_device_obj = torch.device("cpu")
        self._order = order

    def scatter(self, inputs: tuple[Any, ...], kwargs: dict[str, Any] | None, device_ids: Any) -> Any:
        """Cut every tensor along the batch; the last part may be smaller."""
        parts = [value.chunk(len(device_ids), self.dim) for value in inputs]
        return list(zip(*parts, strict=True)), [dict(kwargs or {}) for _ in parts[0]]

    def replicate(self, module: nn.Module, device_ids: Sequence[Any]) -> list[nn.Module]:
        """A shallow copy of each module for each device, its parameters plain tensors with a graph."""
        return [_replica(module) for _ in device_ids]

    def parallel_apply(self, replicas: Sequence[Any], inputs: Sequence[Any], kwargs: Any) -> list[Any]:
        """A thread for each copy, with the caller's modes; the first error is raised."""
        results: list[Any] = [None] * len(replicas)
        grad = torch.is_grad_enabled()

        def work(index: int) -> None:
            try:
                if self._order is not None:
                    self._order(index)
                with torch.set_grad_enabled(grad):
                    results[index] = replicas[index](*inputs[index], **kwargs[index])
            except Exception as error:
                results[index] = error

        threads = [threading.Thread(target=work, args=(index,)) for index in range(len(replicas))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for result in results:
            if isinstance(result, Exception):
                raise result
        return results

    def gather(self, outputs: Any, output_device: Any) -> Any:
        """The answers along the batch."""
        return torch.cat(outputs, self.dim)


def _replica(network: nn.Module) -> nn.Module:
    """As ``torch.nn.parallel.replicate`` makes it, for one device."""
    modules = list(network.modules())
    copies = {id(module): module._replicate_for_data_parallel() for module in modules}
    for module in modules:
        copy = copies[id(module)]
        for name, child in module._modules.items():
            if child is None:
                copy._modules[name] = None
            else:
                setattr(copy, name, copies[id(child)])
        for name, parameter in module._parameters.items():
            if parameter is None:
                copy._parameters[name] = None
            else:
                setattr(copy, name, parameter.clone())
        for name, buffer in module._buffers.items():
            if buffer is not None:
                setattr(copy, name, buffer.clone())
    replica: nn.Module = copies[id(network)]
    return replica
