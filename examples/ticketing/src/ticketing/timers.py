"""The SLA timer: looks for overdue tickets for ever. Trouble is told and ends nothing."""

import structlog

from synckit.errors import SyncError
from synckit.ports import Clock
from ticketing import metrics
from ticketing.domain import ESCALATE, TIMER
from ticketing.handlers import Asking, Tickets

log = structlog.get_logger(__name__)


async def sla_timer(tickets: Tickets, asking: Asking, clock: Clock, seconds: float) -> None:
    """One in each replica: to ask twice does no harm."""
    while True:
        try:
            overdue = await tickets.overdue()
            for ticket_id in overdue:
                await asking.ask(ticket_id, ESCALATE, TIMER)
            metrics.OVERDUE.set(len(overdue))
        except SyncError as error:
            log.warning("timer_failed", timer="sla", reason=error.code)
        await clock.sleep(seconds)
