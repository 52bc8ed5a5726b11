"""`python -m kanzlei.espocrm check`: names every difference, with its consequence and its mend.

The API user's key comes from ESPOCRM_API_KEY, the HMAC secret, where there is one, from ESPOCRM_HMAC_SECRET_KEY.

Exit status: 0 as it must be, but for warnings; 1 differences that are errors; 2 wrong call or variable; 3 EspoCRM is
away; 4 EspoCRM refuses the key.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence

from kanzlei.espocrm.api import Api
from kanzlei.espocrm.arguments import address, our_login, told
from kanzlei.espocrm.difference import Difference, Severity
from kanzlei.espocrm.differences import differences
from kanzlei.espocrm.look import installation
from kanzlei.espocrm.observed import Installation
from kanzlei.espocrm.target import target
from kanzlei.espocrm.target_parts import PART_NAMES
from synckit.errors import SyncError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    known = os.environ.get("ESPOCRM_BASE_URL")
    parser.add_argument(
        "--url", type=address, default=known, required=not known, help="EspoCRM's address (ESPOCRM_BASE_URL)"
    )
    parser.add_argument("--ingress-url", type=address, help="also compare the webhooks' addresses")
    parser.add_argument("--with", dest="parts", action="append", choices=PART_NAMES, default=[], help="also for these")
    parser.add_argument("--json", action="store_true", help="the differences as JSON")


def run(chosen: argparse.Namespace) -> int:
    """The exit status."""
    auth = our_login()
    try:
        seen = asyncio.run(_look(Api(chosen.url, auth.headers), chosen))
    except SyncError as error:
        text, status = told(error)
        sys.stderr.write(f"{text}\n")
        return status
    found = differences(seen, target(chosen.parts), ingress_url=chosen.ingress_url or "")
    sys.stdout.write(f"{_as_json(seen, found) if chosen.json else _as_text(seen, found)}\n")
    return 1 if any(each.severity is Severity.ERROR for each in found) else 0


async def _look(api: Api, chosen: argparse.Namespace) -> Installation:
    try:
        return await installation(api, target(chosen.parts))
    finally:
        await api.close()


def _as_json(seen: Installation, found: Sequence[Difference]) -> str:
    told = {"version": seen.version, "differences": [each.as_json() for each in found]}
    return json.dumps(told, indent=2, ensure_ascii=False)


def _as_text(seen: Installation, found: Sequence[Difference]) -> str:
    errors = sum(each.severity is Severity.ERROR for each in found)
    lines = [line for each in found for line in each.lines()]
    return "\n".join([f"EspoCRM {seen.version}: {errors} errors, {len(found) - errors} warnings", *lines])
