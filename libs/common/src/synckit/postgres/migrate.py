"""Compares a database's schemas with ours, or brings them there: `public` and those of all services, or of one.

`check` and `status` compare; `apply` and `migrate` bring them there, step by step, but for contracts: those end the
time in which older code runs, so they are refused without --forward-only. Reads DATABASE_URL.

Exit status: 0 as it should be; 1 it differs, or a step was refused; 2 wrong call or variable; 3 the database is away or
refuses; 70 a bug of ours.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import asyncpg
import sqlalchemy

from synckit.command import run_command
from synckit.connection_url import check_url
from synckit.postgres.branch import PUBLIC, Branch, branches, records
from synckit.postgres.upgrade import LONGEST_WAIT, ONE_AT_A_TIME, Report, planned_sql, status, upgrade

__all__ = ["ONE_AT_A_TIME", "apply", "head", "main"]
PROGRAM = "python -m synckit.postgres"
_CHANGES = ("apply", "migrate")


def head() -> str:
    """The newest revision of `public` that this code brings along."""
    return records().head


def apply(dsn: str, wait: int = LONGEST_WAIT) -> list[Report]:
    """All branches that can be imported here."""
    return upgrade(dsn, branches(), wait=wait)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    options = _parser().parse_args(argv)
    chosen = _chosen(options.service)
    if not chosen:
        known = ", ".join(branch.name for branch in branches())
        sys.stderr.write(f"--service {options.service}: no such branch; there are {known}\n")
        return 2
    dsn = os.environ.get("DATABASE_URL", "")
    if not dsn:
        sys.stderr.write("DATABASE_URL is not set\n")
        return 2
    try:
        check_url(dsn, ("postgresql", "postgres"))
    except ValueError as error:
        sys.stderr.write(f"DATABASE_URL: wrong: {error}\n")
        return 2
    try:
        return _run(options, dsn, chosen)
    except (
        OSError,
        TimeoutError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        sqlalchemy.exc.SQLAlchemyError,
    ) as error:
        sys.stderr.write(f"the database is away or refuses: {type(error).__name__}{_state(error)}\n")
        return 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    parser.add_argument("command", choices=["status", "migrate", "check", "apply"])
    parser.add_argument("--service", metavar="NAME", help="its branch alone; `public` is what is older than branches")
    parser.add_argument("--forward-only", action="store_true", help="contracts too: older code stops working")
    parser.add_argument("--dry-run", action="store_true", help="print the SQL, change nothing")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    parser.add_argument("--wait", type=int, default=LONGEST_WAIT, metavar="SECONDS", help="for a lock; then exit 3")
    return parser


def _chosen(service: str | None) -> list[Branch]:
    """All, or that one after the branch that it needs."""
    found = branches()
    named = [branch for branch in found if service in (None, *_names(branch))]
    needed = {branch.needs for branch in named}
    return [branch for branch in found if branch in named or branch.name in needed]


def _names(branch: Branch) -> tuple[str, ...]:
    return branch.name, branch.name.replace("_", "-"), branch.schema


def _run(options: argparse.Namespace, dsn: str, chosen: Sequence[Branch]) -> int:
    changes = options.command in _CHANGES
    if changes and options.dry_run:
        sys.stdout.write(planned_sql(dsn, chosen, forward_only=options.forward_only))
        return 0
    if changes:
        reports = upgrade(dsn, chosen, wait=options.wait, forward_only=options.forward_only)
    else:
        reports = status(dsn, chosen)
    if options.json:
        sys.stdout.write(json.dumps(_as_json(reports, options.command)) + "\n")
    else:
        sys.stdout.writelines(_in_words(report, changes=changes) for report in reports)
    refused = [report for report in reports if changes and report.refused]
    for report in refused:
        steps = ", ".join(report.refused)
        sys.stderr.write(f"{report.branch.name}: {steps} refused: a contract, older code stops: --forward-only\n")
    return 0 if all(report.ok for report in reports) and not refused else 1


def _as_json(reports: Sequence[Report], task: str) -> dict[str, Any]:
    """`check` and `apply` answer of `public` what they always have, `ok` is of all branches."""
    ok = all(report.ok for report in reports)
    if task in ("check", "apply"):
        first = reports[0]
        return {"current": first.current, "head": first.branch.head, "pending": list(first.pending), "ok": ok}
    return {"ok": ok, "branches": [_branch_as_json(report) for report in reports]}


def _branch_as_json(report: Report) -> dict[str, Any]:
    return {
        "service": report.branch.name,
        "schema": report.branch.schema,
        "current": report.current,
        "head": report.branch.head,
        "oldest_code": report.oldest_code,
        "pending": list(report.pending),
        "refused": list(report.refused),
        "ok": report.ok,
    }


def _in_words(report: Report, *, changes: bool) -> str:
    branch = report.branch
    named = "schema" if branch.schema == PUBLIC else f"schema {branch.schema}"
    if changes:
        applied = ", ".join(one for one in report.pending if one not in report.refused)
        return f"{named} is {report.current or 'empty'}" + (
            f" (applied {applied})\n" if applied else " (nothing to do)\n"
        )
    if report.ok:
        return f"{named} is {report.current}, as it should be{_more(report)}\n"
    pending = ", ".join(report.pending)
    return f"{named} is {report.current or 'empty'}, should be {branch.needed}; pending: {pending or 'none known'}\n"


def _more(report: Report) -> str:
    if report.current > report.branch.head:
        return f": newer than this code, and for code from {report.oldest_code} on"
    return f"; contracts pending: {', '.join(report.pending)}" if report.pending else ""


def _state(error: Exception) -> str:
    state = getattr(getattr(error, "orig", None) or error, "sqlstate", None)
    return f" ({state})" if state else ""


if __name__ == "__main__":
    run_command(main)
