"""What the ingress remembers of bodies it has taken: for an hour, and not too many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from webhook_ingress.domain.taken import KEPT, Taken

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_a_body_is_known_for_as_long_as_espocrm_tries_again_and_no_longer() -> None:
    taken = Taken()
    taken.add("a", NOON)
    assert taken.before("a", NOON + timedelta(minutes=50)) == NOON
    assert taken.before("a", NOON + KEPT + timedelta(seconds=1)) is None
    assert taken.before("b", NOON) is None


def test_the_oldest_is_forgotten_where_there_are_too_many() -> None:
    taken = Taken(most=2)
    for seal in ("a", "b", "a", "c"):
        taken.add(seal, NOON)
    assert [taken.before(seal, NOON) for seal in ("a", "b", "c")] == [NOON, None, NOON]


def test_a_body_without_a_signature_is_nobodys_repetition() -> None:
    taken = Taken()
    taken.add("", NOON)
    assert taken.before("", NOON) is None
