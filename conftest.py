"""Root of all tests: the fixture `backends` (real servers) for every one, and no verdict by a machine's speed."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["deploy.local.pytest_plugin", "deploy.local.pytest_commands"]
EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "100"))
settings.register_profile("office", deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("office")
