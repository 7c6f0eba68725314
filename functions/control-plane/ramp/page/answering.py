"""Answers over HTTP: HTML under a policy that lets nothing in from elsewhere, and how a browser keeps them."""

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response
from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from ramp.page import forms, markup

HTML = "text/html; charset=utf-8"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Not no-referrer: browsers would then hide the origin of our own forms from us, too.
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
FOR_GOOD = "public, max-age=31536000, immutable"

Http = Response[str]


def html(template: str, status: int = 200, cookie: str | None = None, **values: Any) -> Http:
    """A page; `cookie` is what its forms were made with."""
    cookies = [Cookie(forms.COOKIE, cookie, path="/", http_only=True, same_site=SameSite.STRICT_MODE)] if cookie else []
    return Response(status, HTML, markup.page(template, **values), dict(HEADERS), cookies)


def told(status: int, title: str, *lines: str, tone: str = "plain", home: bool = True, back: Any = None) -> Http:
    """A page that says one thing."""
    return html("told.html", status, title=title, lines=lines, tone=tone, home=home, back=back)


def data(value: Any) -> Http:
    """JSON for the page's own script."""
    return Response(200, "application/json", json.dumps(value, ensure_ascii=False), dict(HEADERS))


def see(where: str) -> Http:
    """After a form: go and look, so that reloading posts nothing."""
    return Response(303, "text/plain", "", {**HEADERS, "Location": where})


def assets(app: LambdaFunctionUrlResolver) -> None:
    """Serve what pages load."""

    @app.get("/assets/<name>")
    def asset(name: str) -> Http:
        if name not in markup.ASSETS:
            return told(404, "There is no such file")
        return Response(200, markup.ASSETS[name], markup.content(name), {**HEADERS, "Cache-Control": FOR_GOOD})


def posted(app: LambdaFunctionUrlResolver, purpose: str) -> Mapping[str, str] | None:
    """The fields of the form; None when it is not one of ours."""
    event = app.current_event
    sent = forms.fields(_body(app))
    headers = {name.lower(): value for name, value in event.headers.items()}
    return sent if forms.is_ours(cookie(app), purpose, sent.get("form", ""), headers) else None


def signer(app: LambdaFunctionUrlResolver) -> str | None:
    """ARN of whoever signed the request. Function URLs tell it where they ask for signatures; None where they do not.

    Source: AWS Lambda developer guide, "Invoking Lambda function URLs" (requestContext.authorizer.iam.userArn).
    """
    found: Any = app.current_event.raw_event
    for name in ("requestContext", "authorizer", "iam", "userArn"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) and found else None


def _body(app: LambdaFunctionUrlResolver) -> str:
    """What was posted; nothing where it is no text."""
    try:
        return app.current_event.decoded_body or ""
    except ValueError:  # neither Base64 nor UTF-8
        return ""


def cookie(app: LambdaFunctionUrlResolver) -> str | None:
    """The cookie that this browser's forms are made with. Function URLs hand cookies over as a list of their own."""
    event = app.current_event
    sent = "; ".join(event.get("cookies") or [event.headers.get("cookie", "")])
    return forms.cookie_of(sent)


NOT_OURS = (
    "This form was not opened here",
    "It comes from another page, or this browser has forgotten that it opened it. Nothing was done.",
    "Open the page again and answer there.",
)
WHO_AND_WHY = ("Who, and why?", "A word needs a name and a reason. Nothing was done.", "Go back and fill them in.")
AWAY = (
    "AWS did not answer",
    "Try again in a moment.",
    "If you have just said something, look at the ramp's story first: it may have been heard.",
)
