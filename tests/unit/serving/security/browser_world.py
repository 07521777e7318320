"""A small application behind the headers and the guard, as the real one stands behind them."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Form, Request, Response, UploadFile, WebSocket
from fastapi.responses import HTMLResponse
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp

from serving.security.csrf import CsrfGuard, CsrfTokens
from serving.security.http import NONCE, SecurityHeaders

ORIGIN = "https://service.example.gov.cn"
COOKIE = "__Host-session"
TOKENS = CsrfTokens(b"k" * 32)
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def session_of(headers: Headers) -> str | None:
    return cookie_parser(headers.get("cookie", "")).get(COOKIE)


def application(done: list[str]) -> FastAPI:
    app = FastAPI()

    @app.get("/page")
    def page(request: Request) -> HTMLResponse:
        nonce = request.scope["state"][NONCE]
        return HTMLResponse(f'<script nonce="{nonce}">1</script>')

    @app.get("/static/site.css")
    def style() -> Response:
        return Response("body{}", media_type="text/css", headers={"Cache-Control": "public, max-age=60"})

    @app.get("/static/counted")
    def counted() -> Response:
        response = Response("x")
        response.set_cookie("count", "1", samesite=None)
        return response

    @app.get("/login")
    def login() -> Response:
        response = Response("x")
        response.headers.append("set-cookie", f"{COOKIE}=abc; Path=/")
        response.headers.append("set-cookie", "other=1; SameSite=None; Secure")
        return response

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("a mistake of ours")

    @app.post("/form")
    def form(amount: Annotated[int, Form()]) -> dict[str, int]:
        done.append("/form")
        return {"amount": amount}

    @app.post("/upload")
    async def upload(file: UploadFile) -> dict[str, int]:
        done.append("/upload")
        return {"size": len(await file.read())}

    @app.api_route("/things/{thing}", methods=list(UNSAFE))
    async def things(thing: str, request: Request) -> dict[str, str]:
        done.append(f"{request.method} /things")
        return {"thing": thing, "body": (await request.body()).decode()}

    @app.post("/dci/notify")
    async def notify(request: Request) -> dict[str, str]:
        done.append("/dci/notify")
        return {"body": (await request.body()).decode()}

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    return app


def protected(done: list[str]) -> ASGIApp:
    guarded = CsrfGuard(application(done), TOKENS, session_of, [ORIGIN], ["/dci/notify"], most_form_bytes=100_000)
    return SecurityHeaders(guarded, ["/static/"])
