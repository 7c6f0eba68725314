"""Our signature is botocore's, whatever is signed."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import patch

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st
from read_path.signature import Credentials, Request, query_string, sign

MOMENT = datetime(2026, 11, 22, 7, 0, 1, tzinfo=UTC)
words = st.text(
    st.characters(codec="ascii", categories=["L", "N", "P"], exclude_characters="/?#%"), min_size=1, max_size=12
)
tokens = st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=30)


def signed_by_botocore(request: Request, service: str, credentials: Credentials) -> str:
    url = f"https://{request.headers['host']}{request.path}"
    if request.query:
        url += f"?{query_string(request.query)}"
    headers = {name: value for name, value in request.headers.items() if name != "host"}
    asked = AWSRequest(method=request.method, url=url, data=request.body, headers=headers)
    keys = BotoCredentials(credentials.access_key, credentials.secret_key, credentials.token or None)
    with patch.object(botocore.auth, "get_current_datetime", lambda: MOMENT):
        botocore.auth.SigV4Auth(keys, service, credentials.region).add_auth(asked)
    return str(asked.headers["Authorization"])


@given(
    method=st.sampled_from(["GET", "POST"]),
    name=words.filter(
        lambda name: name not in {".", ".."}
    ),  # those are steps in a path, and no function has such a name
    query=st.dictionaries(words, words, max_size=3),
    body=st.binary(max_size=200),
    token=tokens,
    service=st.sampled_from(["lambda", "appconfig", "sqs", "secretsmanager"]),
)
def test_a_request_is_signed_as_botocore_signs_it(
    method: str, name: str, query: dict[str, str], body: bytes, token: str, service: str
) -> None:
    path = "/2015-03-31/functions/" + query_string({name: ""}).removesuffix("=") + "/invocations"
    credentials = Credentials("eu-west-1", "AKID", "secret/+", token)
    headers = {"host": f"{service}.eu-west-1.amazonaws.com", "x-amz-invocation-type": "Event"}
    request = Request(method, path, query, headers, body)
    mine = sign(request, service, credentials, MOMENT.strftime("%Y%m%dT%H%M%SZ"))
    assert mine["authorization"] == signed_by_botocore(request, service, credentials)


def test_credentials_never_show_themselves() -> None:
    assert "secret" not in repr(Credentials("r", "AKID", "secret"))
