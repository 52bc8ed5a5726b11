"""Runs mutants one after another in a copy of the repository, and writes down what became of each at once."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutants.made import Mutant, mutant_at, places_of
from tests.mutants.targets import Target

ROOT = Path(__file__).resolve().parents[2]
LEAST_SECONDS, TIMES = 60.0, 5
KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"
FEWER_EXAMPLES = {"HYPOTHESIS_EXAMPLES": "25", "MACHINE_EXAMPLES": "10"}
"""Of laws and histories: a mutant that needs a rarer case is a survivor, and looked at by a person."""


class Unfit(Exception):
    """The tests of a target fail without any mutant."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant."""

    key: str
    file: str
    line: int
    operator: str
    change: str
    outcome: str
    seconds: float

    @property
    def is_killed(self) -> bool:
        return self.outcome != SURVIVED


@dataclass(frozen=True, slots=True)
class Job:
    """A mutant and the tests that have to notice it."""

    mutant: Mutant
    tests: tuple[str, ...]


def sample(targets: Sequence[Target], count: int, seed: int, root: Path = ROOT) -> list[Job]:
    """So many, spread over all targets: in turn one of each, chosen by the seed."""
    chance = random.Random(seed)
    piles = [_pile(target, root, chance) for target in targets]
    chosen: dict[str, Job] = {}
    while piles and len(chosen) < count:
        for pile in list(piles):
            if (job := next(pile, None)) is None:
                piles.remove(pile)
            elif len(chosen) < count:
                chosen.setdefault(job.mutant.key, job)
    return list(chosen.values())


def _pile(target: Target, root: Path, chance: random.Random) -> Iterator[Job]:
    """Made one by one, when they are wanted."""
    source = (root / target.file).read_text()
    places = places_of(source)
    random.Random(chance.random()).shuffle(places)
    made = (mutant_at(target.file, source, place) for place in places)
    return (Job(each, target.tests) for each in made if each is not None)


class Bench:
    """A copy to work in. The checkout itself is never changed."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root, self._folder = root, folder
        self._patience: dict[tuple[str, ...], float] = {}

    def judge(self, job: Job) -> Verdict:
        """Unfit where the tests fail by themselves."""
        mutant, began = job.mutant, time.monotonic()
        limit = self._limit(job.tests)
        path = self._folder / mutant.file
        original = path.read_text()
        path.write_text(mutant.code)
        try:
            status = self._run(job.tests, limit)
        finally:
            path.write_text(original)
        outcome = TIMED_OUT if status is None else SURVIVED if status == 0 else KILLED
        seconds = round(time.monotonic() - began, 1)
        return Verdict(mutant.key, mutant.file, mutant.line, mutant.operator, mutant.change, outcome, seconds)

    def _limit(self, tests: tuple[str, ...]) -> float:
        if tests not in self._patience:
            began = time.monotonic()
            status = self._run(tests, 1800.0)
            if status != 0:
                raise Unfit(f"exit status {status} without a mutant: {' '.join(tests)}")
            self._patience[tests] = max(LEAST_SECONDS, TIMES * (time.monotonic() - began))
        return self._patience[tests]

    def _run(self, tests: tuple[str, ...], limit: float) -> int | None:
        """None where the time is over; then all that it started is ended as well."""
        there = [test for test in tests if (self._folder / test).exists()]
        options = ("-x", "-q", "-m", "not stack", "-p", "no:cacheprovider", "-o", "filterwarnings=ignore")
        with subprocess.Popen(
            [sys.executable, "-B", "-m", "pytest", *options, *there],
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": self._paths(), "PYTHONDONTWRITEBYTECODE": "1", **FEWER_EXAMPLES},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                return process.wait(limit)
            except subprocess.TimeoutExpired:
                return None
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def _paths(self) -> str:
        """Before the editable installations, which point to the checkout."""
        sources = [*self._folder.glob("libs/*/src"), *self._folder.glob("services/*/src")]
        return os.pathsep.join(str(each) for each in (*sources, self._folder))


@contextmanager
def bench(root: Path = ROOT) -> Iterator[Bench]:
    """A copy of the checkout as it is now, without what git ignores; gone at the end."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    with tempfile.TemporaryDirectory(prefix="synckit-mutants-") as name:
        folder = Path(name)
        for file in filter(None, listed.stdout.split("\0")):
            if (root / file).is_file():
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / file, folder / file)
        yield Bench(root, folder)


def run(jobs: Sequence[Job], at: Bench, results: Path, until: float, tell: Callable[[Verdict], None]) -> list[Verdict]:
    """Those that `results` does not know yet, until the time (monotonic) is over; each is written down at once."""
    known = {one.key: one for one in recorded(results)}
    results.parent.mkdir(parents=True, exist_ok=True)
    found = []
    for job in jobs:
        if (verdict := known.get(job.mutant.key)) is None:
            if time.monotonic() >= until:
                break
            verdict = at.judge(job)
            with results.open("a") as file:
                # A line that a kill cut in the middle must not swallow this one.
                file.write("\n" + json.dumps(asdict(verdict)) + "\n")
            tell(verdict)
        found.append(verdict)
    return found


def recorded(results: Path) -> list[Verdict]:
    """What was written down; a line that a kill cut in the middle is left out."""
    if not results.exists():
        return []
    found = []
    for line in results.read_text().splitlines():
        try:
            found.append(Verdict(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found
