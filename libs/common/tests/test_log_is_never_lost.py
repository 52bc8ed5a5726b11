"""A service that ends, however it does, has written what it logged. Shown by processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from deploy.local.waiting import LONG

LINES = 500
PROGRAM = """
import asyncio, gc, os, signal, sys
import structlog
from aiohttp import web
from synckit.command import run_command
from synckit.log import logging
from synckit.service.server import Health, HttpServer
from synckit.service.service import Service
from synckit.testing.known_line import example_line

async def background():
    log = structlog.get_logger("probe")
    log.info("settled", count=gc.get_freeze_count(), limit=gc.get_threshold()[0])
    for number in range(%(lines)d // 2):
        log.info("told", count=2 * number)
        logging.tell(example_line(2 * number + 1))
    %(ending)s

async def closing():
    %(closing)s

def main():
    logging.configure("probe", style="json")
    service = Service(
        HttpServer(web.Application(), port=0, host="127.0.0.1"),
        Health(), background=[background], closing=[closing], deadline=%(deadline)s,
    )
    return asyncio.run(service.run())

run_command(main)
"""
WAIT = "await asyncio.Event().wait()"
TERM = f"os.kill(os.getpid(), signal.SIGTERM); {WAIT}"


def program(ending: str, closing: str = "pass") -> str:
    """A deadline that is short only where it is what ends it."""
    deadline = 0.5 if closing == WAIT else 60.0
    return PROGRAM % {"lines": LINES, "ending": ending, "closing": closing, "deadline": deadline}


def run(ending: str, closing: str = "pass") -> tuple[int, list[dict[str, Any]]]:
    """Exit status and lines."""
    code = program(ending, closing)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=LONG)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("ending", "closing", "status"),
    [
        (TERM, "pass", 0),
        ("return", "pass", 1),
        ("raise KeyError('Zwiebelfisch')", "pass", 1),
        ("raise SystemExit(3)", "pass", 3),
        (TERM, WAIT, 1),
    ],
    ids=["sigterm", "end", "exception", "exit", "deadline"],
)
def test_every_line_before_the_end_is_there(ending: str, closing: str, status: int) -> None:
    """In order, the last word of the end included. The deadline's cut is `os._exit`."""
    ended, lines = run(ending, closing)
    assert ended == status, lines[-3:]
    assert [line["count"] for line in lines if line["event"] == "told"] == list(range(LINES))
    if closing == WAIT:
        assert lines[-1]["event"] == "deadline_passed"


def test_a_kill_costs_moments_alone() -> None:
    """What is told before a warning is safe even then."""
    ending = "log.warning('last'); os.kill(os.getpid(), signal.SIGKILL)"
    ended, lines = run(ending)
    assert ended == -signal.SIGKILL
    assert lines[-1]["event"] == "last"
    assert len([line for line in lines if line["event"] == "told"]) == LINES


def test_a_start_leaves_the_collector_settled() -> None:
    _, lines = run(TERM)
    settled = next(line for line in lines if line["event"] == "settled")
    assert settled["limit"] == 50_000
    assert settled["count"] > 10_000


def test_a_service_without_a_reader_goes_on() -> None:
    """It was told to end, and ends with 0: that nobody reads is not its business."""
    reading, writing = os.pipe()
    os.close(reading)
    argv = [sys.executable, "-c", program(TERM)]
    try:
        done = subprocess.run(argv, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=LONG)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
