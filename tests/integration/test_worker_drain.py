"""What was handled is committed when partitions or the process go, though the timer for commits is far away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.backends import LazyBackends
from tests.integration.worker_stage import Stage, changes

pytestmark = pytest.mark.stack
NO_TIMER = {"commit_interval": 3600.0}


@pytest.fixture
def stage(backends: LazyBackends, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(backends, tmp_path)
    yield made
    made.close()


def test_partitions_that_go_to_another_worker_are_committed_first(stage: Stage) -> None:
    stage.create(partitions=4)
    first = stage.worker(worker=NO_TIMER)
    stage.publish(*changes(40, 20))
    stage.until(lambda: len(stage.done_ids()) == 40, what="all is done")
    assert stage.committed() == {}
    second = stage.worker(worker=NO_TIMER)
    stage.until(lambda: bool(first.log_lines("worker.drained")), what="the first one has given up its partitions")
    stage.until(second.is_ready, what="the second one has some")
    assert sum(stage.committed().values()) == 40
    stage.publish(*changes(40, 20, first=100))
    stage.until(lambda: len(set(stage.done_ids())) == 80, what="life goes on")
    assert len(stage.done_ids()) == 80, "nothing was done twice"


def test_a_sigterm_commits_what_was_handled(stage: Stage) -> None:
    stage.create(partitions=4)
    worker = stage.worker(worker=NO_TIMER)
    stage.publish(*changes(40, 20))
    stage.until(lambda: len(stage.done_ids()) == 40, what="all is done")
    assert stage.committed() == {}
    assert worker.terminate() == 0, worker.log_tail()
    assert sum(stage.committed().values()) == 40
