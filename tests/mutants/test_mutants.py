"""The tool finds what no test holds, and a handful of planted defects of this product are noticed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants.__main__ import document, lines
from tests.mutants.made import LEFT_OUT, Mutant, mutant_at, places_of
from tests.mutants.run import ROOT, Bench, Job, Unfit, Verdict, bench, recorded, run, sample
from tests.mutants.targets import LIBS, PROXY, TARGETS, Target

CODE = '''"""Doc."""
from __future__ import annotations

def grown(value: int | None, *, least: int = 0) -> int:
    """More than it was."""
    if value is None or value < least:
        return least
    return max(value + 1, least)

def asked(send):
    return send("x", acks="all")
'''
HELD = """from small import grown, asked

def test_it():
    assert grown(None, least=2) == 2
    assert grown(1, least=2) == 2
    assert grown(2, least=2) == 3
    assert grown(5) == 6
"""


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A repository of one file and its tests, which look away from `asked`."""
    files = {
        "small.py": CODE,
        "test_small.py": HELD,
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\nmarkers = ["stack: x"]\n',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for words in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


SMALL = Target("small.py", ("test_small.py",))


def test_annotations_and_docstrings_make_no_mutants() -> None:
    made = [one for place in places_of(CODE) if (one := mutant_at("small.py", CODE, place))]
    assert len({one.key for one in made}) > 10
    assert all("value: int | None" in one.code and "More than it was" in one.code for one in made)
    assert any(one.operator == LEFT_OUT and "acks" not in one.code for one in made)
    for one in made:
        compile(one.code, "small.py", "exec")


def test_the_same_seed_chooses_the_same(office: Path) -> None:
    chosen = [[job.mutant.key for job in sample([SMALL], 5, seed, office)] for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(set(chosen[0])) == 5


def test_it_tells_what_is_held_from_what_is_not(office: Path) -> None:
    """Interrupted in the middle, it goes on with the rest; the checkout is as it was."""
    jobs = [
        job for job in sample([SMALL], 1000, 1, office) if job.mutant.operator == LEFT_OUT or "+ 1" in job.mutant.change
    ]
    left_out = [job for job in jobs if job.mutant.operator == LEFT_OUT][:1]
    held = [job for job in jobs if "max(value + 1" in job.mutant.change][:1]
    results, told = office / "var" / "mutants.jsonl", list[Verdict]()
    with bench(office) as at:
        first = run(held, at, results, time.monotonic() + 600, told.append)
        results.write_text(results.read_text() + '{"key": "cut in the mid')
        both = run([*held, *left_out], at, results, time.monotonic() + 600, told.append)
        assert run([*held, *left_out], at, results, time.monotonic() - 1, told.append) == both
    assert [one.outcome for one in both] == ["killed", "survived"]
    assert (first, told) == (both[:1], both)
    assert recorded(results) == both
    assert (office / "small.py").read_text() == CODE
    assert document(both, 2, 7)["score"] == 0.5
    assert lines(both, 2, 7)[1].startswith("survived  small.py:")


def test_tests_that_fail_by_themselves_judge_nothing(office: Path) -> None:
    (office / "test_small.py").write_text("def test_it():\n    assert False\n")
    with bench(office) as at, pytest.raises(Unfit):
        run(sample([SMALL], 1, 1, office), at, office / "r.jsonl", time.monotonic() + 600, print)


def test_every_target_and_its_tests_exist() -> None:
    for target in TARGETS:
        assert (ROOT / target.file).is_file(), target.file
        assert [test for test in target.tests if not (ROOT / test).is_file()] == []


PLANTED = [
    (
        f"{LIBS}/http/session.py",
        "middlewares=(sent_once,),",
        "middlewares=(),",
        "libs/common/tests/test_http_sessions.py",
    ),
    (f"{LIBS}/http/session.py", "trust_env=False", "trust_env=True", "libs/common/tests/test_http_sessions.py"),
    (
        f"{PROXY}/handlers/once.py",
        "if not await self._replies.sending(claim):",
        "if await self._replies.sending(claim) is None:",
        "services/advoware-proxy/tests/test_proxy_once.py",
    ),
    (
        f"{PROXY}/handlers/proxy.py",
        "maybe_applied=trail.sent)",
        "maybe_applied=True)",
        "services/advoware-proxy/tests/test_proxy_once.py",
    ),
    (
        f"{PROXY}/domain/path_rules.py",
        "if not all(_SEGMENT.match(segment) for segment in segments):",
        "if not any(_SEGMENT.match(segment) for segment in segments):",
        "services/advoware-proxy/tests/test_path_laws.py",
    ),
]


@pytest.fixture(scope="module")
def at() -> Iterator[Bench]:
    with bench() as made:
        yield made


@pytest.mark.parametrize(("file", "good", "bad", "tests"), PLANTED, ids=[each[2] for each in PLANTED])
def test_a_planted_defect_is_noticed(at: Bench, file: str, good: str, bad: str, tests: str) -> None:
    source = (ROOT / file).read_text()
    assert source.count(good) == 1
    mutant = Mutant(file, "planted", 1, bad, source.replace(good, bad), bad)
    verdict = at.judge(Job(mutant, (tests,)))
    assert verdict.outcome == "killed", verdict
