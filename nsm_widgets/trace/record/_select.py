"""What of a model is recorded: modules by path or type, arrays by name."""

from __future__ import annotations

from fnmatch import fnmatchcase

from nsm_widgets._errors import DtypeError


class Select:
    """Name patterns and types, as ``TraceRecorder(model, select=...)`` takes them.

    A pattern, such as ``"encoder.*"`` or ``"read_*"``, is held against the paths of modules and against the
    names of arrays, with and without what precedes their last dot.

    >>> select = Select(["read_*", "decoder.*"])
    >>> select.wants_array("memory"), select.wants_array("read_gate")
    (False, True)
    >>> select.wants_module("decoder.ntm", None)
    True

    Args:
        select: One pattern or type, or several; ``None`` takes everything.

    Raises:
        DtypeError: If it is something else.
    """

    def __init__(self, select: object) -> None:
        items = [select] if isinstance(select, (str, type)) else [] if select is None else select
        if not isinstance(items, (list, tuple, set, frozenset)):
            raise DtypeError(
                f"select must be name patterns and module types, got {type(select).__name__}. "
                "Pass them in a list: select=['encoder.*', nn.MultiheadAttention]."
            )
        for item in items:
            if not isinstance(item, (str, type)):
                raise DtypeError(
                    f"select takes name patterns and module types, got {item!r} of {type(item).__name__}. "
                    "A module goes by its path, as model.named_modules() tells it."
                )
        self.takes_all = select is None
        self.items = list(items)
        self._patterns = [item for item in items if isinstance(item, str)]
        self._types = tuple(item for item in items if isinstance(item, type))

    def wants_module(self, path: str, module: object) -> bool:
        """Whether everything is wanted that a module gives."""
        return self.takes_all or isinstance(module, self._types) or self._matches(path)

    def wants_array(self, name: str) -> bool:
        """Whether an array is wanted, whatever module gives it."""
        return self.takes_all or self._matches(name) or self._matches(name.rpartition(".")[2])

    def __str__(self) -> str:
        return ", ".join(item if isinstance(item, str) else item.__name__ for item in self.items)

    def _matches(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self._patterns)
