"""Read before any test: the type checker named in pytest's options must be there when the package is."""

from __future__ import annotations

from tests import typechecker as typechecker
