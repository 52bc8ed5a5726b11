"""The access that the sandbox grants. Made up, the same for everybody, of no use anywhere else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Credentials:
    """What the token service asks for; `api_key` is the Base64 text whose bytes sign the request."""

    app_id: str = "sandbox-app"
    product_id: str = "64"
    api_key: str = "c2FuZGJveC1rZXktb2Ytbm8tdmFsdWUtZWxzZXdoZXJl"
    kanzlei: str = "Sandbox"
    database: str = "sandbox-db"
    user: str = "sandbox-user"
    role: str = "2"
    password: str = "sandbox-password"  # noqa: S105 -- opens nothing but this sandbox


DEFAULT = Credentials()
