"""The machine in short; MACHINE_EXAMPLES makes it look longer."""

from __future__ import annotations

import os

from calendar_machine import CalendarMachine
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "20"))


def test_nothing_is_lost_and_nothing_doubled() -> None:
    """After any history: both sides alike, and two further runs write nothing."""
    told = settings(
        max_examples=EXAMPLES,
        stateful_step_count=14,
        deadline=None,
        derandomize="MACHINE_EXAMPLES" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(CalendarMachine, settings=told)
