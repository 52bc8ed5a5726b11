"""What the proxy needs at start, and its page."""

from __future__ import annotations

from pathlib import Path

import pytest

from advoware_proxy.app import build
from advoware_proxy.settings import Settings
from synckit.service.settings import load
from synckit.service.settings_doc import table

README = Path(__file__).parents[1] / "README.md"
ENVIRONMENT = {
    "DATABASE_URL": "postgresql://a:b@127.0.0.1:1/c",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "ADVOWARE_AUTH_URL": "http://127.0.0.1:1/api/v1/Token",
    "ADVOWARE_API_BASE_URL": "http://127.0.0.1:1",
    "ADVOWARE_APP_ID": "app",
    "ADVOWARE_PRODUCT_ID": "64",
    "ADVOWARE_API_KEY": "b2Ygbm8gdmFsdWU=",
    "ADVOWARE_KANZLEI": "K",
    "ADVOWARE_DATABASE": "d",
    "ADVOWARE_USER": "u",
    "ADVOWARE_ROLE": "2",
    "ADVOWARE_PASSWORD": "Zwiebelfisch",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
async def test_it_is_wired_from_the_environment_and_shows_no_secret() -> None:
    settings = load(Settings)
    assert "Zwiebelfisch" not in repr(settings)
    service = build(settings)
    assert service.server.port == settings.advoware_proxy.port == 8083
    for step in service.closing:
        await step()


def test_an_address_with_a_login_in_it_is_refused_before_anything_is_opened(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("ADVOWARE_API_BASE_URL", "http://u:geheim@127.0.0.1:1")
    with pytest.raises(SystemExit):
        load(Settings)
    told = capsys.readouterr().err
    assert told.startswith("ADVOWARE_API_BASE_URL: wrong: ")
    assert "geheim" not in told


def test_the_readme_has_the_table_of_the_settings() -> None:
    assert table(Settings) in README.read_text()
