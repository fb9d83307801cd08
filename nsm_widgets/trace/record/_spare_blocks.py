"""Blocks of memory that iterations left which are kept no more, for those that follow."""

from __future__ import annotations

from nsm_widgets.trace.record._step_buffer import Block, StepLayout


class SpareBlocks:
    """Blocks by what they hold: what was not asked for longest goes first, where they get too many."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[int, int], list[tuple[int, Block]]] = {}
        self._bytes = 0

    def put(self, layout: StepLayout, block: Block, most_bytes: float) -> None:
        """Keep a block, as long as all of them take no more than so many bytes."""
        num_bytes = block.capacity * layout.step_bytes
        blocks = self._blocks.pop((id(layout), block.capacity), [])
        self._blocks[id(layout), block.capacity] = [*blocks, (num_bytes, block)]  # the last to go
        self._bytes += num_bytes
        while self._bytes > most_bytes:
            self._pop(next(iter(self._blocks)))

    def take(self, layout: StepLayout, steps: int) -> Block | None:
        """One for so many steps, if there is one."""
        key = (id(layout), steps)
        return self._pop(key) if key in self._blocks else None

    def clear(self) -> None:
        """Keep none."""
        self._blocks.clear()
        self._bytes = 0

    def _pop(self, key: tuple[int, int]) -> Block:
        num_bytes, block = self._blocks[key].pop()
        self._bytes -= num_bytes
        if not self._blocks[key]:
            del self._blocks[key]
        return block
