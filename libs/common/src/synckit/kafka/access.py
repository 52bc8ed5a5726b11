"""How a process gets into Kafka: one frozen value, with which every client of aiokafka and Faust is made.

The variables are checked here, for services (`KafkaSection`) and for commands that have no settings alike.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synckit.kafka.tls import RenewedContext, TlsFiles, WrongFile

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT")
MECHANISMS = ("SCRAM-SHA-512", "PLAIN")
MISSING = "missing"
CHECKED = ("sasl_username", "sasl_password", "ssl_ca_file", "ssl_cert_file", "ssl_key_password", "ssl_key_file")
"""Settings whose sense depends on the protocol, in the order in which `problem` takes them."""
_DEFAULTS = {"security_protocol": PROTOCOLS[0], "sasl_mechanism": MECHANISMS[0], **dict.fromkeys(CHECKED, "")}


class AccessError(ValueError):
    """Variables are wrong: a line each, never with a value that could be a secret."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """`protocol` and `mechanism` as Kafka names them. ValueError where the parts do not make the protocol."""

    bootstrap_servers: str
    protocol: str = PROTOCOLS[0]
    mechanism: str = MECHANISMS[0]
    username: str = ""
    password: str = field(default="", repr=False)
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS or self.mechanism not in MECHANISMS:
            raise ValueError("no such protocol or mechanism")
        if self.uses_tls != (self.ssl_context is not None):
            raise ValueError(f"{self.protocol} {'needs an' if self.uses_tls else 'has no'} SSL context")
        is_known = bool(self.username and self.password)
        if self.uses_sasl is not is_known:
            raise ValueError(f"{self.protocol} {'needs' if self.uses_sasl else 'has no'} user and password")

    @property
    def uses_tls(self) -> bool:
        return self.protocol.endswith("SSL")

    @property
    def uses_sasl(self) -> bool:
        return self.protocol.startswith("SASL_")

    def options(self) -> dict[str, Any]:
        """What aiokafka's producers, consumers and admins take."""
        return {"bootstrap_servers": self.bootstrap_servers, **self.security()}

    def security(self) -> dict[str, Any]:
        """The same without the addresses: what a single connection takes."""
        known: dict[str, Any] = {"security_protocol": self.protocol, "ssl_context": self.ssl_context}
        if self.uses_sasl:
            known |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return known


def access(bootstrap_servers: str, values: Mapping[str, str]) -> KafkaAccess:
    """From settings by their names, `security_protocol` …, that were found right before; reads the files. WrongFile."""
    known = {**_DEFAULTS, **{name: value for name, value in values.items() if value}}
    return KafkaAccess(
        bootstrap_servers,
        known["security_protocol"],
        known["sasl_mechanism"],
        known["sasl_username"],
        known["sasl_password"],
        RenewedContext(_files(known)) if known["security_protocol"].endswith("SSL") else None,
    )


def access_from(environ: Mapping[str, str], bootstrap_servers: str) -> KafkaAccess:
    """For commands: KAFKA_SECURITY_PROTOCOL and its like from the environment. AccessError."""
    values = {name: environ.get(variable(name)) or default for name, default in _DEFAULTS.items()}
    lines = [
        f"{variable(name)}: wrong: must be one of {', '.join(allowed)}."
        for name, allowed in (("security_protocol", PROTOCOLS), ("sasl_mechanism", MECHANISMS))
        if values[name] not in allowed
    ]
    if not lines:
        found = {name: problem(name, values) for name in CHECKED}
        lines = [f"{variable(name)}: {told(what)}" for name, what in found.items() if what is not None]
    if lines:
        raise AccessError(lines)
    return access(bootstrap_servers, values)


def problem(name: str, values: Mapping[str, str]) -> str | None:
    """What is wrong with one of CHECKED beside the others: MISSING, a text, or None. Reads the files that are named."""
    protocol, value = values["security_protocol"], values[name]
    part = "SASL" if name.startswith("sasl_") else "SSL"
    if part not in protocol.split("_"):
        return f"is of no use with {variable('security_protocol')}={protocol}" if value else None
    if part == "SASL":
        return None if value else MISSING
    return _problem_of_file(name, value, values)


def _problem_of_file(name: str, value: str, values: Mapping[str, str]) -> str | None:
    files = _files(values)
    if value and name.startswith("ssl_key") and not files.cert:
        return f"is of no use without {variable('ssl_cert_file')}"
    try:
        if name == "ssl_ca_file":
            TlsFiles(ca=value).read()
        elif name == "ssl_key_file":
            # Certificate and key are one question, and the key is the last to be known.
            TlsFiles(cert=files.cert, key=value, key_password=files.key_password).read()
    except WrongFile as error:
        return str(error) if error.name == name else f"can't be tried: {variable(error.name)} {error}"
    return None


def _files(values: Mapping[str, str]) -> TlsFiles:
    names = ("ssl_ca_file", "ssl_cert_file", "ssl_key_file", "ssl_key_password")
    return TlsFiles(*(values.get(name, "") for name in names))


def variable(name: str) -> str:
    """The variable of a setting."""
    return f"KAFKA_{name.upper()}"


def told(what: str) -> str:
    """A problem as settings tell theirs."""
    return "missing." if what == MISSING else f"wrong: {what}."
