"""A cache of transformers is found by both of its names, and by the old one only where it goes by that."""

from __future__ import annotations

from typing import Any

import pytest

from nsm_widgets.trace.record.sources.hugging_face._cache import CACHES, cache_in


class TodaysOutput(dict[str, Any]):
    """As transformers 5.24 gives it: whoever asks for the old name is warned."""

    def __getitem__(self, name: str) -> Any:
        assert name != "past_key_values", "it is called cache now"
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        assert name != "past_key_values", "it is called cache now"
        return super().get(name, default)


@pytest.mark.parametrize("name", CACHES)
def test_a_cache_is_found_by_its_name(name: str) -> None:
    """Where there is none, and beside one that is None, too."""
    cache = object()
    assert cache_in({name: cache, "logits": 1}) is cache
    assert cache_in({**dict.fromkeys(CACHES), name: cache}) is cache
    assert cache_in({name: None}) is None is cache_in({"logits": 1})


def test_an_output_is_not_asked_for_the_old_name() -> None:
    """It would warn."""
    cache = object()
    assert cache_in(TodaysOutput(logits=1, cache=cache)) is cache
