"""Root of all tests: the fixture `backends` (real servers) for every one of them."""

from __future__ import annotations

pytest_plugins = ["deploy.local.pytest_plugin"]
