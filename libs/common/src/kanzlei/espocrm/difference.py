"""One difference between an EspoCRM and what we need. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Severity(StrEnum):
    """`error`: something is not synced or not told. `warning`: it works, with a drawback."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Difference:
    """`code` is stable, `where` names scope and field, never a value; `consequence` and `mend` are a sentence each."""

    code: str
    severity: Severity
    where: str
    what: str
    consequence: str
    mend: str

    def as_json(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}

    def lines(self) -> list[str]:
        return [
            f"{self.severity.value:<8} {self.where}: {self.what}",
            f"         consequence: {self.consequence}",
            f"         mend: {self.mend}",
        ]


def error(code: str, where: str, what: str, consequence: str, mend: str) -> Difference:
    return Difference(code, Severity.ERROR, where, what, consequence, mend)


def warning(code: str, where: str, what: str, consequence: str, mend: str) -> Difference:
    return Difference(code, Severity.WARNING, where, what, consequence, mend)
