"""An authority of our own for the local stack and for tests: signs certificates, in PEM files. Not for an office."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 30
_LONG_AGO = timedelta(days=2 * DAYS)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    cert: Path
    key: Path

    def together(self) -> Path:
        """Both in one file, as Kafka's PEM keystore wants them."""
        one = self.cert.with_suffix(".pem")
        _write(one, self.key.read_bytes() + self.cert.read_bytes())
        return one


class Authority:
    """Its certificate and key lie in a folder and are made at first use."""

    def __init__(self, folder: Path, name: str = "synckit local authority") -> None:
        self._folder = folder
        self._name = _named(name)
        folder.mkdir(parents=True, exist_ok=True)
        if not self.ca_file.exists():
            self._found()

    @property
    def ca_file(self) -> Path:
        """What clients and brokers trust."""
        return self._folder / "ca.crt"

    def issue(self, name: str, *, hosts: tuple[str, ...] = (), expired: bool = False, password: str = "") -> Pair:
        """Sign a certificate for a server at `hosts` or a client, whose CN is `name`; replaces an earlier one."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC) - (_LONG_AGO if expired else timedelta())
        builder = _begun(_named(name), self._name, key.public_key(), now)
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(one) for one in hosts]), critical=False)
        pair = Pair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        _write(pair.cert, builder.sign(self._key(), hashes.SHA256()).public_bytes(Encoding.PEM))
        _write(pair.key, _pem(key, password))
        return pair

    def _found(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _begun(self._name, self._name, key.public_key(), datetime.now(UTC))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        _write(self._folder / "ca.key", _pem(key))
        _write(self.ca_file, builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def _key(self) -> ec.EllipticCurvePrivateKey:
        key = load_pem_private_key((self._folder / "ca.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the authority's key is not ours")
        return key


def _begun(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, since: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
    # An hour back: the clock of who looks at it may be behind ours.
    builder = builder.not_valid_before(since - timedelta(hours=1)).not_valid_after(since + timedelta(days=DAYS))
    return builder.serial_number(x509.random_serial_number())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey, password: str = "") -> bytes:
    how = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
