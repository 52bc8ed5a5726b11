"""`python -m webhook_ingress`: settings, wiring, run."""

from __future__ import annotations

import asyncio

from synckit.runtime.logging import configure
from synckit.runtime.settings import load
from webhook_ingress.app import build
from webhook_ingress.settings import Settings


def main() -> int:
    settings = load(Settings)
    configure(settings.service, level=settings.log.level, style=settings.log.format)
    return asyncio.run(build(settings).run())


if __name__ == "__main__":
    raise SystemExit(main())
