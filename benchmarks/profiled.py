"""`python -m benchmarks.profiled FILE MODULE [ARGUMENTS]`: runs a module under cProfile, from import to its end."""

from __future__ import annotations

import cProfile
import runpy
import sys


def main() -> None:
    path, module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    profile = cProfile.Profile()
    try:
        profile.runcall(runpy.run_module, module, run_name="__main__", alter_sys=True)
    finally:
        profile.dump_stats(path)


if __name__ == "__main__":
    main()
