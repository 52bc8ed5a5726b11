"""Who sits at the terminal, for journals and audits."""

from __future__ import annotations

import os
import pwd
import socket


def whoami() -> str:
    """The operating system's user and host: not what the environment claims."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"
