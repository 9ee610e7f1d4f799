"""Sessions over TLS, against a real broker: with the right authority, and with a wrong one."""

import asyncio
import gc
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.session import BrokerUnavailableError, Session
from edge.settings import BrokerSettings, TlsSettings
from tests.edge.broker import RealBroker

pytestmark = pytest.mark.service


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def _authority(folder: Path, name: str) -> None:
    _openssl(
        folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2",
        "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    )  # fmt: skip


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    if not shutil.which("openssl"):
        pytest.skip("no openssl on this machine to make certificates with")
    _authority(tmp_path, "ca")
    _authority(tmp_path, "other")
    _openssl(
        tmp_path, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost",
    )  # fmt: skip
    (tmp_path / "server.ext").write_text(
        "subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n"
    )
    _openssl(
        tmp_path, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-CAcreateserial", "-out", "server.pem", "-days", "2", "-extfile", "server.ext",
    )  # fmt: skip
    return tmp_path


@pytest.fixture
def tls_broker(certificates: Path) -> Iterator[RealBroker]:
    made = RealBroker(certificates, tls=True)
    made.start()
    yield made
    made.stop()


async def _deliver(port: int, authority: Path, count: int) -> int:
    session = Session(
        BrokerSettings(port=port, tls=TlsSettings(ca=str(authority))),
        "agent-1",
        will=("weinao/v1/test/g1/status/agent-1", b"{}"),
        in_flight_max=20,
        on_message=lambda _topic, _payload: None,
    )
    await session.open()
    delivered = asyncio.Semaphore(0)
    for _ in range(count):
        session.publish("weinao/v1/test/g1/up/home/d", b"x" * 5_000, delivered=delivered.release)
    async with asyncio.timeout(60):
        for _ in range(count):
            await delivered.acquire()
    session.close()
    return count


def test_messages_are_delivered_over_tls(certificates: Path, tls_broker: RealBroker) -> None:
    assert asyncio.run(_deliver(tls_broker.port, certificates / "ca.pem", 20)) == 20


def test_a_broker_of_another_authority_is_refused(
    certificates: Path, tls_broker: RealBroker
) -> None:
    with warnings.catch_warnings():
        # paho 2.2 leaves the socket of a handshake that failed to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        refusal = _refusal(tls_broker.port, certificates / "other.pem")
        gc.collect()

    assert "certificate" in refusal


def _refusal(port: int, authority: Path) -> str:
    try:
        asyncio.run(_deliver(port, authority, 1))
    except BrokerUnavailableError as error:
        return str(error)
    return ""
