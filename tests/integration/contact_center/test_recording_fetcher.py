"""What fetches recordings: the address that was checked, the certificate of the name, and limits."""

import datetime as dt
import ssl
from collections.abc import AsyncIterator, Collection
from datetime import UTC, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.requests import ClientDisconnect
from starlette.types import Message, Scope

from otklik_common.errors import Refused
from otklik_contact_center.actions.recording_fetch import Fetcher
from otklik_contact_center.api.recordings import Played
from otklik_contact_center.domain.recording.address import Address
from tests.integration.contact_center.shelves import LOOPBACK, SOUND, Shelf, serving

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def shelf() -> AsyncIterator[Shelf]:
    async with serving() as made:
        yield made


def a_certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server of that name shows, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = dt.datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain = folder / "chain.pem"
    chain.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    return server, ssl.create_default_context(cafile=str(chain))


class Fickle:
    """A name that points here at first and elsewhere ever after."""

    def __init__(self, *answers: str) -> None:
        self.answers = [[ip_address(one)] for one in answers]
        self.asked = 0

    async def __call__(self, *_: object) -> Collection[Address]:
        self.asked += 1
        return self.answers.pop(0)


async def test_the_address_that_was_checked_is_the_one_that_is_connected_to(shelf: Shelf) -> None:
    shelf.keep("/a.mp3")
    fickle = Fickle("127.0.0.1", "10.0.0.1")
    fetcher = Fetcher(LOOPBACK, http=True, resolve=fickle)
    url = shelf.url("/a.mp3", "records.invalid")
    hosts = [f"records.invalid:{shelf.port}"]
    fetched = await fetcher.fetch(url, hosts)
    assert b"".join([piece async for piece in fetched.body]) == SOUND
    await fetched.close()
    assert fickle.asked == 1
    assert shelf.asked[0].headers["host"] == f"records.invalid:{shelf.port}"
    with pytest.raises(Refused) as refused:
        await fetcher.fetch(url, hosts)
    assert refused.value.code == "recording_address_not_public"
    assert len(shelf.asked) == 1


async def test_the_certificate_must_be_that_of_the_name(tmp_path: Path) -> None:
    server, trusting = a_certificate(tmp_path, "records.invalid")
    async with serving(server) as shelf:
        shelf.keep("/a.mp3")
        fetcher = Fetcher(LOOPBACK, resolve=Fickle("127.0.0.1", "127.0.0.1"), tls=trusting)
        hosts = [f"{name}.invalid:{shelf.port}" for name in ("records", "other")]
        fetched = await fetcher.fetch(f"https://{hosts[0]}/a.mp3", hosts)
        assert b"".join([piece async for piece in fetched.body]) == SOUND
        await fetched.close()
        with pytest.raises(Refused) as refused:
            await fetcher.fetch(f"https://{hosts[1]}/a.mp3", hosts)
        assert (refused.value.status, refused.value.code) == (502, "recording_unavailable")
    assert [one.headers["host"].split(":")[0] for one in shelf.asked] == ["records.invalid"]


async def test_what_has_no_end_is_cut_off(shelf: Shelf) -> None:
    shelf.keep("/a.mp3", Content_Length="")
    fetcher = Fetcher(LOOPBACK, http=True, most_bytes=1_000)
    fetched = await fetcher.fetch(shelf.url("/a.mp3"), [f"127.0.0.1:{shelf.port}"])
    with pytest.raises(Refused) as refused:
        [piece async for piece in fetched.body]
    await fetched.close()
    assert refused.value.code == "recording_too_large"


async def test_no_more_are_fetched_at_a_time_than_there_is_room_for(shelf: Shelf) -> None:
    fetcher = Fetcher(LOOPBACK, http=True)
    url, hosts = shelf.keep("/a.mp3"), [f"127.0.0.1:{shelf.port}"]
    running = [await fetcher.fetch(url, hosts) for _ in range(32)]
    with pytest.raises(Refused) as refused:
        await fetcher.fetch(url, hosts)
    assert refused.value.status == 503
    await running[0].close()
    again = await fetcher.fetch(url, hosts)
    for one in (*running[1:], again):
        await one.close()


async def test_a_listener_who_leaves_makes_room_for_another(shelf: Shelf) -> None:
    fetcher = Fetcher(LOOPBACK, http=True)
    url, hosts = shelf.keep("/a.mp3"), [f"127.0.0.1:{shelf.port}"]

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        raise OSError("the listener has left")

    scope: Scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
    for _ in range(40):
        with pytest.raises((ClientDisconnect, OSError)):
            await Played(await fetcher.fetch(url, hosts))(scope, receive, send)
    await (await fetcher.fetch(url, hosts)).close()
