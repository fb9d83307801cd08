"""Fixtures of this room's tests."""

from __future__ import annotations

from tests.ntm.conftest import as_in_production as as_in_production
