"""No call outwards reaches a place inside, whatever the address is written like, resolves to, or answers."""

from __future__ import annotations

import http.server
import ipaddress
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

import pytest

from serving.security.addresses import AllowList, Listed, Reason, choose_address, is_public
from serving.security.errors import OutboundFailedError, OutboundRefusedError
from serving.security.outbound import OutboundClient, look_up

PUBLIC = "93.184.216.34"
GOOD = "hooks.example.gov.cn"
NAMES = {
    GOOD: [PUBLIC],
    "inside.example.gov.cn": ["10.1.2.3"],
    "loop.example.gov.cn": ["127.0.0.1"],
    "loop6.example.gov.cn": ["::1"],
    "mapped.example.gov.cn": ["::ffff:127.0.0.1"],
    "sixtofour.example.gov.cn": ["2002:7f00:1::"],
    "nat64.example.gov.cn": ["64:ff9b::7f00:1"],
    "compatible.example.gov.cn": ["::127.0.0.1"],
    "teredo.example.gov.cn": ["2001:0:1:1:1:1:80ff:fffe"],
    "linklocal.example.gov.cn": ["fe80::1"],
    "unique.example.gov.cn": ["fd00::1"],
    "cloud.example.gov.cn": ["169.254.169.254"],
    "shared.example.gov.cn": ["100.64.0.1"],
    "zero.example.gov.cn": ["0.0.0.0"],
    "multicast.example.gov.cn": ["224.0.0.1"],
    "broadcast.example.gov.cn": ["255.255.255.255"],
    "benchmark.example.gov.cn": ["198.18.0.1"],
    "mixed.example.gov.cn": [PUBLIC, "192.168.0.1"],
    "gone.example.gov.cn": [],
}
ON_THE_LIST = [f"{name}:443" for name in NAMES] + [f"http://{GOOD}:8080"]

REFUSED = {
    # written as internal addresses
    "http://169.254.169.254/latest/meta-data/": Reason.INTERNAL,
    "http://127.0.0.1/": Reason.INTERNAL,
    "http://127.0.0.1:5432/": Reason.INTERNAL,
    "http://10.0.0.1/": Reason.INTERNAL,
    "http://172.16.0.1/": Reason.INTERNAL,
    "http://192.168.1.1/": Reason.INTERNAL,
    "http://0.0.0.0/": Reason.INTERNAL,
    "http://[::1]/": Reason.INTERNAL,
    "http://[::]/": Reason.INTERNAL,
    "http://[fe80::1]/": Reason.INTERNAL,
    "http://[fd00:ec2::254]/": Reason.INTERNAL,
    "http://[::ffff:127.0.0.1]/": Reason.ODD_HOST,
    "http://[::ffff:7f00:1]/": Reason.INTERNAL,
    "http://[0:0:0:0:0:ffff:a00:1]/": Reason.ODD_HOST,
    "http://[64:ff9b::7f00:1]/": Reason.INTERNAL,
    "http://[fe80::1%25eth0]/": Reason.ODD_HOST,
    # addresses in odd notations
    "http://0x7f.1/": Reason.ODD_HOST,
    "http://0x7f000001/": Reason.ODD_HOST,
    "http://2130706433/": Reason.ODD_HOST,
    "http://017700000001/": Reason.ODD_HOST,
    "http://0177.0.0.1/": Reason.ODD_HOST,
    "http://127.1/": Reason.ODD_HOST,
    "http://127.0.1/": Reason.ODD_HOST,
    "http://127.0.0.1./": Reason.ODD_HOST,
    "http://00000127.0.0.1/": Reason.ODD_HOST,
    "http://①②⑦.0.0.1/": Reason.UNREADABLE,
    "http://１２７.0.0.1/": Reason.UNREADABLE,
    # names that are not what they look like
    "http://localhost/": Reason.NOT_LISTED,
    f"https://{GOOD}./": Reason.ODD_HOST,
    f"https://{GOOD.upper()}.evil.example/": Reason.NOT_LISTED,
    f"https://evil.example/{GOOD}": Reason.NOT_LISTED,
    f"https://{GOOD}.evil.example/": Reason.NOT_LISTED,
    f"https://evil{GOOD}/": Reason.NOT_LISTED,
    f"https://{GOOD}:8443/": Reason.NOT_LISTED,
    f"http://{GOOD}/": Reason.NOT_LISTED,
    f"https://{GOOD}:0/": Reason.UNREADABLE,
    f"https://{GOOD}:99999/": Reason.UNREADABLE,
    f"https://{GOOD}:443:80/": Reason.UNREADABLE,
    "https://hooks.example。gov。cn/": Reason.UNREADABLE,
    "https://hooks%2eexample.gov.cn/": Reason.ODD_HOST,
    # user information
    f"https://{GOOD}@127.0.0.1/": Reason.USER_INFORMATION,
    f"https://{GOOD}:443@evil.example/": Reason.USER_INFORMATION,
    f"https://user:password@{GOOD}/": Reason.USER_INFORMATION,
    f"https://evil.example@{GOOD}/": Reason.USER_INFORMATION,
    f"https://@{GOOD}/": Reason.USER_INFORMATION,
    f"https://{GOOD}\\@127.0.0.1/": Reason.UNREADABLE,
    f"https:\\\\{GOOD}/": Reason.UNREADABLE,
    f"https://127.0.0.1#@{GOOD}/": Reason.UNREADABLE,
    f"https://{GOOD} .evil.example/": Reason.UNREADABLE,
    f"https://{GOOD}\t/": Reason.UNREADABLE,
    f"https://{GOOD}/\r\nHost: inside": Reason.UNREADABLE,
    # schemes
    "file:///etc/passwd": Reason.SCHEME,
    "gopher://127.0.0.1:6379/_FLUSHALL": Reason.SCHEME,
    "ftp://127.0.0.1/": Reason.SCHEME,
    "dict://127.0.0.1:11211/": Reason.SCHEME,
    "//127.0.0.1/": Reason.UNREADABLE,
    "https:///path": Reason.ODD_HOST,
    "https://" + "a" * 3000: Reason.UNREADABLE,
    "": Reason.UNREADABLE,
    # on the list, but the name leads inside
    **{
        f"https://{name}/": Reason.INTERNAL
        for name, addresses in NAMES.items()
        if addresses and addresses != [PUBLIC]
    },
    "https://gone.example.gov.cn/": Reason.NO_ADDRESS,
}  # fmt: skip


def resolve(host: str, port: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    return [ipaddress.ip_address(text) for text in NAMES[host]]


class Visited(BaseHTTPRequestHandler):
    """A real server. Its paths are the ways in which an answer can be bad."""

    seen: list[tuple[str, str]]

    def do_GET(self) -> None:
        self.seen.append((str(self.connection.getsockname()[0]), self.headers["Host"] + self.path))
        with suppress(OSError):
            getattr(self, "answer_" + self.path.strip("/").split("?")[0].replace("-", "_"))()

    do_POST = do_GET  # noqa: N815 the server's name for it

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_fine(self) -> None:
        self.answer(200, self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"fine")

    def answer_elsewhere(self) -> None:
        port = self.connection.getsockname()[1]
        self.answer(302, Location=f"http://localhost:{port}/fine")

    def answer_permanently(self) -> None:
        self.answer(308, Location="http://169.254.169.254/")

    def answer_large(self) -> None:
        self.answer(200, b"x" * (2 << 20))

    def answer_endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b"x" * 65_536)

    def answer_dripping(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(200):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.05)
        self.seen.append(("all of it", ""))

    def answer_dripping_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(200):
            self.wfile.write(f"X-{number}: y\r\n".encode())
            self.wfile.flush()
            time.sleep(0.05)
        self.seen.append(("all of it", ""))

    def answer_silent(self) -> None:
        time.sleep(5)

    def answer_packed(self) -> None:
        self.answer(200, b"\x1f\x8b", Content_Encoding="gzip")

    def answer_no_http(self) -> None:
        self.wfile.write(b"+PONG\r\n\r\n")

    def answer_cut(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"x")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def seen() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def port(seen: list[tuple[str, str]]) -> Iterator[int]:
    """One port at which two real servers listen: 127.0.0.1, and 127.0.0.2, which stands for a place inside."""
    handler = type("Handler", (Visited,), {"seen": seen})
    one = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    other = http.server.ThreadingHTTPServer(("127.0.0.2", one.server_address[1]), handler)
    for server in (one, other):
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield int(one.server_address[1])
    for server in (one, other):
        server.shutdown()
        server.server_close()


def client(port: int, most_seconds: float = 5.0) -> OutboundClient:
    """May call the first server by its address, which the list names expressly."""
    return OutboundClient(AllowList([f"http://127.0.0.1:{port}"]), most_seconds=most_seconds)


def test_the_table_is_long_enough() -> None:
    assert len(REFUSED) >= 40
    assert set(REFUSED.values()) == set(Reason)


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_leads_inside_is_refused(url: str) -> None:
    calls = OutboundClient(AllowList(ON_THE_LIST), resolve)
    with pytest.raises(OutboundRefusedError) as refusal:
        calls.call("GET", url)
    assert refusal.value.reason == REFUSED[url].value
    assert "password" not in str(refusal.value).replace("name and password", "")


def test_a_good_address_is_chosen() -> None:
    target = Listed.read(f"{GOOD}:443")
    assert str(choose_address(target, resolve(GOOD, 443))) == PUBLIC


def test_a_listed_server_answers(port: int, seen: list[tuple[str, str]]) -> None:
    answer = client(port).call("POST", f"http://127.0.0.1:{port}/fine?x=1", b"sent", {"X-Kind": "notice"})
    assert (answer.status, answer.body) == (200, b"sent")
    assert seen == [("127.0.0.1", f"127.0.0.1:{port}/fine?x=1")]


@pytest.mark.parametrize("path", ["elsewhere", "permanently"])
def test_a_redirect_is_not_followed(port: int, seen: list[tuple[str, str]], path: str) -> None:
    with pytest.raises(OutboundFailedError, match="no redirect is followed"):
        client(port).call("GET", f"http://127.0.0.1:{port}/{path}")
    assert len(seen) == 1


@pytest.mark.parametrize("path", ["large", "endless"])
def test_an_answer_is_at_most_a_megabyte(port: int, path: str) -> None:
    with pytest.raises(OutboundFailedError, match="longer than 1,048,576 bytes"):
        client(port).call("GET", f"http://127.0.0.1:{port}/{path}")


@pytest.mark.parametrize("path", ["dripping", "dripping-headers", "silent"])
def test_a_server_that_drips_has_no_longer_than_any_other(port: int, seen: list[tuple[str, str]], path: str) -> None:
    with pytest.raises(OutboundFailedError, match="too slow"):
        client(port, most_seconds=0.5).call("GET", f"http://127.0.0.1:{port}/{path}")
    assert len(seen) == 1  # it was given up long before the server was done


@pytest.mark.parametrize("path", ["packed", "no_http", "cut"])
def test_an_answer_that_is_none_is_told_so(port: int, path: str) -> None:
    with pytest.raises(OutboundFailedError):
        client(port).call("GET", f"http://127.0.0.1:{port}/{path}")


def test_a_slow_name_server_holds_nobody_up(port: int) -> None:
    release = threading.Event()

    def slow(host: str, port: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
        release.wait(10)
        return []

    with pytest.raises(OutboundFailedError, match="too slow"):
        OutboundClient(AllowList([f"{GOOD}:443"]), slow, most_seconds=0.2).call("GET", f"https://{GOOD}/")
    release.set()


def test_a_name_that_changes_its_address_is_asked_once(port: int, seen: list[tuple[str, str]]) -> None:
    answers = iter(["127.0.0.1", "127.0.0.2", "127.0.0.2"])
    asked = []

    def rebinding(host: str, port: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
        asked.append(host)
        return [ipaddress.ip_address(next(answers))]

    # The list names 127.0.0.1 for this host; 127.0.0.2 stands for whatever else is inside, and really listens.
    calls = OutboundClient(AllowList([f"http://{GOOD}:{port}=127.0.0.1"]), rebinding)
    assert calls.call("GET", f"http://{GOOD}:{port}/fine").status == 200
    assert seen == [("127.0.0.1", f"{GOOD}:{port}/fine")]
    assert asked == [GOOD]
    with pytest.raises(OutboundRefusedError, match="not public"):
        calls.call("GET", f"http://{GOOD}:{port}/fine")
    assert len(seen) == 1


def test_a_proxy_of_the_environment_is_not_used(
    port: int, seen: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.2:{port}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.2:{port}")
    assert client(port).call("GET", f"http://127.0.0.1:{port}/fine").status == 200
    assert seen == [("127.0.0.1", f"127.0.0.1:{port}/fine")]


@pytest.mark.parametrize(
    "entry", ["", "host", "http://", "https://a@b:443", "0x7f.1:80", "host:443=nonsense", "host:x"]
)
def test_a_list_that_cannot_be_read_is_refused(entry: str) -> None:
    if entry == "host":
        assert Listed.read(entry).port == 443
    else:
        with pytest.raises(ValueError, match="no entry of a list"):
            Listed.read(entry)


def test_the_system_looks_names_up() -> None:
    assert ipaddress.ip_address("127.0.0.1") in look_up("localhost", 80)
    assert look_up("a" * 70 + ".invalid", 80) == []


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "223.5.5.5"])
def test_public_addresses_are_known_as_such(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
