"""The office's service account: its RSA key, and the JSON file that Google's console gives for it."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PROJECT = "kanzlei-sandbox"
CLIENT_EMAIL = f"advoware-sync@{PROJECT}.iam.gserviceaccount.com"
CLIENT_ID = "100000000000000000001"
ROLE_ACCOUNT = "kalender@kanzlei.example"
KEY_BITS = 2048


@dataclass(frozen=True)
class ServiceAccount:
    """One key of the account; every fresh sandbox has one of its own, unless it takes that of an old file."""

    key: rsa.RSAPrivateKey
    key_id: str

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        return self.key.public_key()

    def as_json(self, base_url: str) -> dict[str, Any]:
        """What google-auth reads. Its tokens come from this sandbox."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": self.key_id,
            "private_key": pem.decode(),
            "client_email": CLIENT_EMAIL,
            "client_id": CLIENT_ID,
            "auth_uri": f"{base_url}/o/oauth2/auth",
            "token_uri": f"{base_url}/token",
            "auth_provider_x509_cert_url": f"{base_url}/oauth2/v1/certs",
            "client_x509_cert_url": f"{base_url}/robot/v1/metadata/x509/{CLIENT_EMAIL}",
            "universe_domain": "googleapis.com",
        }

    def write(self, path: Path, base_url: str) -> None:
        """Whole or not at all, and for its owner alone."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(json.dumps(self.as_json(base_url), indent=2) + "\n")
        fresh.replace(path)


def new_account() -> ServiceAccount:
    """With a fresh key."""
    return ServiceAccount(rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS), uuid.uuid4().hex)


def account_of(path: Path | None) -> ServiceAccount:
    """That of the file, so that a service goes on working when the sandbox starts again; else a new one."""
    if path is None or not path.exists():
        return new_account()
    try:
        told = json.loads(path.read_text())
        key = serialization.load_pem_private_key(told["private_key"].encode(), password=None)
        key_id = str(told["private_key_id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return new_account()
    return ServiceAccount(key, key_id) if isinstance(key, rsa.RSAPrivateKey) else new_account()
