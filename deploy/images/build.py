"""Builds images with buildah's chroot isolation over a base of Debian's packages: no engine, no registry, but root.

The base stands for the official Python image that the Dockerfiles name: Debian's own Python 3.11. What the Dockerfiles
do on it is what they do on the official one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.tools import ToolMissing

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "var" / "images"
SUITE = "bookworm"
PACKAGES = "ca-certificates,python3.11,python3.11-venv,libpython3.11"
BUILD_SECONDS = 1200.0


class BuildFailed(Exception):
    """A build ended otherwise than with 0; the text is the end of what it said."""


@dataclass(frozen=True)
class Image:
    """One Dockerfile of ours and the name that compose gives what it builds."""

    name: str
    dockerfile: str

    @property
    def tag(self) -> str:
        return f"localhost/synckit/{self.name}:built"


def ensure_tools(say: Callable[[str], None]) -> None:
    """buildah and mmdebstrap, from Debian where they are missing. ToolMissing without root or apt."""
    missing = [tool for tool in ("buildah", "mmdebstrap") if not shutil.which(tool)]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ToolMissing(f"{' and '.join(missing)} missing: as root, `apt-get install {' '.join(missing)}`")
    say(f"installing {' and '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update", "-qq"], environment)
    _run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing], environment)


def ensure_base(parent: str, say: Callable[[str], None]) -> None:
    """Makes the image that the Dockerfiles build on, once per checkout; `parent` is its name in their FROM lines."""
    if _buildah("images", "--quiet", f"docker.io/library/{parent}", check=False).strip():
        return
    say(f"making a base of Debian {SUITE} in the place of {parent}")
    WORK.mkdir(parents=True, exist_ok=True)
    archive = WORK / "base.tar"
    _run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(archive)])
    container = _buildah("from", "scratch").strip()
    _buildah("add", container, str(archive), "/")
    for name in ("python", "python3"):
        _buildah(
            "run", "--isolation", "chroot", container, "--", "ln", "-s", "/usr/bin/python3.11", f"/usr/local/bin/{name}"
        )
    # A mirror that this machine is set to, and whom it trusts, hold inside of a build as well.
    for file in ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt"):
        if Path(file).exists():
            _buildah("copy", container, file, file)
    _buildah("commit", "--rm", container, f"docker.io/library/{parent}")
    archive.unlink()


def build(image: Image) -> None:
    """BuildFailed with the end of the output."""
    proxies = [f"--env={name}={os.environ[name]}" for name in ("PIP_INDEX_URL", "PIP_CERT") if name in os.environ]
    _buildah(
        "bud", "--isolation", "chroot", "--pull-never", "--network", "host", "--format", "docker", *proxies,
        "--file", image.dockerfile, "--tag", image.tag, str(ROOT),
    )  # fmt: skip


def container_of(image: Image) -> str:
    """A container to run commands in; `remove` it afterwards."""
    return _buildah("from", "--pull-never", image.tag).strip()


def remove(container: str) -> None:
    """Forgets a container of `container_of`."""
    _buildah("rm", container, check=False)


def run_command_line(container: str, variables: dict[str, str], *command: str) -> list[str]:
    """The command line that runs `command` in the container as the image's own user."""
    given = [f"--env={name}={value}" for name, value in variables.items()]
    return [*_BUILDAH, "run", "--isolation", "chroot", "--network", "host", *given, container, "--", *command]


_BUILDAH = [
    "buildah", "--root", str(WORK / "storage"), "--runroot", str(WORK / "run"), "--storage-driver", "vfs",
]  # fmt: skip


def _buildah(*arguments: str, check: bool = True) -> str:
    return _run([*_BUILDAH, *arguments], check=check)


def _run(command: list[str], environment: dict[str, str] | None = None, *, check: bool = True) -> str:
    # Words of ours and paths of this checkout; no shell reads them.
    done = subprocess.run(  # noqa: S603
        command, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False, cwd=ROOT
    )
    if check and done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise BuildFailed(f"{' '.join(command[:8])} … ended with {done.returncode}:\n{end}")
    return done.stdout
