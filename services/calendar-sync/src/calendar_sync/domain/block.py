"""The block that we add at the end of a `notiz`: cut off before anything is compared or goes to Google. Pure.

In this order: exceptions, what is read-only, what was cut, the mark. All before it is the user's, byte for byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

LONGEST = 4_000
"""Characters of a `notiz` that Advoware holds."""
CUT_HERE = "[gekürzt, ganzer Text in Google]"
SINGLE_OF_SERIES = "[Einzeltermin einer Serie aus Google, die Advoware nicht abbilden kann]"
_MARK = re.compile(r"\[g:(a[0-9a-f]{39})\]")
_OMITTED = re.compile(r"Entfällt am ([0-9]{2})\.([0-9]{2})\.([0-9]{4}) \(Google\)")


@dataclass(frozen=True, slots=True)
class Block:
    """`omitted`: days on which a series does not take place as it says. `mark`: id of the pair, "" for none."""

    omitted: tuple[date, ...] = ()
    is_single: bool = False
    is_cut: bool = False
    mark: str = ""

    def __str__(self) -> str:
        """Its lines, "" for an empty block."""
        lines = [f"Entfällt am {day:%d.%m.%Y} (Google)" for day in sorted(set(self.omitted))]
        lines += [SINGLE_OF_SERIES] if self.is_single else []
        lines += [CUT_HERE] if self.is_cut else []
        lines += [f"[g:{self.mark}]"] if self.mark else []
        return "\n".join(lines)


def split(notiz: str) -> tuple[str, Block]:
    """The user's own text, and our block behind it."""
    lines = notiz.split("\n")
    block = Block()
    while lines and (taken := _taken(block, lines[-1].rstrip("\r"))) is not None:
        block = taken
        lines.pop()
    return "\n".join(lines), block


def joined(text: str, block: Block) -> str:
    """A `notiz` of at most 4,000 characters: text that is too long is cut at a word, and says so."""
    told = str(block)
    if len(text) + len(told) + bool(text and told) <= LONGEST:
        return "\n".join(part for part in (text, told) if part) if text else told
    told = str(Block(block.omitted, block.is_single, True, block.mark))
    return f"{cut_at_word(text, LONGEST - len(told) - 1)}\n{told}"


def cut_at_word(text: str, most: int) -> str:
    """At most so many characters, without half a word at the end."""
    if len(text) <= most:
        return text
    kept = text[: max(most, 0)]
    at = max(kept.rfind(" "), kept.rfind("\n"))
    return (kept[:at] if at > most // 2 else kept).rstrip()


def _taken(block: Block, line: str) -> Block | None:
    """The block with the line that stands above it; None where that line is the user's."""
    is_empty = not (block.omitted or block.is_single or block.is_cut)
    if (found := _MARK.fullmatch(line)) and is_empty and not block.mark:
        return Block(mark=found[1])
    if line == CUT_HERE and is_empty:
        return Block((), False, True, block.mark)
    if line == SINGLE_OF_SERIES and not (block.omitted or block.is_single):
        return Block((), True, block.is_cut, block.mark)
    if found := _OMITTED.fullmatch(line):
        day = _day(int(found[3]), int(found[2]), int(found[1]))
        if day is not None:
            return Block((day, *block.omitted), block.is_single, block.is_cut, block.mark)
    return None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
