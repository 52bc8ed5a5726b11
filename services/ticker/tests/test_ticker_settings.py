"""Numbers of the environment that no date could bear are refused at start, by the variable's name."""

from __future__ import annotations

import pytest

from synckit.service.settings import load
from ticker.settings import Settings


@pytest.mark.parametrize(
    "variable", ["TICKER_OVERLAP_SECONDS", "TICKER_UNLOOKED_HOURS", "TICKER_JOURNAL_DAYS", "DATABASE_STATEMENT_SECONDS"]
)
@pytest.mark.parametrize("value", ["inf", "nan", "1e400", "1e12", "-1", "0", "9" * 400, "soon"])
def test_a_number_that_cannot_be_is_refused(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not in the middle of a look, as a bug."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        load(Settings)
    told = capsys.readouterr().err
    assert ended.value.code == 2, told
    assert f"{variable}: wrong" in told
