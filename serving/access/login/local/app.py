"""The local provider's web application: discovery, authorize, token and keys."""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import FastAPI, Form, Header, Query
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel

from serving.access.errors import ProviderError
from serving.access.limits import PASSWORD, Limiter
from serving.access.login.local.accounts import LocalAccount
from serving.access.login.local.issuing import ALGORITHM, VISIT_OPEN, Issuing, Visit
from serving.access.login.local.pages import Problem, code_page, password_page, refused_page
from serving.access.login.provider import Client, is_this_machine

_NO_STORE = {"Cache-Control": "no-store"}


class _Asked(BaseModel):
    """What an application asks for. All of it is needed; a request without it is refused."""

    response_type: str
    client_id: str
    redirect_uri: str
    scope: str
    state: str
    nonce: str
    code_challenge: str
    code_challenge_method: str


def build_provider(
    client: Client, accounts: Sequence[LocalAccount], limiter: Limiter, now: Callable[[], dt.datetime]
) -> tuple[FastAPI, Issuing]:
    """The application, and what it issues with (tests rotate its keys and forge its tokens).

    Args:
        client: the one application that it serves; its issuer is this provider.
        accounts: who can log in.
        limiter: slows down whoever guesses.
        now: the moment.

    Raises:
        ProviderError: it would be reachable from elsewhere: it is for demonstrations on this machine.
    """
    if not is_this_machine(urlsplit(client.issuer).hostname):
        raise ProviderError("for demonstrations runs on this machine only", "Name a real provider in the settings.")
    app = FastAPI(title="Local identity provider", openapi_url=None)
    issuing = Issuing(client.issuer, client.client_id)
    _add_facts(app, client, issuing)
    _add_pages(app, client, {account.login: account for account in accounts}, limiter, now, issuing)
    _add_token(app, client, now, issuing)
    return app, issuing


def _add_facts(app: FastAPI, client: Client, issuing: Issuing) -> None:
    @app.get("/.well-known/openid-configuration")
    def describe() -> dict[str, object]:
        return {
            "issuer": client.issuer,
            "authorization_endpoint": f"{client.issuer}/authorize",
            "token_endpoint": f"{client.issuer}/token",
            "jwks_uri": f"{client.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    @app.get("/keys")
    def keys() -> JSONResponse:
        return JSONResponse(issuing.published_keys().as_dict(private=False))


def _add_pages(
    app: FastAPI,
    client: Client,
    accounts: dict[str, LocalAccount],
    limiter: Limiter,
    now: Callable[[], dt.datetime],
    issuing: Issuing,
) -> None:
    nobody = LocalAccount("", "", "\0")

    def back(name: str, account: LocalAccount, *, strong: bool) -> Response:
        left = issuing.leave(name, account, now(), strong=strong)
        if left is None:
            return refused_page()
        visit, code = left
        query = urlencode({"code": code, "state": visit.state, "iss": client.issuer})
        return RedirectResponse(f"{visit.redirect_uri}?{query}", 303, _NO_STORE)

    @app.get("/authorize")
    def authorize(asked: Annotated[_Asked, Query()]) -> Response:
        # An address or client that is not known is never sent anything: else we would hand codes to whoever asks.
        known = asked.client_id == client.client_id and asked.redirect_uri == client.redirect_uri
        usual = asked.response_type == "code" and asked.code_challenge_method == "S256"
        if not known or not usual or "openid" not in asked.scope.split():
            return refused_page()
        moment = now()
        visit = Visit(asked.redirect_uri, asked.state, asked.nonce, asked.code_challenge, moment + VISIT_OPEN)
        return password_page(issuing.keep(visit, moment))

    @app.post("/authorize/password")
    def password(
        visit: Annotated[str, Form()], login: Annotated[str, Form()], password: Annotated[str, Form()]
    ) -> Response:
        if issuing.find(visit, now()) is None:
            return refused_page()
        if not limiter.hit(PASSWORD, login).allowed:
            return password_page(visit, Problem.TOO_OFTEN)
        account = accounts.get(login, nobody)
        if not account.knows(password) or account is nobody:
            return password_page(visit, Problem.WRONG)
        if account.totp_key is not None:
            return code_page(issuing.recognise(visit, account, now()))
        return back(visit, account, strong=False)

    @app.post("/authorize/code")
    def code(visit: Annotated[str, Form()], code: Annotated[str, Form()]) -> Response:
        found = issuing.find(visit, now())
        if found is None or found.account is None:
            return refused_page()
        if not limiter.hit(PASSWORD, found.account.login).allowed:
            return code_page(visit, Problem.TOO_OFTEN)
        step = found.account.step_of(code, int(now().timestamp()))
        if step is None or not issuing.take_step(found.account, step):
            return code_page(visit, Problem.WRONG)
        return back(visit, found.account, strong=True)


def _add_token(app: FastAPI, client: Client, now: Callable[[], dt.datetime], issuing: Issuing) -> None:
    @app.post("/token")
    def token(
        grant_type: Annotated[str, Form()],
        code: Annotated[str, Form()],
        redirect_uri: Annotated[str, Form()],
        code_verifier: Annotated[str, Form()],
        authorization: Annotated[str, Header()] = "",
    ) -> JSONResponse:
        if not _is_client(authorization, client):
            return JSONResponse({"error": "invalid_client"}, 401, _NO_STORE)
        if grant_type != "authorization_code":
            return JSONResponse({"error": "unsupported_grant_type"}, 400, _NO_STORE)
        found = issuing.redeem(code, redirect_uri, code_verifier, now())
        if found is None:
            return JSONResponse({"error": "invalid_grant"}, 400, _NO_STORE)
        # RFC 6749 wants an access token; this one opens nothing, because this provider has nothing to open.
        answer = {"id_token": found, "token_type": "Bearer", "access_token": secrets.token_urlsafe(16)}  # nosec B105
        return JSONResponse(answer, 200, _NO_STORE)


def _is_client(authorization: str, client: Client) -> bool:
    scheme, _, value = authorization.partition(" ")
    try:
        given = b64decode(value, validate=True)
    except ValueError:
        return False
    wanted = f"{client.client_id}:{client.secret}".encode()
    return scheme.lower() == "basic" and hmac.compare_digest(given, wanted)
