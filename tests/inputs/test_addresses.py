"""What may be fetched, and from where; with a real server on this machine."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import ImageAccessError, ImageNotFoundError, ImageTooLargeError, InputError
from ferce_agent.inputs.addresses import Reach, fetch, is_public
from ferce_agent.inputs.photo import ImageLimits, load_picture
from tests.inputs.test_photo import saved

PICTURE = saved("PNG")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "ff0e::1",
        "::ffff:8.8.8.8",
        "::ffff:127.0.0.1",
        "64:ff9b::8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2001:0:1::1",
        "2001:db8::1",
        "fec0::1",
        "::127.0.0.1",
        "192.88.99.1",
        "localhost",
        "0x7f000001",
        "2130706433",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_no_private_address_passes_in_any_dress(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    dressed = [
        ipaddress.IPv6Address(0xFFFF << 32 | number),
        ipaddress.IPv6Address(0x64FF9B << 96 | number),
        ipaddress.IPv6Address(0x2002 << 112 | number << 80),
    ]
    assert not any(is_public(str(one)) for one in dressed)
    if not address.is_global:
        assert not is_public(str(address))


@given(st.ip_addresses(v=6))
def test_public_ipv6_is_global_unicast(address: ipaddress.IPv6Address) -> None:
    if is_public(str(address)):
        assert address in ipaddress.ip_network("2000::/3")


@pytest.mark.parametrize(
    "url",
    ["http://example.org/a", "ftp://example.org/a", "https://", "https://u:p@example.org/a", "https://h:99999/a",
     "https://exa mple.org/", "https://example.org/a\r\nHost: x", "https://[::1/a", "//example.org/a"],
)  # fmt: skip
def test_only_plain_https(url: str) -> None:
    with pytest.raises(ImageAccessError):
        fetch(url, ImageLimits(), Reach(resolver=lambda host, port: ["8.8.8.8"]))


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:8.8.8.8"], []])
def test_every_address_of_a_name_must_be_public(addresses: list[str]) -> None:
    with pytest.raises(ImageAccessError, match="not public"):
        fetch("https://example.org/", ImageLimits(), Reach(resolver=lambda host, port: addresses))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433", "127.1"]
)
def test_this_machine_is_never_asked(host: str) -> None:
    with pytest.raises((ImageAccessError, ImageNotFoundError)):
        load_picture(f"https://{host}/a.png", urls=True)


def test_addresses_are_off_by_default() -> None:
    with pytest.raises(ImageAccessError):
        load_picture("https://example.org/a.png")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.strip("/").partition("?")[0]
        if name.startswith("to"):
            self.send_response(302)
            self.send_header(
                "Location", {"to_private": "https://inside/a.png", "to_http": "http://a/"}.get(name, "/" + name[2:])
            )
            self.end_headers()
            return
        body = {"large": bytes(5000), "endless": bytes(100)}.get(name, PICTURE)
        self.send_response(404 if name == "none" else 200)
        if name not in {"endless", "large"}:
            self.send_header("Content-Length", str(len(body) + (100 if name == "short" else 0)))
        self.end_headers()
        self.wfile.write(body)
        if name == "endless":
            self.wfile.flush()
            self.server.release.wait(120)  # type: ignore[attr-defined]

    def log_message(self, *args: Any) -> None:
        pass


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for the name picture.test, signed by itself."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "picture.test")])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("picture.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, secret


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Reach]]:
    pem, key = certificate(tmp_path_factory.mktemp("tls"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem, key)
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.release = threading.Event()  # type: ignore[attr-defined]
    running.socket = tls.wrap_socket(running.socket, server_side=True)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()

    def resolver(host: str, port: int) -> list[str]:
        return {"picture.test": ["127.0.0.1"], "other.test": ["127.0.0.1"], "inside": ["10.0.0.1"]}[host]

    trusted = ssl.create_default_context(cafile=str(pem))
    reach = Reach(resolver=resolver, allowed=lambda address: address == "127.0.0.1", context=trusted, seconds=120)
    yield f"https://picture.test:{running.server_port}", reach
    running.release.set()  # type: ignore[attr-defined]
    running.shutdown()
    running.server_close()


def test_a_picture_is_fetched(server: tuple[str, Reach]) -> None:
    base, reach = server
    assert fetch(f"{base}/a.png?size=1&name=ü", ImageLimits(), reach) == PICTURE
    assert fetch(f"{base}/toa.png", ImageLimits(), reach) == PICTURE


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("none", ImageNotFoundError, "404"),
        ("short", ImageNotFoundError, "IncompleteRead"),
        ("large", ImageTooLargeError, "bytes"),
        ("to_private", ImageAccessError, "not public"),
        ("to_http", ImageAccessError, "https"),
        ("totototoa.png", ImageAccessError, "too often"),
    ],
)
def test_what_a_server_may_do(server: tuple[str, Reach], path: str, error: type[InputError], words: str) -> None:
    base, reach = server
    with pytest.raises(error, match=words):
        fetch(f"{base}/{path}", ImageLimits(max_bytes=4000), reach)


def test_the_time_is_bounded_and_the_certificate_checked(server: tuple[str, Reach]) -> None:
    base, reach = server
    short = Reach(reach.resolver, reach.allowed, reach.context, seconds=1.0)
    with pytest.raises(ImageNotFoundError, match=r"too long|Timeout"):
        fetch(f"{base}/endless", ImageLimits(), short)
    with pytest.raises(ImageNotFoundError, match="certificate"):
        fetch(base.replace("picture.test", "other.test"), ImageLimits(), reach)
