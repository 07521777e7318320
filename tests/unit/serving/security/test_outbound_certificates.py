"""The connection goes to the address that was judged, and the certificate is still checked against the name."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from serving.security.addresses import Address, AllowList
from serving.security.errors import OutboundFailedError
from serving.security.outbound import OutboundClient

NAME = "hooks.example.gov.cn"
BEGAN, ENDS = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2120, 1, 1, tzinfo=dt.UTC)


def certificate(folder: Path, name: str) -> Path:
    """A certificate that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), BEGAN, ENDS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


class Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"fine")

    def log_message(self, format: str, *args: object) -> None:
        pass


class Quiet(HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us hangs up: that is the test."""


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return certificate(tmp_path, NAME)


@pytest.fixture
def port(pem: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = Quiet(("127.0.0.1", 0), Fine)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield int(server.socket.getsockname()[1])
    server.shutdown()
    server.server_close()


def here(host: str, port: int) -> list[Address]:
    return [ipaddress.ip_address("127.0.0.1")]


def call(name: str, port: int, trusted: ssl.SSLContext | None) -> int:
    allowed = AllowList([f"{name}:{port}=127.0.0.1"])
    return OutboundClient(allowed, here, trusted).call("GET", f"https://{name}:{port}/").status


def test_a_server_that_proves_its_name_is_called(pem: Path, port: int) -> None:
    assert call(NAME, port, ssl.create_default_context(cafile=pem)) == 200


def test_a_server_that_proves_another_name_is_not(pem: Path, port: int) -> None:
    with pytest.raises(OutboundFailedError):
        call("other.example.gov.cn", port, ssl.create_default_context(cafile=pem))


def test_a_server_that_nobody_vouches_for_is_not(port: int) -> None:
    with pytest.raises(OutboundFailedError):
        call(NAME, port, None)
