"""Starting the broker: once more where it ended at once, and not more often."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.ports import Ports
from deploy.local.supervisor import StackError, Supervisor


class Tripping(Kafka):
    """Ends at once as often as it is told, then stays; ready as soon as it stays."""

    def __init__(self, folder: Path, trips: int) -> None:
        self.supervisor = Supervisor(folder)
        super().__init__(folder, self.supervisor, Ports(folder))
        self.launched, self._trips = 0, trips

    def launch(self) -> None:
        self.launched += 1
        program = "raise SystemExit(1)" if self.launched <= self._trips else "import time; time.sleep(600)"
        self.supervisor.spawn(self.name, [sys.executable, "-c", program])

    def is_ready(self) -> bool:
        return self.launched > self._trips

    def _format(self) -> None:
        """No storage is needed here."""


def test_a_broker_that_trips_at_its_start_is_started_once_more(tmp_path: Path) -> None:
    kafka = Tripping(tmp_path, trips=1)
    kafka.start()
    assert kafka.launched == 2
    assert kafka.supervisor.is_alive("kafka")
    kafka.supervisor.kill("kafka")


def test_a_broker_that_cannot_start_is_told(tmp_path: Path) -> None:
    kafka = Tripping(tmp_path, trips=2)
    with pytest.raises(StackError, match="ended while starting"):
        kafka.start()
    assert kafka.launched == 2
