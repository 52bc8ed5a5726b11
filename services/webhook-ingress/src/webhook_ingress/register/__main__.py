"""Reads the command line, names the adapters, prints the report.

The API key comes from ESPOCRM_API_KEY, the HMAC secret, where there is one, from ESPOCRM_HMAC_SECRET_KEY.

Exit status: 0 done; 1 done but for entity types that EspoCRM lacks; 2 wrong call, variable or secrets file; 3 EspoCRM
is away; 4 EspoCRM refuses; 70 a bug of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from kanzlei.espocrm.arguments import address, our_login, told
from kanzlei.espocrm.client import EspoClient
from kanzlei.espocrm.register import Report, register
from kanzlei.espocrm.secrets_file import SecretsFileUnusable
from kanzlei.espocrm.webhook_client import EspoWebhooks
from synckit.command import run_command
from synckit.errors import SyncError
from synckit.service.settings import refuse


def main(arguments: Sequence[str]) -> int:
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if not (chosen.secrets_file or chosen.dry_run):
        parser.error(
            "--secrets-file is needed: without it nobody would have the keys of the new webhooks (or --dry-run)"
        )
    auth = our_login()
    try:
        report = asyncio.run(_run(EspoClient(chosen.espocrm_url, auth), chosen))
    except SecretsFileUnusable as error:
        refuse(f"the secrets file can't be used: {error}")
    except SyncError as error:
        text, status = told(error)
        sys.stderr.write(f"{text}\n")
        return status
    shown = json.dumps(report.as_json(), indent=2) if chosen.json else "\n".join(report.lines())
    sys.stdout.write(f"{shown}\n")
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
    parser.add_argument("--espocrm-url", type=address, required=True, help="EspoCRM's address, without /api/v1")
    parser.add_argument("--url", type=address, required=True, help="this ingress's address, as EspoCRM reaches it")
    parser.add_argument(
        "--secrets-file",
        type=Path,
        help="where the keys are kept, e.g. var/webhook-secrets.json; needed unless --dry-run",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    return parser


if __name__ == "__main__":
    run_command(lambda: main(sys.argv[1:]))
