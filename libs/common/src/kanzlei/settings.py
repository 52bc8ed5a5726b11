"""Sections of settings that the office's systems need, for whichever service calls them."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from synckit.service.settings import HeaderKey, HttpAddress, Section


def _base64(value: SecretStr) -> SecretStr:
    try:
        base64.b64decode(value.get_secret_value(), validate=True)
    except binascii.Error:
        raise ValueError("must be Base64") from None
    return value


class EspoCrmSection(Section):
    base_url: HttpAddress = Field(description="EspoCRM's address without /api/v1.")
    api_key: HeaderKey = Field(description="API key of our API user.")
    hmac_secret_key: HeaderKey | None = Field(
        default=None, description="Secret of an API user with HMAC authentication; unset: the API key alone."
    )


class AdvowareSection(Section):
    auth_url: HttpAddress = Field(description="Token service, the whole address.")
    api_base_url: HttpAddress = Field(description="API address without /api/v1/advonet.")
    app_id: str = Field(min_length=1, description="AppID of the token request.")
    product_id: str = Field(min_length=1, description="Product of the token request.")
    api_key: Annotated[SecretStr, AfterValidator(_base64)] = Field(description="Key of the signature, in Base64.")
    kanzlei: str = Field(min_length=1, description="Kanzlei of the token request.")
    database: str = Field(min_length=1, description="Database of the token request.")
    user: str = Field(min_length=1, description="User of the token request.")
    role: str = Field(min_length=1, description="Role of the token request.")
    password: SecretStr = Field(min_length=1, description="Password of the token request.")
