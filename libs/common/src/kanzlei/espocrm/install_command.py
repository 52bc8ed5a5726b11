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
from dataclasses import replace
from pathlib import Path

from kanzlei.espocrm.api import Api, admin_login
from kanzlei.espocrm.arguments import address
from kanzlei.espocrm.env_file import EnvFileUnusable, ensure_writable, set_variables
from kanzlei.espocrm.install import Installer, NotAnAdministrator, Report, words
from kanzlei.espocrm.plan import Administration, Plan
from kanzlei.espocrm.target import USER, target
from kanzlei.espocrm.target_parts import PART_NAMES
from synckit.errors import SyncError, TransientError

WRONG_CALL, AWAY, REFUSED = 2, 3, 4


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
    parser.add_argument("--ingress-url", type=address, help="the webhook ingress, for the lines to paste")
    parser.add_argument("--json", action="store_true", help="the report as JSON, without the key")


def run(chosen: argparse.Namespace) -> int:
    """The exit status."""
    if chosen.json and not (chosen.dry_run or chosen.env_file):
        return _say("--json needs --env-file (or --dry-run): the report holds no key", WRONG_CALL)
    try:
        if chosen.env_file and not chosen.dry_run:
            ensure_writable(chosen.env_file)
        password = _password(chosen)
        return asyncio.run(_run(chosen, password))
    except EnvFileUnusable as error:
        return _say(f"the file for the key can't be used: {error}", WRONG_CALL)
    except NotAnAdministrator as error:
        return _say(words(error, chosen.url), REFUSED)
    except SyncError as error:
        return _say(words(error, chosen.url), AWAY if isinstance(error, TransientError) else REFUSED)


async def _run(chosen: argparse.Namespace, password: str) -> int:
    wanted = replace(target(chosen.parts), user_name=chosen.user)
    api = Api(chosen.url, admin_login(chosen.admin, password))
    installer = Installer(api, wanted, chosen.auth, chosen.ingress_url or "")
    try:
        seen, planned = await installer.look()
        if chosen.dry_run:
            return _told(installer.foreseen(seen, planned), chosen)
        _show(seen, planned, chosen)
        if planned.steps and not chosen.yes and not _confirmed(len(planned.steps)):
            return _say("declined: nothing was written", REFUSED)
        return _told(await installer.carry_out(planned, _progress), chosen)
    finally:
        await installer.api.close()


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


def _show(seen: Administration, planned: Plan, chosen: argparse.Namespace) -> None:
    sys.stderr.write(f"EspoCRM {seen.installation.version} at {chosen.url}\n")
    if not chosen.yes:
        sys.stderr.writelines(f"plan: {step.kind:<7} {step.what}: {step.why}\n" for step in planned.steps)


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _told(report: Report, chosen: argparse.Namespace) -> int:
    keys = dict(report.credentials)
    if chosen.env_file and keys:
        set_variables(chosen.env_file, {"ESPOCRM_BASE_URL": chosen.url, **keys})
    if chosen.json:
        sys.stdout.write(json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n")
        return report.status
    lines = [*_work(report), *_rest(report), *_keys(report, keys, chosen)]
    sys.stdout.write("\n".join([*lines, *_next(report, chosen)]) + "\n")
    return report.status


def _work(report: Report) -> list[str]:
    if report.dry_run:
        steps = [f"would do: {step.kind:<7} {step.what}: {step.why}" for step in report.planned]
        return [f"EspoCRM {report.version}", *steps, f"{len(steps)} steps to do; nothing was written"]
    if not report.planned:
        return ["nothing to do: EspoCRM has all that is needed"]
    return [f"done: {report.done} of {len(report.planned)} steps"]


def _rest(report: Report) -> list[str]:
    lines = [f"refused: {each.step.kind} {each.step.what}: {each.reason}" for each in report.failed]
    lines += [f"still missing: {step.kind} {step.what}: {step.why}" for step in report.left]
    lines += [f"blocked: {each.what}: {each.why}; {each.mend}" for each in report.blocked]
    for each in report.by_hand:
        lines += ["", f"by hand, in {each.where} ({each.why}):", *(f"    {line}" for line in each.lines)]
    return lines


def _keys(report: Report, keys: dict[str, str], chosen: argparse.Namespace) -> list[str]:
    if chosen.env_file and keys:
        return ["", f"the API user's key is in {chosen.env_file} (mode 600)"]
    if not any(step.kind == "user" and step.method == "POST" for step in report.planned):
        return []
    return ["", "the API user's key, shown here only:", *(f"    {name}={value}" for name, value in keys.items())]


def _next(report: Report, chosen: argparse.Namespace) -> list[str]:
    if report.dry_run:
        return []
    ingress = chosen.ingress_url or "https://sync.kanzlei.example"
    return [
        "",
        "next, with these variables set:",
        f"    python -m webhook_ingress.register --espocrm-url {chosen.url} --url {ingress} \\",
        "        --secrets-file var/webhook-secrets.json",
        f"    python -m kanzlei.espocrm check --url {chosen.url} --ingress-url {ingress}",
    ]


def _say(text: str, status: int) -> int:
    sys.stderr.write(f"{text}\n")
    return status
