"""`python -m advoware_proxy.keys`: another name of `python -m kanzlei.keys`, as handbooks of before have it."""

from __future__ import annotations

import sys

from kanzlei.keys import main
from synckit.command import run_command

if __name__ == "__main__":
    run_command(lambda: main(sys.argv[1:], program="python -m advoware_proxy.keys"))
