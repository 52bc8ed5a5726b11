"""`python -m demo [--workers N] [--keep] [--json] [--only N ...] [--state-dir DIR]`: a morning in the office."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp
from rich.console import Console

from demo import (
    steps_calendar,
    steps_calendar_trouble,
    steps_children,
    steps_consultation,
    steps_daily,
    steps_documents,
    steps_kommunikation,
    steps_links,
    steps_loss,
    steps_trouble,
)
from demo.morning import STATE_DIR, Morning, alone, morning, office
from demo.show import Result, Show, write_results
from demo.wait import StepFailedError
from deploy.grafana.ask import Found, asked
from deploy.grafana.catalogue import BOARDS
from deploy.local.addresses import Addresses
from deploy.local.office import Office
from deploy.local.supervisor import StackError
from deploy.local.waiting import TooLateError, wait_until
from deploy.local.watching import Watching
from synckit.command import run_command

Step = Callable[[Morning], Awaitable[str]]
STEPS: tuple[Step, ...] = (
    steps_daily.create_person_and_company,
    steps_daily.change_twelve_at_once,
    steps_daily.change_at_a_desk,
    steps_daily.change_on_both_sides,
    steps_daily.disagree,
    steps_trouble.kill_the_worker,
    steps_trouble.outage,
    steps_trouble.delete_in_advoware,
    steps_loss.lose_webhooks,
    steps_loss.forge_a_signature,
    steps_children.address_with_a_read_only_field,
    steps_children.account_changed,
    steps_children.child_before_its_party,
    steps_kommunikation.two_mails_changed_on_both_sides,
    steps_kommunikation.phone_typed_at_a_desk,
    steps_kommunikation.slot_reused,
    steps_links.address_linked_later,
    steps_trouble.a_lie_is_held,
    steps_calendar.appointment_in_the_phone,
    steps_calendar.moved_in_google,
    steps_calendar.both_changed,
    steps_calendar.series_over_the_clock_change,
    steps_calendar_trouble.own_deleted_in_google,
    steps_calendar_trouble.theirs_deleted_in_google,
    steps_calendar_trouble.empty_list,
    steps_calendar_trouble.killed_between_insert_and_save,
    steps_calendar_trouble.write_protection,
    steps_consultation.call_again,
    steps_documents.found_in_its_matter,
    steps_documents.sent_once,
    steps_documents.taken_back,
)
STEP_LIMIT = 600.0


def sentence(step: Step) -> str:
    """What the step is called on the screen: its docstring."""
    return " ".join((step.__doc__ or "").split())


async def play(stack: Office, addresses: Addresses, numbers: Sequence[int], show: Show) -> list[Result]:
    """Play these steps one after another; a step that fails does not end the morning."""
    results = []
    async with morning(stack, addresses) as seen:
        for number in numbers:
            with show.playing(number, sentence(STEPS[number - 1])):
                result = await play_one(STEPS[number - 1], seen)
            show.played(number, result)
            results.append(result)
    return results


async def play_one(step: Step, seen: Morning) -> Result:
    """One step, timed; whatever goes wrong in it is its result."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(STEP_LIMIT):
            ok, text = True, await step(seen)
    except (StepFailedError, StackError, aiohttp.ClientError, TimeoutError) as error:
        ok, text = False, str(error) or type(error).__name__
    return Result(sentence(step), ok, round(time.monotonic() - began, 2), text)


def dashboards(prometheus_url: str) -> Result:
    """Every panel of every dashboard is asked of the Prometheus that watched, once it has seen the last step twice."""
    began, found = time.monotonic(), list[Found]()

    def nothing_is_missing() -> bool:
        found[:] = [each for board in BOARDS for each in asked(prometheus_url, board)]
        return not any(each.is_failure for each in found)

    with suppress(TooLateError):
        wait_until(nothing_is_missing, "data for all panels", limit=30.0)
    empty = [f"{each.board}: {each.title}" for each in found if each.is_failure]
    seen = f"{sum(each.series > 0 for each in found)} of {len(found)} panels have data"
    told = f"{seen}; empty without a reason: {', '.join(empty)}" if empty else f"{seen}; the others say why not"
    return Result("The dashboards show the morning.", not empty, round(time.monotonic() - began, 2), told)


def _end(*_: object) -> None:
    raise KeyboardInterrupt


def run(stack: Office, numbers: Sequence[int], keep: bool, show: Show) -> list[Result]:
    """Start the stack, play, end the stack; the stack stays only where it is wanted and nothing broke off."""
    if stack.supervisor.known():
        show.say("ending what is left of an earlier demo")
        stack.stop()
    began, finished = time.monotonic(), False
    try:
        show.say("starting Kafka, PostgreSQL, Redis, the sandboxes and our services")
        addresses = stack.start()
        show.say(f"all ready after {time.monotonic() - began:.1f} s")
        show.say(f"EspoCRM {addresses.espocrm_url}, Advoware {addresses.advoware_url}, Google {addresses.google_url}")
        results = asyncio.run(play(stack, addresses, numbers, show))
        if stack.watching is not None:
            results.append(dashboards(stack.prometheus_url))
            show.played(len(STEPS) + 1, results[-1])
        show.summary(results, time.monotonic() - began)
        finished = True
    finally:
        if keep and finished:
            show.say(
                f"still running; to end it: python -m deploy.local.stack --state-dir {_short(stack.state_dir)} down"
            )
        else:
            stack.stop()
    return results


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--workers", type=int, default=1, help="how many workers share the syncs")
    parser.add_argument("--secure", action="store_true", help="Kafka with TLS, passwords and rights")
    parser.add_argument("--keep", action="store_true", help="leave everything running to play with")
    parser.add_argument("--prometheus", action="store_true", help="a Prometheus watches; panels that stay empty fail")
    parser.add_argument("--json", action="store_true", help="print the results as JSON, the show goes to stderr")
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="play only these steps")
    parser.add_argument("--state-dir", type=Path, default=STATE_DIR, help="folder of the stack; results go beside it")
    given = parser.parse_args()
    if given.workers < 1 or any(not 1 <= number <= len(STEPS) for number in given.only or ()):
        parser.error(f"workers from 1, steps from 1 to {len(STEPS)}")
    return given


def main() -> int:
    """Play; 0 where every step was ok."""
    given = _arguments()
    show, numbers = Show(Console(stderr=given.json)), given.only or range(1, len(STEPS) + 1)
    result_file = given.state_dir.with_suffix(".json")
    signal.signal(signal.SIGTERM, _end)
    try:
        with alone(given.state_dir):
            result_file.unlink(missing_ok=True)
            stack = office(given.workers, given.state_dir, secure=given.secure)
            stack.watching = Watching() if given.prometheus else None
            results = run(stack, numbers, given.keep, show)
            text = write_results(result_file, results)
    except StackError as error:
        show.say(f"the stack did not start: {error}")
        return 1
    except KeyboardInterrupt:
        show.say("interrupted; everything is ended")
        return 130
    if given.json:
        sys.stdout.write(text)
    return 0 if results and all(result.ok for result in results) else 1


if __name__ == "__main__":
    run_command(main)
