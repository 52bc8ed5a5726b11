"""A ticket, and what an action makes of it. Pure: the time comes with the question."""

from dataclasses import dataclass, field, replace
from datetime import datetime

NEW, TRIAGED, ESCALATED = "new", "triaged", "escalated"
ACTIONS = TRIAGE, ESCALATE, NOTIFY = "triage", "escalate", "notify"
TIMER, DESK = "timer", "desk"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a ticket's history: what was done, on whose word, and why, in German."""

    at: datetime
    action: str
    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """`due_at`: by then it has to be triaged. `version` counts its writes."""

    id: str
    title: str = field(repr=False)
    state: str
    opened_at: datetime
    due_at: datetime
    version: int
    history: tuple[Entry, ...]


def decide(ticket: Ticket, action: str, origin: str, now: datetime) -> Ticket | None:
    """The ticket as the action leaves it. None where there is nothing to do, as when it is asked for again."""
    match action:
        case "triage" if ticket.state == NEW:
            state, reason = TRIAGED, "Gesichtet"
        case "escalate" if ticket.state != ESCALATED and origin != TIMER:
            state, reason = ESCALATED, "Von Hand eskaliert"
        case "escalate" if ticket.state == NEW and now >= ticket.due_at:
            state, reason = ESCALATED, f"Nicht gesichtet bis {ticket.due_at:%d.%m.%Y %H:%M} UTC"
        case "notify" if all(each.action != NOTIFY for each in ticket.history):
            state, reason = ticket.state, "Bearbeiter benachrichtigt"
        case _:
            return None
    history = (*ticket.history, Entry(now, action, origin, reason))
    return replace(ticket, state=state, version=ticket.version + 1, history=history)
