"""How a process gets into Kafka: what its variables may say, and that no client is made with less."""

from __future__ import annotations

import ssl
from typing import ClassVar

import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.authority import Authority, Pair
from synckit.faust.app import KafkaWorkerSettings, build_app
from synckit.faust.credentials import credentials, faust_options
from synckit.kafka.access import MECHANISMS, PROTOCOLS, AccessError, KafkaAccess, access_from
from synckit.service.settings import KafkaSection, ServiceSettings, load

SECRET = "Zwiebelfisch"
SERVERS = "127.0.0.1:1,127.0.0.1:2"
SASL = {"KAFKA_SASL_USERNAME": "ticker", "KAFKA_SASL_PASSWORD": SECRET}


class Settings(ServiceSettings):
    service: ClassVar[str] = "office-sync"
    kafka: KafkaSection


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    return authority.issue("ticker")


@pytest.fixture(scope="module")
def files(authority: Authority, pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the names of files in the tables below stand for."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "text").write_text("no certificate")
    locked = authority.issue("locked", password=SECRET)
    other = Authority(folder / "other").issue("other")
    return {
        "CA": str(authority.ca_file),
        "CERT": str(pair.cert),
        "KEY": str(pair.key),
        "BOTH": str(pair.together()),
        "TEXT": str(folder / "text"),
        "NONE": str(folder / "none"),
        "LOCKED": str(locked.cert),
        "LOCKED_KEY": str(locked.key),
        "OTHER_KEY": str(other.key),
    }


def environment(given: dict[str, str], files: dict[str, str]) -> dict[str, str]:
    return {f"KAFKA_{name}": files.get(value, value) for name, value in given.items()}


WRONG: list[tuple[dict[str, str], str]] = [
    ({"SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL: wrong: "),
    ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "GSSAPI"}, "KAFKA_SASL_MECHANISM: wrong: "),
    ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_PASSWORD": SECRET}, "KAFKA_SASL_USERNAME: missing."),
    ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_USERNAME": "u"}, "KAFKA_SASL_PASSWORD: missing."),
    ({"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "SASL_USERNAME": "u"}, "KAFKA_SASL_PASSWORD: missing."),
    ({"SASL_PASSWORD": SECRET}, "KAFKA_SASL_PASSWORD: wrong: is of no use with KAFKA_SECURITY_PROTOCOL=PLAINTEXT."),
    ({"SSL_CA_FILE": "CA"}, "KAFKA_SSL_CA_FILE: wrong: is of no use with KAFKA_SECURITY_PROTOCOL=PLAINTEXT."),
    ({"SECURITY_PROTOCOL": "SSL", "SASL_USERNAME": "u"}, "KAFKA_SASL_USERNAME: wrong: is of no use"),
    ({"SECURITY_PROTOCOL": "SSL", "SSL_CA_FILE": "NONE"}, "KAFKA_SSL_CA_FILE: wrong: is no file that can be read"),
    ({"SECURITY_PROTOCOL": "SSL", "SSL_CA_FILE": "TEXT"}, "KAFKA_SSL_CA_FILE: wrong: holds no certificate in PEM."),
    (
        {"SECURITY_PROTOCOL": "SSL", "SSL_CERT_FILE": "TEXT", "SSL_KEY_FILE": "KEY"},
        "KAFKA_SSL_KEY_FILE: wrong: can't be",
    ),
    ({"SECURITY_PROTOCOL": "SSL", "SSL_KEY_FILE": "KEY"}, "KAFKA_SSL_KEY_FILE: wrong: is of no use without "),
    (
        {"SECURITY_PROTOCOL": "SSL", "SSL_CERT_FILE": "CERT"},
        "KAFKA_SSL_KEY_FILE: wrong: can't be tried: KAFKA_SSL_CERT",
    ),
    (
        {"SECURITY_PROTOCOL": "SSL", "SSL_CERT_FILE": "NONE", "SSL_KEY_FILE": "KEY"},
        "KAFKA_SSL_KEY_FILE: wrong: can't be",
    ),
    ({"SECURITY_PROTOCOL": "SSL", "SSL_CERT_FILE": "CERT", "SSL_KEY_FILE": "NONE"}, "KAFKA_SSL_KEY_FILE: wrong: is no"),
    (
        {"SECURITY_PROTOCOL": "SSL", "SSL_CERT_FILE": "CERT", "SSL_KEY_FILE": "OTHER_KEY"},
        "KAFKA_SSL_KEY_FILE: wrong: holds a key that does not belong to KAFKA_SSL_CERT_FILE.",
    ),
    (
        {"SECURITY_PROTOCOL": "SSL", "SSL_CERT_FILE": "LOCKED", "SSL_KEY_FILE": "LOCKED_KEY"},
        "KAFKA_SSL_KEY_FILE: wrong: holds no key in PEM, or one that KAFKA_SSL_KEY_PASSWORD does not open.",
    ),
    (
        {
            "SECURITY_PROTOCOL": "SSL",
            "SSL_CERT_FILE": "LOCKED",
            "SSL_KEY_FILE": "LOCKED_KEY",
            "SSL_KEY_PASSWORD": "other",
        },
        "KAFKA_SSL_KEY_FILE: wrong: holds no key in PEM, or one that KAFKA_SSL_KEY_PASSWORD does not open.",
    ),
]
GOOD: list[tuple[dict[str, str], str]] = [
    ({}, "PLAINTEXT"),
    ({"SECURITY_PROTOCOL": "SSL"}, "SSL"),
    ({"SECURITY_PROTOCOL": "SSL", "SSL_CA_FILE": "CA", "SSL_CERT_FILE": "CERT", "SSL_KEY_FILE": "KEY"}, "SSL"),
    ({"SECURITY_PROTOCOL": "SSL", "SSL_CERT_FILE": "BOTH"}, "SSL"),
    (
        {
            "SECURITY_PROTOCOL": "SSL",
            "SSL_CERT_FILE": "LOCKED",
            "SSL_KEY_FILE": "LOCKED_KEY",
            "SSL_KEY_PASSWORD": SECRET,
        },
        "SSL",
    ),
    ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_USERNAME": "u", "SASL_PASSWORD": SECRET}, "SASL_SSL"),
    (
        {
            "SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "SASL_USERNAME": "u",
            "SASL_PASSWORD": SECRET,
            "SASL_MECHANISM": "PLAIN",
        },
        "SASL_PLAINTEXT",
    ),
]


@pytest.mark.parametrize(("given", "line"), WRONG)
def test_a_service_names_the_wrong_variable(
    given: dict[str, str],
    line: str,
    files: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit status 2 and its line, without the password; a command without settings says the same."""
    for name, value in environment(given, files).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", SERVERS)
    with pytest.raises(SystemExit) as caught:
        load(Settings)
    told = capsys.readouterr().err
    assert caught.value.code == 2, told
    assert any(each.startswith(line) for each in told.splitlines()), told
    assert SECRET not in told
    with pytest.raises(AccessError) as refused:
        access_from(environment(given, files), SERVERS)
    assert any(each.startswith(line[:45]) for each in refused.value.lines), refused.value.lines
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(("given", "protocol"), GOOD)
def test_service_and_command_get_in_alike(
    given: dict[str, str], protocol: str, files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what is right: the same value of the same protocol, which has a context where it says TLS."""
    for name, value in environment(given, files).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", SERVERS)
    one, other = load(Settings).kafka.access, access_from(environment(given, files), SERVERS)
    assert one == other
    assert (one.protocol, one.ssl_context is not None) == (protocol, protocol.endswith("SSL"))
    assert SECRET not in repr(one)
    if one.ssl_context is not None:
        assert one.ssl_context.check_hostname
        assert one.ssl_context.verify_mode is ssl.CERT_REQUIRED


any_access = st.tuples(
    st.sampled_from([*PROTOCOLS, "TLS"]), st.sampled_from([*MECHANISMS, "GSSAPI"]), st.booleans(), st.booleans()
)


@given(any_access)
def test_a_value_is_never_less_than_it_says(chosen: tuple[str, str, bool, bool]) -> None:
    """What can be made is spoken by aiokafka and by Faust exactly as it says; the password never goes without TLS
    unless SASL_PLAINTEXT was named."""
    protocol, mechanism, with_password, with_tls = chosen
    context = ssl.create_default_context() if with_tls else None
    user = ("u", SECRET) if with_password else ("", "")
    try:
        made = KafkaAccess(SERVERS, protocol, mechanism, *user, context)
    except ValueError:
        return
    expected = made.security()
    if not made.uses_sasl:
        expected = {key: value for key, value in expected.items() if not key.startswith("sasl")}
    spoken = credentials_to_aiokafka_auth(credentials(made))
    assert {"ssl_context": None, **spoken} == expected
    assert (SECRET in expected.values()) == (protocol in ("SASL_SSL", "SASL_PLAINTEXT"))


async def test_a_worker_s_app_has_the_credentials(authority: Authority) -> None:
    """Addresses stay kafka://; consumer and producer of Faust both take the app's credentials."""
    given = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SSL_CA_FILE": str(authority.ca_file), **SASL}
    access = access_from(given, SERVERS)
    app = build_app(KafkaWorkerSettings("office-sync", access))
    assert [str(url) for url in app.conf.broker] == ["kafka://127.0.0.1:1", "kafka://127.0.0.1:2"]
    producer = app.producer
    assert producer._settings_auth() == access.security()  # type: ignore[attr-defined]


def test_plaintext_has_no_credentials() -> None:
    assert faust_options(KafkaAccess("a:1"))["broker_credentials"] is None


def test_faust_s_silent_protocol_is_refused(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    """Were the context lost on the way, Faust would send the password over SASL_PLAINTEXT and say nothing."""
    given = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SSL_CA_FILE": str(authority.ca_file), **SASL}
    access = access_from(given, SERVERS)
    object.__setattr__(access, "ssl_context", None)
    with pytest.raises(RuntimeError, match="SASL_PLAINTEXT where SASL_SSL was asked for"):
        credentials(access)


def test_the_value_is_frozen() -> None:
    with pytest.raises(AttributeError):
        KafkaAccess("a:1").protocol = "SSL"  # type: ignore[misc]
