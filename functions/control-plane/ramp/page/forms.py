"""Who may post: a form that this page handed to this browser, sent from this page.

The browser holds a random cookie that no other site can read, and each form a value made of it and of the form's own
purpose. A site that posts here knows neither, and its requests say where they come from.
"""

import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from ramp.caller import said_by

COOKIE = "ramp-form"
NAME_LENGTH, REASON_LENGTH = 80, 500


def value(cookie: str, purpose: str) -> str:
    """What a form with this purpose carries."""
    return hmac.new(cookie.encode(), purpose.encode(), "sha256").hexdigest()


def is_ours(cookie: str | None, purpose: str, sent: str, headers: Mapping[str, str]) -> bool:
    """Whether the form comes from our own page, opened in the same browser. `headers` by lower-case names."""
    if not cookie or not hmac.compare_digest(value(cookie, purpose).encode(), sent.encode()):
        return False
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = urlsplit(headers.get("origin", "")).netloc
    return bool(origin) and origin == headers.get("host")


def cookie_of(sent: str) -> str | None:
    """Our cookie, out of a Cookie header."""
    try:
        found = SimpleCookie(sent).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None


def fields(body: str) -> dict[str, str]:
    """The fields of a posted form, each on one line or more as typed, without what surrounds them."""
    return {name: found[-1].strip() for name, found in parse_qs(body).items()}


def who_and_why(posted: Mapping[str, str], signer: str | None) -> tuple[str, str] | None:
    """Name and reason, cut to what the records take; None when either is missing.

    The name is what was typed, and behind it whoever signed the request, by the ARN that AWS tells.
    """
    by, reason = posted.get("by", "")[:NAME_LENGTH], posted.get("reason", "")[:REASON_LENGTH]
    if not (by and reason):
        return None
    name = " ".join(by.split())
    return said_by(name, signer) if signer else name, " ".join(reason.split())
