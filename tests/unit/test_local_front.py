"""The front end on loopback: what it hands to the page's functions, as a function URL would."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.request import urlopen

import pytest
from local_stack.front import LINK, PAGE, Event, Front

ARN = "arn:aws:iam::123456789012:user/ada"
Heard = list[tuple[str, Event]]


@pytest.fixture
def heard() -> Heard:
    """Functions and the events that they were called with."""
    return []


@pytest.fixture
def address(heard: Heard) -> Iterator[str]:
    """Of a front end whose owner is known."""

    def call(function: str, event: Event) -> Mapping[str, Any]:
        heard.append((function, event))
        return {"statusCode": 200, "headers": {}, "body": "seen"}

    front = Front(call, caller_arn=ARN)
    threading.Thread(target=front.serve_forever, daemon=True).start()
    yield front.url
    front.shutdown()
    front.server_close()


def test_the_page_hears_who_signed_and_links_hear_nobody(address: str, heard: Heard) -> None:
    """As AWS does it: the page's function URL asks for signatures, that of links does not."""
    for path in ("ramps/one", "link/two"):
        assert urlopen(address + path).read() == b"seen"  # noqa: S310  # our own, on loopback
    (page, of_page), (link, of_link) = heard
    assert (page, link) == (PAGE, LINK)
    assert of_page["requestContext"]["authorizer"]["iam"]["userArn"] == ARN
    assert "authorizer" not in of_link["requestContext"]
