"""`python -m kanzlei.espocrm install`: the command line around `install`.

Exit status: 0 done, or nothing to do; 1 not wholly done (what and why is printed); 2 wrong call; 3 EspoCRM is away;
4 EspoCRM refuses the login, or the plan was declined.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from kanzlei.espocrm.api import Api, admin_login
from kanzlei.espocrm.arguments import AWAY, KEY, REFUSED, SECRET, address, told
from kanzlei.espocrm.client import EspoAuth, EspoClient
from kanzlei.espocrm.env_file import EnvFileUnusable, ensure_writable, set_variables
from kanzlei.espocrm.install import Installer, NotAnAdministrator, credentials, words
from kanzlei.espocrm.install_words import Outcome, Places, lines
from kanzlei.espocrm.plan import Administration, Plan
from kanzlei.espocrm.register import Report as Registered
from kanzlei.espocrm.register import register
from kanzlei.espocrm.secrets_file import SecretsFileUnusable, ensure_usable
from kanzlei.espocrm.target import USER, target
from kanzlei.espocrm.target_parts import PART_NAMES
from kanzlei.espocrm.webhook_client import EspoWebhooks
from kanzlei.espocrm.webhooks import wanted as all_webhooks
from synckit.errors import PermanentError, SyncError, TransientError

WRONG_CALL = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", type=address, required=True, help="EspoCRM's address, without /api/v1")
    parser.add_argument("--admin", required=True, metavar="NAME", help="an administrator's user name")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    parser.add_argument("--dry-run", action="store_true", help="print the plan, write nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask before writing")
    parser.add_argument("--env-file", type=Path, help="where the API key is kept (mode 600); else it is shown once")
    parser.add_argument("--auth", choices=("ApiKey", "Hmac"), default="ApiKey", help="of a new API user")
    parser.add_argument("--user", default=USER, metavar="NAME", help=f"the API user's name ({USER})")
    parser.add_argument("--with", dest="parts", action="append", choices=PART_NAMES, default=[], help="also for these")
    parser.add_argument("--ingress-url", type=address, help="the webhook ingress, as EspoCRM reaches it")
    parser.add_argument(
        "--secrets-file",
        type=Path,
        help="also register the webhooks, and keep their secrets here (mode 600); needs --ingress-url",
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON, without the key")


def run(chosen: argparse.Namespace) -> int:
    """The exit status."""
    if chosen.json and not (chosen.dry_run or chosen.env_file):
        return _say("--json needs --env-file (or --dry-run): the report holds no key", WRONG_CALL)
    if chosen.secrets_file and not chosen.ingress_url:
        return _say("--secrets-file needs --ingress-url: the address that the webhooks are sent to", WRONG_CALL)
    try:
        if not chosen.dry_run:
            _try_files(chosen)
        password = _password(chosen)
        return asyncio.run(_run(chosen, password))
    except EnvFileUnusable as error:
        return _say(f"the file for the key can't be used: {error}", WRONG_CALL)
    except SecretsFileUnusable as error:
        return _say(f"the secrets file can't be used: {error}", WRONG_CALL)
    except NotAnAdministrator as error:
        return _say(words(error, chosen.url), REFUSED)
    except SyncError as error:
        return _say(words(error, chosen.url), AWAY if isinstance(error, TransientError) else REFUSED)


def _try_files(chosen: argparse.Namespace) -> None:
    """Before a key or a secret is made that could not be kept."""
    if chosen.env_file:
        ensure_writable(chosen.env_file)
    if chosen.secrets_file:
        ensure_usable(chosen.secrets_file)


async def _run(chosen: argparse.Namespace, password: str) -> int:
    wanted = replace(target(chosen.parts), user_name=chosen.user)
    api = Api(chosen.url, admin_login(chosen.admin, password))
    installer = Installer(api, wanted, chosen.auth, chosen.ingress_url or "")
    try:
        seen, planned = await installer.look()
        webhooks = await _foreseen(chosen, credentials(seen.user))
        if chosen.dry_run:
            return _told(Outcome(installer.foreseen(seen, planned), webhooks), chosen)
        _show(seen, planned, webhooks, chosen)
        writes = len(planned.steps) + (len(webhooks.missing) if webhooks else 0)
        if writes and not chosen.yes and not _confirmed(writes):
            return _say("declined: nothing was written", REFUSED)
        report = await installer.carry_out(planned, _progress)
    finally:
        await installer.api.close()
    if chosen.env_file and report.credentials:
        set_variables(chosen.env_file, {"ESPOCRM_BASE_URL": chosen.url, **report.credentials})
    return await _registered(Outcome(report, keys=report.credentials), chosen)


async def _foreseen(chosen: argparse.Namespace, keys: Mapping[str, str]) -> Registered | None:
    """Which webhooks are missing, as the API user sees them; all where it can't see any yet."""
    if not chosen.secrets_file:
        return None
    if keys:
        with suppress(PermanentError):
            return await _register(chosen, keys, dry_run=True)
    return Registered(dry_run=True, missing=list(all_webhooks(chosen.ingress_url)))


async def _registered(outcome: Outcome, chosen: argparse.Namespace) -> int:
    """The last step. What was done before it is told, however it ends."""
    status = 0
    if chosen.secrets_file and not outcome.keys:
        outcome = replace(outcome, trouble="there is no API user with a key that could own them")
        status = 1
    elif chosen.secrets_file:
        try:
            outcome = replace(outcome, webhooks=await _register(chosen, outcome.keys, dry_run=False))
        except SyncError as error:
            text, status = told(error)
            outcome = replace(outcome, trouble=text)
    return _told(outcome, chosen) or status


async def _register(chosen: argparse.Namespace, keys: Mapping[str, str], *, dry_run: bool) -> Registered:
    """As the API user: EspoCRM shows nobody another's webhooks, and skipOwn leaves out what their owner changes."""
    client = EspoClient(chosen.url, EspoAuth(keys[KEY], keys.get(SECRET)))
    try:
        return await register(EspoWebhooks(client), chosen.ingress_url, chosen.secrets_file, dry_run=dry_run)
    finally:
        await client.close()


def _password(chosen: argparse.Namespace) -> str:
    if chosen.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return getpass.getpass(f"Password of {chosen.admin}: ")


def _confirmed(steps: int) -> bool:
    """False where nobody can answer: then --yes is needed."""
    if not sys.stdin.isatty():
        sys.stderr.write("no terminal to ask at: --yes confirms\n")
        return False
    sys.stderr.write(f"Carry out {steps} steps? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes", "j", "ja")


def _show(seen: Administration, planned: Plan, webhooks: Registered | None, chosen: argparse.Namespace) -> None:
    sys.stderr.write(f"EspoCRM {seen.installation.version} at {chosen.url}\n")
    if not chosen.yes:
        sys.stderr.writelines(f"plan: {step.kind:<7} {step.what}: {step.why}\n" for step in planned.steps)
        missing = webhooks.missing if webhooks else ()
        sys.stderr.writelines(f"plan: webhook {one.event}: to {one.url}\n" for one in missing)


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _told(outcome: Outcome, chosen: argparse.Namespace) -> int:
    places = Places(chosen.url, chosen.ingress_url or "", chosen.env_file, chosen.secrets_file)
    shown = (
        json.dumps(outcome.as_json(), indent=2, ensure_ascii=False)
        if chosen.json
        else "\n".join(lines(outcome, places))
    )
    sys.stdout.write(f"{shown}\n")
    return outcome.status


def _say(text: str, status: int) -> int:
    sys.stderr.write(f"{text}\n")
    return status
