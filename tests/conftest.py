"""Read before any test: the type checker that pytest's options name must be there when the package is imported."""

from __future__ import annotations

from tests import typechecker as typechecker
