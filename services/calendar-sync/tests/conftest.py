"""An environment in which calendar-sync would start."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

REQUIRED = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "DATABASE_URL": "postgresql://u:p@127.0.0.1/db",
    "REDIS_URL": "redis://127.0.0.1/0",
    "ADVOWARE_AUTH_URL": "http://127.0.0.1/token",
    "ADVOWARE_API_BASE_URL": "http://127.0.0.1",
    "ADVOWARE_APP_ID": "a",
    "ADVOWARE_PRODUCT_ID": "64",
    "ADVOWARE_API_KEY": "a2V5",
    "ADVOWARE_KANZLEI": "k",
    "ADVOWARE_DATABASE": "d",
    "ADVOWARE_USER": "u",
    "ADVOWARE_ROLE": "2",
    "ADVOWARE_PASSWORD": "p",
    "GOOGLE_ROLE_ACCOUNT": "kalender@kanzlei.example",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """What has to be set, set; change it by `setenv` and `delenv`."""
    key = tmp_path / "key.json"
    told = {"type": "service_account", "client_email": "a@b.example", "private_key": "-", "token_uri": "http://x"}
    key.write_text(json.dumps(told))
    for name, value in {**REQUIRED, "GOOGLE_SERVICE_ACCOUNT_FILE": str(key)}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch
