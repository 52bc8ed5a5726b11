"""Certificates that are renewed while a process runs: the next connection shows the new one, nothing is restarted."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509

from deploy.local.authority import Authority, Pair
from synckit.kafka.tls import RenewedContext, TlsFiles, WrongFile

HOST = "127.0.0.1"


class Broker:
    """The TLS side of one: wants a client's certificate, and remembers the serial numbers it has seen."""

    def __init__(self, authority: Authority) -> None:
        pair = authority.issue("broker", hosts=(HOST,))
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.ca_file))
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.load_cert_chain(pair.cert, pair.key)
        self.serials: list[int] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._meet, HOST, 0, ssl=self._context)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        self.serials.append(x509.load_der_x509_certificate(der).serial_number)
        writer.write(b"!")
        await writer.drain()
        writer.close()


def serial(pair: Pair) -> int:
    return x509.load_pem_x509_certificate(pair.cert.read_bytes()).serial_number


async def meet(port: int, context: ssl.SSLContext) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port, ssl=context)
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


def files_of(authority: Authority, pair: Pair) -> TlsFiles:
    return TlsFiles(str(authority.ca_file), str(pair.cert), str(pair.key))


async def test_the_next_connection_shows_the_renewed_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    broker, first = Broker(authority), authority.issue("ticker")
    context, seen = RenewedContext(files_of(authority, first)), [serial(first)]
    async with broker.listening() as port:
        assert await meet(port, context) == b"!"
        seen.append(serial(authority.issue("ticker")))
        assert await meet(port, context) == b"!"
    assert broker.serials == seen
    assert seen[0] != seen[1]


async def test_half_written_files_leave_the_old_certificate(tmp_path: Path) -> None:
    """A certificate whose key is not there yet, then both: the old one, then the new one; and never an error."""
    authority = Authority(tmp_path)
    broker, pair = Broker(authority), authority.issue("ticker")
    old, new = serial(pair), authority.issue("later")
    context = RenewedContext(files_of(authority, pair))
    async with broker.listening() as port:
        pair.cert.write_bytes(new.cert.read_bytes())
        await meet(port, context)
        pair.cert.unlink()
        await meet(port, context)
        pair.cert.write_bytes(new.cert.read_bytes())
        pair.key.write_bytes(new.key.read_bytes())
        await meet(port, context)
    assert broker.serials == [old, old, serial(new)]


async def test_an_authority_taken_out_is_believed_no_longer(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "one"), Authority(tmp_path / "other")
    broker, pair = Broker(authority), authority.issue("ticker")
    believed = tmp_path / "believed.crt"
    believed.write_bytes(authority.ca_file.read_bytes())
    context = RenewedContext(TlsFiles(str(believed), str(pair.cert), str(pair.key)))
    async with broker.listening() as port:
        await meet(port, context)
        believed.write_bytes(other.ca_file.read_bytes())
        with pytest.raises(ssl.SSLCertVerificationError):
            await meet(port, context)


def test_a_context_is_not_made_of_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WrongFile, match="is no file that can be read") as caught:
        RenewedContext(TlsFiles(ca=str(tmp_path / "none")))
    assert caught.value.name == "ssl_ca_file"
