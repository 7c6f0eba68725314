"""AWS Signature Version 4 as values: a request goes in, the headers that prove who sends it come out.

Source: AWS, "Create a signed AWS API request". Held equal to botocore's own signer by tests/properties.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote


class Credentials(NamedTuple):
    """Of the function's role, for one region; `token` is empty for a user's own keys."""

    region: str
    access_key: str
    secret_key: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.region!r})"


class Request(NamedTuple):
    """What is sent. `path` is encoded once already; `headers` have lower-case names and include `host`."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


def sign(request: Request, service: str, credentials: Credentials, moment: str) -> dict[str, str]:
    """Return all headers of the request, signed. `moment` is UTC as `YYYYMMDDTHHMMSSZ`."""
    headers = {**request.headers, "x-amz-date": moment}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = sorted(headers)
    signed = ";".join(names)
    canonical = "\n".join(
        [
            request.method,
            quote(request.path, safe="/-_.~"),
            query_string(request.query),
            *(f"{name}:{' '.join(headers[name].split())}" for name in names),
            "",
            signed,
            sha256(request.body).hexdigest(),
        ]
    )
    scope = f"{moment[:8]}/{credentials.region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, SignedHeaders={signed}, Signature={signature}"
    )
    return headers


def query_string(query: Mapping[str, str]) -> str:
    """Return the query as it is both sent and signed: sorted, and encoded as AWS wants it."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)
