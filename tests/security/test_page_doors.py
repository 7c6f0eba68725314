"""A word counts only from a form of ours, for the question it was about; what people and records say stays text."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urlencode

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto import mock_aws
from ramp import words
from ramp.adapters.table import RampTable
from ramp.errors import AwsUnavailable
from ramp.page import forms
from ramp.page.handlers import TROUBLES
from ramp.page.routes import link_app, page_app
from ramp.world import World

from tests.browser import scenes
from tests.browser.director import FakeComparisons, desk_of

NAME, OTHER = "ramp-asking", "ramp-other"
COOKIE, HOST = "a-cookie", "page.example"
LINK = "a-link-that-nobody-guesses"
HOUR = 3_600
SHORT = {
    "steps": [
        {"percent": 0, "bake_seconds": 600},
        {"percent": 10, "bake_seconds": 600, "approval": True},
        {"percent": 100, "bake_seconds": 600},
    ],
    "approvals": {"timeout_seconds": 4 * HOUR},
}
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}\r\nX-Evil: 1"


class House:
    """A ramp that asks, its page, and the links in its messages."""

    def __init__(self, **plan: Any) -> None:
        self.director = scenes.asking(NAME, **{**SHORT, **plan})
        self.table = self.director.house.table
        self.desk = desk_of(self.director)
        self._page, self._links = page_app(self.desk), link_app(self.desk)
        self.put_link(LINK, NAME, self.request_id)

    @property
    def request_id(self) -> str:
        return str((self.table.request(NAME) or {}).get("request_id", ""))

    @property
    def step_number(self) -> int:
        return int(self.table.ramps[NAME]["document"]["step"]) + 1

    def put_link(self, link_id: str, ramp: str, request_id: str, seconds: float = HOUR) -> None:
        now = self.director.clock()
        self.table.put_link(link_id, ramp, request_id, now, now + seconds)

    def ask(self, path: str, method: str = "GET", body: bytes = b"", **changes: Any) -> Mapping[str, Any]:
        """As AWS delivers it (payload format 2.0)."""
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"host": HOST, "sec-fetch-site": "same-origin"},
            "cookies": [f"{forms.COOKIE}={COOKIE}"],
            "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
            **changes,
        }
        app = self._links if path.startswith("/link/") else self._page
        answer: Mapping[str, Any] = app.resolve(event, LambdaContext())
        return answer

    def post(self, path: str, form: str | None = None, fields: Mapping[str, str] | None = None, **changes: Any) -> int:
        """A form of the page's own, filled in, unless `form`, `fields` or `changes` say otherwise."""
        filled = {"by": "ada", "reason": "on purpose", "request_id": self.request_id, "answer": "reject"}
        sent = {**filled, "form": forms.value(COOKIE, path) if form is None else form, **(fields or {})}
        return int(self.ask(path, "POST", urlencode(sent).encode(), **changes)["statusCode"])

    def said(self) -> list[str]:
        """Every word that counted."""
        return [word["verb"] for word in self.table.words(NAME)]


@pytest.fixture
def house() -> House:
    return House()


DECIDE, ABORT, LINKED = f"/ramps/{NAME}/decide", f"/ramps/{NAME}/abort", f"/link/{LINK}"


@pytest.mark.parametrize("path", [DECIDE, LINKED])
def test_a_form_of_ours_counts_once(house: House, path: str) -> None:
    """Sent again, it is told so; the first word stands."""
    first, again = house.post(path), house.post(path)
    assert (first, house.said()) == (303, ["reject"])
    assert again in {200, 409}


@pytest.mark.parametrize("path", [DECIDE, LINKED, ABORT, f"/ramps/{NAME}/pause", f"/ramps/{NAME}/advance"])
@pytest.mark.parametrize(
    "forged",
    [
        {"form": ""},
        {"form": "0" * 64},
        {"form": forms.value("another-cookie", DECIDE)},
        {"form": "\ud7ff☃"},
        {"cookies": []},
        {"cookies": [f"{forms.COOKIE}=another-cookie"]},
        {"cookies": ["broken; =;;="]},
        {"headers": {"host": HOST, "sec-fetch-site": "cross-site"}},
        {"headers": {"host": HOST, "sec-fetch-site": "same-site"}},
        {"headers": {"host": HOST, "origin": "https://evil.example"}},
        {"headers": {"host": HOST, "origin": "null"}},
        {"headers": {"host": HOST}},
    ],
    ids=str,
)
def test_a_forged_form_counts_for_nothing(house: House, path: str, forged: dict[str, Any]) -> None:
    """From another site, another browser, or made up."""
    assert house.post(path, **forged) == 403
    assert house.said() == []
    assert "answer" not in (house.table.request(NAME) or {})


def test_a_word_on_the_page_keeps_who_signed_behind_the_name_that_was_typed(house: House) -> None:
    """AWS tells it of each request to a function URL with AWS_IAM, as the command tells it of itself."""
    iam = {"userArn": "arn:aws:sts::123456789012:assumed-role/Ops/ada@example"}
    http = {"method": "POST", "path": DECIDE}
    assert house.post(DECIDE, requestContext={"http": http, "stage": "$default", "authorizer": {"iam": iam}}) == 303
    (word,) = house.table.words(NAME)
    assert (word["by"], word["via"]) == ("ada (Ops/ada@example)", "page")


@pytest.mark.parametrize(
    "authorizer", [None, "x", {"iam": None}, {"iam": {"userArn": 7}}, {"iam": {"userArn": ""}}], ids=str
)
def test_where_nobody_signed_the_typed_name_stands_alone(house: House, authorizer: Any) -> None:
    path = f"/ramps/{NAME}/pause"
    context = {"http": {"method": "POST", "path": path}, "stage": "$default", "authorizer": authorizer}
    assert house.post(path, requestContext=context) == 303
    assert [word["by"] for word in house.table.words(NAME)] == ["ada"]


def test_an_advance_counts_for_the_step_that_its_form_was_opened_at(house: House) -> None:
    """The ramp may have gone on while somebody was typing; a form without a step is for none."""
    house.table.close_request(NAME)
    at, path = house.step_number, f"/ramps/{NAME}/advance"
    assert f'name="step" value="{at}"' in house.ask(path)["body"]
    for seen in (at - 1, at + 1, 0, -1, "", "x", "²"):
        assert house.post(path, fields={"step": str(seen)}) == 409
    assert house.said() == []
    assert house.post(path, fields={"step": str(at)}) == 303
    assert house.said() == ["advance"]


def test_a_word_that_the_page_does_not_offer_is_not_taken(house: House) -> None:
    """Nobody goes past a question by a form that was opened before it was asked."""
    step = {"step": str(house.step_number)}
    assert house.post(f"/ramps/{NAME}/advance", fields=step) == 409
    assert house.post(f"/ramps/{NAME}/resume", fields=step) == 409
    assert house.said() == []
    assert house.post(f"/ramps/{NAME}/pause") == 303
    assert house.post(f"/ramps/{NAME}/resume") == 303
    assert house.said() == ["pause", "resume"]


def test_an_answer_by_a_link_is_kept_as_one(house: House) -> None:
    """Nobody signs there, and the records say so."""
    assert house.post(LINKED) == 303
    (word,) = house.table.words(NAME)
    assert (word["by"], word["via"]) == ("ada", "link")


def test_a_form_for_one_thing_is_none_for_another(house: House) -> None:
    """Another verb's, another ramp's, another link's."""
    for made_for in (f"/ramps/{NAME}/pause", f"/ramps/{OTHER}/decide", "/link/another", DECIDE):
        for path in (DECIDE, ABORT, LINKED):
            if path != made_for:
                assert house.post(path, form=forms.value(COOKIE, made_for)) == 403
    assert house.said() == []


def test_a_word_for_another_step_counts_for_nothing(house: House) -> None:
    """The question that was seen is the one that is answered."""
    before = house.request_id
    assert house.post(DECIDE, fields={"request_id": "0-1"}) == 409
    assert house.post(DECIDE, fields={"request_id": ""}) in {303, 409}
    house.put_link("older", NAME, "0-1")
    assert house.post("/link/older") == 410
    assert house.said() in ([], ["reject"])
    assert before


def test_an_answer_to_what_is_not_asked_any_more_is_not_told_as_too_late(house: House) -> None:
    """Nobody was faster: the question has gone."""
    sent = {"form": forms.value(COOKIE, DECIDE), "by": "ada", "reason": "so", "request_id": "0-1", "answer": "reject"}
    answer = house.ask(DECIDE, "POST", urlencode(sent).encode())
    assert answer["statusCode"] == 409
    assert "This is not asked any more" in answer["body"]
    house.post(DECIDE)
    assert "Somebody was faster" in house.ask(DECIDE, "POST", urlencode(sent).encode())["body"]


def test_half_an_answer_of_cloudwatch_is_told_as_aws_that_does_not_answer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of ours that says to try again, and no bare 502."""

    def half(*_: Any) -> Any:
        raise AwsUnavailable("MetricDataResults: is partial")

    monkeypatch.setattr(house.desk.metrics, "evidence", half)
    page = page_app(replace(house.desk, troubles=TROUBLES))
    http = {"method": "GET", "path": DECIDE}
    event = {"rawPath": DECIDE, "headers": {"host": HOST}, "requestContext": {"http": http, "stage": "$default"}}
    assert page.resolve(event, LambdaContext())["statusCode"] == 503


@pytest.mark.parametrize(
    ("link_id", "status"),
    [("expired", 410), ("never-sent", 404), ("of-no-ramp", 404), ("x" * 5_000, 404), ("%00", 404)],
)
def test_a_link_that_leads_nowhere_decides_nothing(house: House, link_id: str, status: int) -> None:
    """Late, guessed, or of a ramp that is gone."""
    house.put_link("expired", NAME, house.request_id, -1)
    house.put_link("of-no-ramp", "gone", house.request_id)
    assert house.post(f"/link/{link_id}") == status
    assert int(house.ask(f"/link/{link_id}")["statusCode"]) == status
    assert house.said() == []


def test_looking_decides_nothing(house: House) -> None:
    """Mail scanners and prefetching browsers follow links, and may ask with HEAD or OPTIONS too."""
    before = json.dumps(house.table.request(NAME))
    for path in ("/", f"/ramps/{NAME}", DECIDE, ABORT, LINKED, f"/ramps/{NAME}/live", f"/ramps/{NAME}/undo"):
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            house.ask(path, method, changes={})
    assert (house.said(), json.dumps(house.table.request(NAME))) == ([], before)


def test_every_answer_forbids_frames_and_whatever_is_not_ours(house: House) -> None:
    """Pages, errors, JSON, redirections and files alike."""
    answers = [house.ask(path) for path in ("/", f"/ramps/{NAME}", DECIDE, ABORT, LINKED, "/nothing", "/ramps/none")]
    answers += [house.ask(f"/ramps/{NAME}/live"), house.ask("/assets/page.js"), house.ask("/assets/none")]
    answers += [house.ask(DECIDE, "POST"), house.ask(ABORT, "POST", b"\xff\xfe")]
    for answer in answers:
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        policy = str(headers["content-security-policy"])
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    cookie = " ".join(house.ask(DECIDE, cookies=[])["cookies"])
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=Strict"))


class Tags(HTMLParser):
    """What a browser would take for code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.code: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        inert = found.get("type") == "application/json" or str(found.get("src", "")).startswith("/assets/")
        if tag in {"iframe", "object", "embed", "base"} or (tag == "script" and not inert):
            self.code.append(tag)
        self.code += [name for name, value in attrs if name.startswith("on") or str(value).startswith("javascript:")]
        if tag == "img" and found.get("src") == "x":
            self.code.append("img")


def evil_house() -> House:
    """A ramp in which everything that people or records can fill in is an attack."""
    house = House(comment=EVIL, routing={"salt": EVIL[:60]})
    now = house.director.clock()
    comparisons = house.desk.comparisons
    assert isinstance(comparisons, FakeComparisons)
    shown = [{"path": f"body.{EVIL}", "control": f"str {EVIL}", "candidate": EVIL}]
    comparisons.lines = [json.dumps({"message": f"[SHADOW-DIFF] {EVIL}", "ramp": NAME, "step": 1, "mismatches": shown})]
    found = house.table.ramp(NAME)
    assert found is not None
    house.table.put_ramp(NAME, "running", now, found["document"], step=1, share_ppm=100_000, reason=EVIL)
    house.table.enlist(
        "prismaAdapter",
        NAME,
        "running",
        found["document"]["started_at"],
        now,
        reason=EVIL,
        step=1,
        steps=3,
        share_ppm=1,
    )
    house.table.put_word(NAME, "pause", now, by=EVIL, reason=EVIL, via=EVIL, step=1)
    request = house.table.requests[NAME]
    request |= {"question": EVIL, "causes": [EVIL]}
    for look in house.table.kept_looks.values():
        look["document"] |= {"reason": EVIL}
        for check in look["document"]["checks"]:
            check["reason"] = EVIL
    return house


def test_what_people_and_records_say_stays_text() -> None:
    """Plan, names, reasons, question, causes, verdicts, field paths: on every page, and in its script's parts."""
    house = evil_house()
    told = 0
    for path in ("/", f"/ramps/{NAME}", DECIDE, ABORT, LINKED, f"/ramps/{NAME}/differences", f"/ramps/{quote(EVIL)}"):
        body = house.ask(path)["body"]
        told += "&lt;script&gt;alert" in body
        assert Tags(body).code == [], path
        assert ">49<" not in body
    for path in ("/live", f"/ramps/{NAME}/live"):
        sections = json.loads(house.ask(path)["body"])["sections"]
        assert [Tags(section).code for section in sections.values()] == [[] for _ in sections]
    assert told >= 3


def test_what_was_typed_comes_back_as_text(house: House) -> None:
    """A form that is asked again holds what was typed."""
    fields = {"by": EVIL, "reason": EVIL, "answer": "approve", "seen": "other"}
    sent = {"form": forms.value(COOKIE, DECIDE), "request_id": house.request_id, **fields}
    answer = house.ask(DECIDE, "POST", urlencode(sent).encode())
    assert answer["statusCode"] == 409
    assert Tags(answer["body"]).code == []


def test_no_header_is_written_by_what_comes_in(house: House) -> None:
    """A line break in a name or reason would begin another header."""
    evil = f"/ramps/{NAME}%0d%0aX-Evil:%201/pause"
    sent = {"form": forms.value(COOKIE, evil), "by": EVIL, "reason": EVIL}
    for path in (evil, f"/ramps/{NAME}/pause"):
        answer = house.ask(path, "POST", urlencode({**sent, "form": forms.value(COOKIE, path)}).encode())
        text = json.dumps([answer["headers"], answer.get("cookies", [])])
        assert "\\r" not in text
        assert "\\n" not in text
        assert "X-Evil" not in answer["headers"]


def test_no_page_shows_a_task_token(house: House) -> None:
    """Whoever has the token needs no page."""
    token = str((house.table.request(NAME) or {})["token"])
    for path in ("/", f"/ramps/{NAME}", DECIDE, LINKED, f"/ramps/{NAME}/live"):
        assert token not in house.ask(path)["body"]


def test_link_ids_are_unguessable_and_kept_as_a_hash() -> None:
    """256 bits; whoever reads the table cannot follow one. They are looked up by the hash: no comparison leaks time."""
    link_id = World.random_id()
    assert len(base64.urlsafe_b64decode(f"{link_id}==")) >= 32
    with mock_aws():
        dynamodb = boto3.resource("dynamodb", region_name="us-east-1")
        names = ("pk", "sk")
        table = dynamodb.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        RampTable(table).put_link(link_id, NAME, "1-1", 0, HOUR)
        assert link_id not in json.dumps(table.scan()["Items"], default=str)
        assert RampTable(table).link(link_id) is not None
        assert RampTable(table).link(link_id[:-1]) is None


def test_an_answer_counts_for_its_own_ramp_and_question_alone(house: House) -> None:
    """Through the words that command, page and webhook share: another ramp, another request, and the same again."""
    table, executions, now = house.table, house.director.house.executions, house.director.clock()

    def say(ramp: str, request_id: str | None) -> bool:
        return words.answer(
            table, executions, ramp, "approve", by="eve", reason="x", via="cli", now=now, request_id=request_id
        )

    for ramp, request_id in ((OTHER, None), (OTHER, house.request_id), (NAME, "0-1"), (NAME, f"{house.request_id}x")):
        with pytest.raises(words.WordRefusedError):
            say(ramp, request_id)
    say(NAME, house.request_id)
    with pytest.raises(words.WordRefusedError):
        say(NAME, house.request_id)
    assert house.said() == ["approve"]
