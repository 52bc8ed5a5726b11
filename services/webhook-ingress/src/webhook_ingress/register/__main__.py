"""Reads the command line, names the adapters, prints the report.

The API key comes from ESPOCRM_API_KEY, the HMAC secret, where there is one, from ESPOCRM_HMAC_SECRET_KEY.

Exit status: 0 done; 1 done but for entity types that EspoCRM lacks; 2 wrong call, variable or secrets file; 3 EspoCRM
is away; 4 EspoCRM refuses; 70 a bug of ours.
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
from synckit.command import run_command
from synckit.connection_url import check_address, check_key, shown
from synckit.errors import SyncError, TransientError
from synckit.runtime.settings import refuse
from webhook_ingress.register.command import Report, register
from webhook_ingress.register.espo_webhooks import EspoWebhooks
from webhook_ingress.register.secrets_file import SecretsFileUnusable

AWAY, REFUSED = 3, 4


def main(arguments: Sequence[str]) -> int:
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if not (chosen.secrets_file or chosen.dry_run):
        parser.error(
            "--secrets-file is needed: without it nobody would have the keys of the new webhooks (or --dry-run)"
        )
    api_key = _key("ESPOCRM_API_KEY")
    if not api_key:
        refuse("ESPOCRM_API_KEY: missing. Expected: API key of our API user.")
    auth = EspoAuth(api_key, _key("ESPOCRM_HMAC_SECRET_KEY"))
    try:
        report = asyncio.run(_run(EspoClient(chosen.espocrm_url, auth), chosen))
    except SecretsFileUnusable as error:
        refuse(f"the secrets file can't be used: {error}")
    except SyncError as error:
        sys.stderr.write(f"{error}\n")
        return AWAY if isinstance(error, TransientError) else REFUSED
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
        epilog=__doc__.rpartition("\n\n")[2],
    )
    parser.add_argument("--espocrm-url", type=_address, required=True, help="EspoCRM's address, without /api/v1")
    parser.add_argument("--url", type=_address, required=True, help="this ingress's address, as EspoCRM reaches it")
    parser.add_argument(
        "--secrets-file",
        type=Path,
        help="where the keys are kept, e.g. var/webhook-secrets.json; needed unless --dry-run",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    return parser


def _address(text: str) -> str:
    """As the services check theirs."""
    try:
        check_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no address like https://crm.kanzlei.example") from None
    return text.rstrip("/")


def _key(variable: str) -> str | None:
    value = os.environ.get(variable)
    try:
        check_key(value) if value else None
    except ValueError as error:
        refuse(f"{variable}: wrong: {error}.")
    return value or None


if __name__ == "__main__":
    run_command(lambda: main(sys.argv[1:]))
