"""Every request that the page and its links take, as events of a function URL, without a browser."""

import base64
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from ramp.page import forms

COOKIE = "a-cookie"
Answer = Callable[[dict[str, Any]], Mapping[str, Any]]


def request(path: str, method: str = "GET", body: bytes = b"") -> dict[str, Any]:
    """As AWS delivers it (payload format 2.0)."""
    http = {"method": method, "path": path}
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "page.example", "sec-fetch-site": "same-origin"},
        "cookies": [f"{forms.COOKIE}={COOKIE}"],
        "requestContext": {"http": http, "stage": "$default"},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def post(path: str, **fields: str) -> dict[str, Any]:
    """A form of the page's own, filled in."""
    form = {"form": forms.value(COOKIE, path), "by": "ada", "reason": "on purpose", **fields}
    return request(path, "POST", urlencode(form).encode())


def seen_on(page: str) -> str:
    """What the form of a page says was seen."""
    return page.partition('name="seen" value="')[2].partition('"')[0]


def request_on(page: str) -> str:
    """The question that the form of a page is about."""
    return page.partition('name="request_id" value="')[2].partition('"')[0]


def approve(answer: Answer, path: str) -> Mapping[str, Any]:
    """Look at the question at `path`, then say yes to what was seen."""
    page = str(answer(request(path))["body"])
    return answer(post(path, answer="approve", seen=seen_on(page), request_id=request_on(page)))
