"""Free ports on loopback, kept in the state folder so that a stack that is started again has its old addresses."""

from __future__ import annotations

import json
import random
import socket
import threading
from pathlib import Path

from deploy.local.supervisor import StackError

LOOPBACK = "127.0.0.1"
# Below the range that the kernel hands out to outgoing connections, which could take a port that just was free.
RANGE = range(20_000, 32_000)


class Ports:
    """One port a name."""

    def __init__(self, state_dir: Path) -> None:
        self._file = state_dir / "ports.json"
        self._lock = threading.Lock()

    def of(self, name: str) -> int:
        """The port kept for this name; raises where none was given yet."""
        try:
            return self._kept()[name]
        except KeyError:
            raise StackError(f"{name} was never started in {self._file.parent}") from None

    def claim(self, name: str) -> int:
        """The kept port if it can be bound now, else a fresh one, which is kept."""
        with self._lock:
            kept = self._kept()
            port = kept.get(name)
            if port is None or not is_free(port):
                port = _fresh(taken=set(kept.values()))
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_suffix(".new")  # others read without the lock: they must never see half a file
            fresh.write_text(json.dumps({**kept, name: port}, indent=1))
            fresh.replace(self._file)
            return port

    def _kept(self) -> dict[str, int]:
        kept: dict[str, int] = json.loads(self._file.read_text()) if self._file.exists() else {}
        return kept


def is_free(port: int) -> bool:
    """Can be bound on loopback and on all addresses, also right after its last owner has gone."""
    for host in (LOOPBACK, "0.0.0.0"):  # noqa: S104 - asked for and let go at once
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def answers(port: int) -> bool:
    """Something accepts connections there (which is no proof of what it is)."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0):
            return True
    except OSError:
        return False


def _fresh(taken: set[int]) -> int:
    for _ in range(200):
        port = random.choice(RANGE)
        if port not in taken and is_free(port):
            return port
    raise StackError("no free port between 20000 and 32000 on 127.0.0.1")
