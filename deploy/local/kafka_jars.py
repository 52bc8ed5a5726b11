"""Kafka's jars: fetched by exact version, checked against the hashes of the repository, kept in the user's cache.

`python -m deploy.local.kafka_jars` fetches them; with `lock` it resolves them afresh and rewrites the hash file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.supervisor import StackError
from synckit.command import run_command

KAFKA_VERSION = "4.3.1"
LOG4J_VERSION = "2.25.4"  # the log4j-core that Kafka brings along; without a binding in its version Kafka is mute
ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-tools:{KAFKA_VERSION}",
    f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J_VERSION}",
)
HASH_FILE = Path(__file__).with_name("kafka-jars.sha256")
ATTEMPTS = 3


@dataclass(frozen=True)
class Jar:
    """One line of the hash file: `group:artifact version sha256`."""

    name: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """As in the class path; the group is left out, as Maven does."""
        return f"{self.name.partition(':')[2]}-{self.version}.jar"


def cache_dir() -> Path:
    """Shared by all checkouts of one user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "synckit"


def declared_jars() -> list[Jar]:
    """The jars that were tested."""
    lines = (line.split() for line in HASH_FILE.read_text().splitlines() if line and not line.startswith("#"))
    return [Jar(name, version, sha256) for name, version, sha256 in lines]


def kafka_home() -> Path:
    """Folder with all jars, checked; fetches them if this user has none yet."""
    identity = hashlib.sha256(HASH_FILE.read_bytes()).hexdigest()[:12]
    home = cache_dir() / f"kafka-{KAFKA_VERSION}-{identity}"
    if not home.is_dir():
        _install(home)
    return home


def class_path() -> str:
    """For `java -cp`: all jars, as one short word."""
    return f"{kafka_home()}/*"


def _install(home: Path) -> None:
    """Build the folder beside its place and move it there: two checkouts may do this at once."""
    home.parent.mkdir(parents=True, exist_ok=True)
    _say(f"fetching Kafka {KAFKA_VERSION} (once for this user)")
    context = _maven()
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".kafka-") as folder:
        target = Path(folder) / "jars"
        target.mkdir()
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(lambda jar: _fetch(context, jar, target), declared_jars()))
        try:
            target.rename(home)
        except OSError:
            if not home.is_dir():
                raise


def _fetch(context: Any, jar: Jar, target: Path) -> None:
    group, _, artifact = jar.name.partition(":")
    wanted = context.project(group, artifact).at_version(jar.version).artifact()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            path = wanted.resolve()
        except Exception as error:  # jgo raises whatever its HTTP library does
            if attempt == ATTEMPTS:
                raise StackError(f"{jar.name} {jar.version} could not be fetched: {type(error).__name__}") from error
            continue
        if _sha256(path) == jar.sha256:
            shutil.copyfile(path, target / jar.file_name)
            return
        path.unlink()
    raise StackError(f"{jar.name} {jar.version} is not the file that {HASH_FILE.name} names")


def lock() -> None:
    """Resolve the roots afresh and write what was found to the hash file."""
    context = _maven()
    given, transitive = context.resolver.resolve([context.create_dependency(f"{root}!") for root in ROOTS])
    found = [*given, *(each for each in transitive if each.scope in ("compile", "runtime"))]
    lines = {
        f"{each.groupId}:{each.artifactId} {each.version} {_sha256(each.artifact.resolve())}"
        for each in found
        if each.type == "jar"
    }
    HASH_FILE.write_text("# group:artifact version sha256; made by `python -m deploy.local.kafka_jars lock`\n")
    with HASH_FILE.open("a") as file:
        file.writelines(f"{line}\n" for line in sorted(lines))


def _maven() -> Any:
    from jgo.maven import MavenContext  # a dependency of the local stack only, and slow to import

    return MavenContext(repo_cache=cache_dir() / "maven", timeout=60)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> None:
    """Fetches what is missing and says where it is; with `lock` the hashes are made afresh before."""
    if sys.argv[1:] == ["lock"]:
        lock()
    _say(str(kafka_home()))


if __name__ == "__main__":
    run_command(main)
