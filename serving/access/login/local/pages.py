"""The pages of the local provider: two plain forms that need no script, and what is said where there is none."""

from __future__ import annotations

import enum
from html import escape
from string import Template
from typing import Final

from fastapi.responses import HTMLResponse

_PAGE: Final = Template(
    """<!doctype html>
<html lang="zh-CN">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 1.25rem/1.6 sans-serif; max-width: 32rem; margin: 2rem auto; padding: 0 1rem }
body { color: #111; background: #fff }
label { display: block; margin-top: 1rem }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; border: 2px solid #333 }
button { font: inherit; margin-top: 1.5rem; min-height: 3.75rem; padding: 0 2rem }
button { color: #fff; background: #00529b; border: 0 }
:focus-visible { outline: 4px solid #b35900; outline-offset: 2px }
.problem { border-left: .5rem solid #b00020; padding-left: 1rem }
</style></head>
<body><main>
<h1>$title</h1>
<p>演示用身份提供方，请勿输入真实密码。<br>
<span lang="en">For demonstrations only: never type a real password here.</span></p>
$problem
$form
</main></body></html>
"""
)
_FORM: Final = Template(
    """<form method="post" action="$action">
<input type="hidden" name="visit" value="$visit">
$fields
<button type="submit">继续 <span lang="en">Continue</span></button>
</form>"""
)
_PASSWORD: Final = """
<label for="login">用户名 <span lang="en">User name</span></label>
<input id="login" name="login" autocomplete="username" required>
<label for="password">密码 <span lang="en">Password</span></label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
"""
_CODE: Final = """
<label for="code">动态验证码（6位） <span lang="en">Code of your authenticator app (6 digits)</span></label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}" required>
"""
_HEADERS: Final = {
    "Cache-Control": "no-store",
    # No form-action: browsers apply it to the redirect back to the application too.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Problem(enum.Enum):
    """What a page may say went wrong; it never says which of name, password and code it was."""

    WRONG = "用户名、密码或验证码不正确。请重试。|The name, password or code is not right. Try again."
    TOO_OFTEN = "尝试次数过多，请五分钟后再试。|Too many tries: wait five minutes."
    NO_VISIT = "本次登录已失效，请回到原来的网页重新登录。|This login is over: go back and log in from there again."


def password_page(visit: str, problem: Problem | None = None) -> HTMLResponse:
    """Asks for name and password."""
    return _page("登录 Log in", _form("/authorize/password", visit, _PASSWORD), problem)


def code_page(visit: str, problem: Problem | None = None) -> HTMLResponse:
    """Asks for the second factor."""
    return _page("第二步验证 Second step", _form("/authorize/code", visit, _CODE), problem)


def refused_page() -> HTMLResponse:
    """There is no login to go on with: it took too long, or nobody sent this browser here."""
    return _page("登录 Log in", "", Problem.NO_VISIT)


def _form(action: str, visit: str, fields: str) -> str:
    return _FORM.substitute(action=action, visit=escape(visit), fields=fields)


def _page(title: str, form: str, problem: Problem | None) -> HTMLResponse:
    said = ""
    if problem is not None:
        zh, en = problem.value.split("|")
        said = f'<p class="problem" role="alert">{zh}<br><span lang="en">{en}</span></p>'
    page = _PAGE.substitute(title=title, form=form, problem=said)
    status = {None: 200, Problem.WRONG: 401, Problem.TOO_OFTEN: 429, Problem.NO_VISIT: 400}[problem]
    return HTMLResponse(page, status, _HEADERS)
