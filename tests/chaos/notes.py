"""What users were told: every conflict and every deletion once, and nothing that nobody typed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.chaos.fields import Side, Value
from tests.chaos.history import KEY, History, Record

MARKER = re.compile(r"((?:\(Vorgang \w+-[0-9a-f]+\) ?)+)\s*$")
ONE_MARKER = re.compile(r"\(Vorgang (\w+)-[0-9a-f]+\)")
GONE_THERE = "wurde in Advoware gelöscht"
GONE_HERE = "wurde in EspoCRM gelöscht"
CONFLICT = re.compile(r"auf beiden Seiten geändert\. EspoCRM: (.+?), Advoware: (.+?)\. Es gilt")
Wrong = tuple[str, str, str]


class Notes:
    """All posts that our API user wrote."""

    def __init__(self, notes: Sequence[Mapping[str, Any]]) -> None:
        self.posts = [str(note["post"]) for note in notes]
        self._named: dict[str, set[str]] = defaultdict(set)
        for post in self.posts:
            told = {*re.findall(r"„([^“]*)“", post), *re.findall(r"\b\d\d\.\d\d\.\d{4}\b", post)}
            for record_id in ONE_MARKER.findall(post):
                self._named[record_id] |= told

    def names(self, record: Record, value: Value) -> bool:
        """Some note about this record (as its marker tells) names this value."""
        return value is not None and bool({value, _german_day(value)} & self._named[record.espo_id])

    def wrong(self, history: History, losses: int = 0) -> Iterator[Wrong]:
        """Each time that the database lost what it knew, a note may be told once more."""
        yield from self._doubled(1 + losses)
        yield from self._untrue(history)
        yield from self._deletions(history, 1 + losses)

    def count(self, text: str) -> int:
        return sum(text in post for post in self.posts)

    def _doubled(self, often: int) -> Iterator[Wrong]:
        markers: Counter[str] = Counter()
        paragraphs: Counter[str] = Counter()
        for post in self.posts:
            if found := MARKER.search(post):
                markers.update(one.group() for one in ONE_MARKER.finditer(found.group()))
            paragraphs.update(one for one in MARKER.sub("", post).strip().split("\n\n") if KEY.search(one))
        for marker, count in markers.items():
            if count > often:
                yield "note twice", "", f"{count} notes with {marker}"
        for paragraph, count in paragraphs.items():
            if count > often:
                yield "note twice", _key(paragraph), f"{count} times: {paragraph}"

    def _untrue(self, history: History) -> Iterator[Wrong]:
        """A conflict names two values; each was typed on its side by somebody, or stood there from the beginning."""
        for post in self.posts:
            for left, right in CONFLICT.findall(post):
                key = _key(left) or _key(right)
                record = history.records.get(key)
                if record is None:
                    continue
                for side, shown in ((Side.ESPO, left), (Side.ADVO, right)):
                    if not _was_shown(record, side, shown.strip("„“")):
                        yield "untrue note", key, f"{shown} was never in {side}"

    def _deletions(self, history: History, often: int) -> Iterator[Wrong]:
        """Told once each, unless EspoCRM's record was gone before anybody could be told of the other."""
        for record in history.records.values():
            for party in record.parties:
                there = self.count(f"{GONE_THERE} (Nr. {party})")
                here = sum(GONE_HERE in post and f"Advoware Nr. {party})" in post for post in self.posts)
                if max(there, here) > often:
                    yield "note twice", record.key, f"deletion of {party}: {there} notes of Advoware's, {here} of ours"
                if Side.ADVO in record.gone and Side.ESPO not in record.gone and not there:
                    yield "note missing", record.key, f"nobody was told that {party} is gone in Advoware"
                # Without an owner there is nobody to tell: a deleted record has no stream.
                is_owned = record.betnr == party and record.state.get("assignedUserId")
                if Side.ESPO in record.gone and Side.ADVO not in record.gone and is_owned and not here:
                    yield "note missing", record.key, f"nobody was told that {record.key} is gone in EspoCRM"


def _was_shown(record: Record, side: Side, text: str) -> bool:
    if text == "(leer)":
        return True
    for pair in record.pairs:
        for row, value in record.writes(pair):
            if row.side is side and value is not None and text in (value, _german_day(value)):
                return True
    return False


def _german_day(value: str) -> str:
    parts = value.split("-")
    return ".".join(reversed(parts)) if len(parts) == 3 and all(part.isdigit() for part in parts) else value


def _key(text: str) -> str:
    found = KEY.search(text)
    return found.group() if found else ""
