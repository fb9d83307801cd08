"""Read before any test: what must be there before the package and torch are imported."""

from __future__ import annotations

import os

from tests import typechecker as typechecker  # named in pytest's options, found only once it is imported

# the models here are small: threads of torch would only wait for each other, five times slower on two cores
os.environ.setdefault("OMP_NUM_THREADS", "1")
