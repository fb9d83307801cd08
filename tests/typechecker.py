"""What checks our annotations, shapes included, while the tests run (jaxtyping's import hook names it)."""

from __future__ import annotations

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is a float, as every type checker has it
