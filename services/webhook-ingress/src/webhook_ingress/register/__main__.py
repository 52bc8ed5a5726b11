"""Reads the command line, names the adapters, prints the report.

The API key comes from ESPOCRM_API_KEY, the HMAC secret, where there is one, from ESPOCRM_HMAC_SECRET_KEY.
Exit status: 0 done, 1 EspoCRM could not be asked, 2 wrong call, 3 done but for entity types that EspoCRM lacks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from synckit.adapters.espocrm import EspoAuth, EspoClient
from synckit.errors import SyncError
from synckit.runtime.settings import refuse
from webhook_ingress.register.command import Report, register
from webhook_ingress.register.espo_webhooks import EspoWebhooks


def main(arguments: Sequence[str]) -> int:
    chosen = _parser().parse_args(arguments)
    api_key = os.environ.get("ESPOCRM_API_KEY")
    if not api_key:
        refuse("ESPOCRM_API_KEY: missing. Expected: API key of our API user.")
    auth = EspoAuth(api_key, os.environ.get("ESPOCRM_HMAC_SECRET_KEY") or None)
    try:
        report = asyncio.run(_run(EspoClient(chosen.espocrm_url.rstrip("/"), auth), chosen))
    except (SyncError, ValueError, OSError) as error:
        sys.stderr.write(f"{_words(error)}\n")
        return 1
    text = json.dumps(report.as_json(), indent=2) if chosen.json else "\n".join(report.lines())
    sys.stdout.write(f"{text}\n")
    return report.status


async def _run(client: EspoClient, chosen: argparse.Namespace) -> Report:
    try:
        return await register(EspoWebhooks(client), chosen.url, chosen.secrets_file, dry_run=chosen.dry_run)
    finally:
        await client.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m webhook_ingress.register",
        description="Creates what is missing of our webhooks in EspoCRM and keeps their keys.",
    )
    parser.add_argument("--espocrm-url", required=True, help="EspoCRM's address, without /api/v1")
    parser.add_argument("--url", required=True, help="this ingress's address, as EspoCRM reaches it")
    parser.add_argument("--secrets-file", type=Path, help="where the keys are kept, e.g. var/webhook-secrets.json")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    return parser


def _words(error: Exception) -> str:
    if isinstance(error, SyncError):
        return str(error)
    return f"{type(error).__name__}: the secrets file can't be used, or an address is wrong"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
