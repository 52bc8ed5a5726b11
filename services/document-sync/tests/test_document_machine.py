"""The machine in short; MACHINE_EXAMPLES makes it look longer."""

from __future__ import annotations

import os

from document_machine import DocumentMachine
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "20"))


def test_every_collection_holds_what_it_must() -> None:
    """After any history: exactly that, each file once, and another look writes nothing."""
    told = settings(
        max_examples=EXAMPLES,
        stateful_step_count=14,
        deadline=None,
        derandomize="MACHINE_EXAMPLES" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(DocumentMachine, settings=told)
