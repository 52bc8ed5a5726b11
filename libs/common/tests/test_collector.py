"""Cycles are found later than by default, and found: memory stays flat. Counted in a process of its own, not timed."""

from __future__ import annotations

import json
import subprocess
import sys

from deploy.local.waiting import LONG

PROGRAM = """
import gc, json
from collections import deque
import psutil
from synckit.service.collector import settle

class Ring:
    def __init__(self):
        self.me, self.load = self, bytearray(200)

def failed():
    try:
        raise KeyError("cycle")
    except KeyError as error:
        kept = error  # the error holds the frame that holds the error
        return Ring()

def work(rounds):
    in_flight = deque(maxlen=256)  # what lives for a moment outlives looks at the youngest
    for _ in range(rounds):
        in_flight.append(failed())

settle()
process, sizes = psutil.Process(), []
for _ in range(6):
    work(150_000)
    sizes.append(process.memory_info().rss / 2**20)
counts = [each["collections"] for each in gc.get_stats()]
print(json.dumps({"sizes": sizes, "frozen": gc.get_freeze_count(), "collections": counts}))
"""


def test_memory_stays_flat_under_cycles() -> None:
    """900,000 cycles with 200 bytes and a traceback each: uncollected they would be more than 600 MiB."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=LONG)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["frozen"] > 1000, found
    assert found["collections"][0] >= 20, found
    first, *later = found["sizes"]
    assert max(later) - first < 24, found
