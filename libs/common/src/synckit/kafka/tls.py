"""The client's side of TLS to Kafka, from PEM files that may be renewed while the process runs."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from typing import Any, Self

import structlog

log = structlog.get_logger("synckit.kafka")


class WrongFile(ValueError):
    """A file can't be used. `name` is the setting's, `ssl_ca_file` …; the text says what is wrong with it."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(what)
        self.name = name


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files; "" is none. Without `ca` the system's own authorities are believed.

    `cert` is the client's certificate with its chain; without `key` the same file holds its key.
    """

    ca: str = ""
    cert: str = ""
    key: str = ""
    key_password: str = field(default="", repr=False)

    def read(self) -> ssl.SSLContext:
        """A context of what the files hold now. Blocks for as long as reading them takes. WrongFile."""
        context = _trusting(self.ca)
        if self.cert:
            self._identify(context)
        return context

    def marks(self) -> tuple[tuple[int, int, int], ...]:
        """Differs where a file does. OSError where one is away."""
        seen = [os.stat(path) for path in (self.ca, self.cert, self.key) if path]
        return tuple((one.st_mtime_ns, one.st_ino, one.st_size) for one in seen)

    def _identify(self, context: ssl.SSLContext) -> None:
        try:
            # The call for a password is always given: without one OpenSSL asks on the terminal, and waits.
            context.load_cert_chain(self.cert, self.key or None, lambda: self.key_password)
        except ssl.SSLError as error:
            raise self._unusable(error) from None
        except OSError as error:
            name = "ssl_key_file" if self.key and os.access(self.cert, os.R_OK) else "ssl_cert_file"
            raise WrongFile(name, f"is no file that can be read ({error.strerror})") from None

    def _unusable(self, error: ssl.SSLError) -> WrongFile:
        if error.reason == "KEY_VALUES_MISMATCH":
            return WrongFile("ssl_key_file", "holds a key that does not belong to KAFKA_SSL_CERT_FILE")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=self.cert)
        except ssl.SSLError:
            return WrongFile("ssl_cert_file", "holds no certificate in PEM")
        if not self.key:
            return WrongFile("ssl_cert_file", "holds no key, and KAFKA_SSL_KEY_FILE is not set")
        return WrongFile("ssl_key_file", "holds no key in PEM, or one that KAFKA_SSL_KEY_PASSWORD does not open")


class RenewedContext(ssl.SSLContext):
    """An SSLContext for clients that reads its files again where they have changed, for each next connection.

    Connections that stand are left alone. Where the new files can't be used (a certificate is written, its key not yet)
    the old ones go on, the log says so, and the next connection tries again.
    """

    _files: TlsFiles
    _marks: tuple[tuple[int, int, int], ...]
    _current: ssl.SSLContext

    def __new__(cls, *_: Any) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._current = files.read()
        self._marks = files.marks()

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        """What asyncio calls for a new connection."""
        return self._renewed().wrap_bio(*given, **named)

    def wrap_socket(self, *given: Any, **named: Any) -> ssl.SSLSocket:
        """What blocking clients call."""
        return self._renewed().wrap_socket(*given, **named)

    def _renewed(self) -> ssl.SSLContext:
        try:
            marks = self._files.marks()
            if marks != self._marks:
                # A whole new context, not the old one loaded again: a pair that does not fit would spoil that one, and
                # an authority that was taken out would still be believed.
                self._current, self._marks = self._files.read(), marks
                log.info("kafka.certificates_renewed")
        except WrongFile as error:
            log.warning("kafka.certificates_unusable", error=f"KAFKA_{error.name.upper()} {error}")
        except OSError as error:
            log.warning("kafka.certificates_unusable", error=f"a file is away ({error.strerror})")
        return self._current


def _trusting(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca or None)
    except ssl.SSLError:
        raise WrongFile("ssl_ca_file", "holds no certificate in PEM") from None
    except OSError as error:
        raise WrongFile("ssl_ca_file", f"is no file that can be read ({error.strerror})") from None
