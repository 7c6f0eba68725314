"""What people hear: a chat behind a real HTTPS server, and subscribers with the template's own filters."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from local_stack import stack
from local_stack.stack import Stack
from ramp.adapters.notices import Notices
from rampctl import stage
from rampctl.session import Session

from tests.certificate import certificate
from tests.emulator.conftest import application_in
from tests.emulator.test_stack import eventually
from tests.template.document import RESOURCES

SECRET, TOKEN = "huntaze/webhook", "T0KEN-of-the-chat"  # a secret's name, and one of this test's own
FUNCTION, GROUP = "huntaze-ramp-webhook", "/aws/lambda/huntaze-ramp-webhook"
MAIL, GUARD = "mail", "guard"
GUARD_ALARM = "huntaze-shadow-queue-age-gt-30s"
# Nobody reads, so nothing is known, and each step asks after a second.
PLAN: dict[str, Any] = {
    "steps": [
        {"percent": 50, "bake_seconds": 1, "patience_seconds": 1},
        {"percent": 100, "bake_seconds": 1, "patience_seconds": 1},
    ],
    "look_seconds": 1,
    "gate": "fixed",
    "deadline_seconds": 10_800,
    "evidence": {"period_seconds": 1, "delay_seconds": 1},
    "notify": {"email": ["asked", "rolled_back"], "webhook": ["started", "asked", "promoted", "rolled_back"]},
}
ENDS_SECONDS = 60.0
ATTEMPTS = 3
POSTED_SECONDS = 45.0  # three attempts of five seconds each, and the pauses between them


@dataclass
class Chat:
    """A webhook on loopback: what it was told, and what it answers: a status, or None to say nothing at all."""

    server: ThreadingHTTPServer
    answers: deque[int | None] = field(default_factory=deque)
    heard: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.server.server_port}/services/{TOKEN}"

    @property
    def titles(self) -> list[str]:
        return [said["blocks"][0]["text"]["text"] for said in self.heard]


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("chat"))


@pytest.fixture
def chat(pem: Path, told: Stack) -> Iterator[Chat]:
    """A chat that answers 200 when nothing else is said; its address is what the secret holds."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = found.answers.popleft() if found.answers else 200
            found.asked.append(said)
            if answer is None:
                ended.wait(POSTED_SECONDS)
                return
            if answer == 200:
                found.heard.append(said)
            self.send_response(answer)
            self.send_header("content-length", "0")
            self.send_header("location", f"https://127.0.0.1:{found.server.server_port}/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    ended = threading.Event()
    found = Chat(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    found.server.socket = context.wrap_socket(found.server.socket, server_side=True)
    threading.Thread(target=found.server.serve_forever, daemon=True).start()
    told.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString=found.address)
    renew_sandboxes(told, pem)
    yield found
    ended.set()
    found.server.shutdown()
    found.server.server_close()


def renew_sandboxes(told: Stack, pem: Path) -> None:
    """New ones know no address yet, and trust the test's authority, as OpenSSL's own variable says."""
    functions = told.client("lambda")
    variables = functions.get_function_configuration(FunctionName=FUNCTION)["Environment"]["Variables"]
    renewed = {**variables, "SSL_CERT_FILE": str(pem), "RENEWED": str(time.time_ns())}
    functions.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": renewed})


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with a mail address and a webhook; queues stand in for the mailbox, behind the very same filters."""
    repository = application_in(tmp_path_factory.mktemp("told"))
    running = stack.up(repository, print, {"WebhookSecretName": SECRET, "NotifyEmail": "people@example.com"})
    running.client("secretsmanager").create_secret(Name=SECRET, SecretString="not yet")
    subscribe(running, MAIL, "huntaze-ramp-notices", RESOURCES["NoticeEmail"]["Properties"].get("FilterPolicy"))
    subscribe(running, GUARD, "huntaze-ramp-guards", RESOURCES["GuardEmail"]["Properties"].get("FilterPolicy"))
    yield running
    stack.down(repository, print)


def subscribe(told: Stack, queue: str, topic: str, policy: Any) -> None:
    queues, topics = told.client("sqs"), told.client("sns")
    url = queues.create_queue(QueueName=queue)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [allowed]})})
    attributes = {"FilterPolicy": json.dumps(policy)} if policy else {}
    topics.subscribe(TopicArn=topic_arn(told, topic), Protocol="sqs", Endpoint=arn, Attributes=attributes)


def topic_arn(told: Stack, name: str) -> str:
    topics = told.client("sns").list_topics()["Topics"]
    return next(str(topic["TopicArn"]) for topic in topics if topic["TopicArn"].endswith(f":{name}"))


def mails(told: Stack, queue: str = MAIL) -> list[str]:
    """Subjects of what has arrived since it was last asked, in order."""
    queues, found = told.client("sqs"), []
    url = queues.get_queue_url(QueueName=queue)["QueueUrl"]
    while messages := queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            body = json.loads(message["Body"])
            found.append(body.get("Subject") or body["Message"])
            queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def ramp(told: Stack, name: str, word: str) -> tuple[str, float]:
    """A ramp in which every question gets the same answer: how it ended, and after how many seconds."""
    session = Session.of_stack(told)
    stage.clear_the_way(session, print)
    began = time.monotonic()
    started = session.states.start_execution(
        stateMachineArn=session.state_machine_arn, name=name, input=json.dumps(PLAN)
    )
    answered: set[str] = set()
    while time.monotonic() < began + ENDS_SECONDS:
        found = session.states.describe_execution(executionArn=started["executionArn"])
        if found["status"] != "RUNNING":
            return found["status"], time.monotonic() - began
        request = session.table.request(name) or {}
        if "token" in request and request["request_id"] not in answered and "answer" not in request:
            answered.add(request["request_id"])
            output = {"answer": word, "by": "ada", "reason": "seen"}
            session.executions.answer(str(request["token"]), output)
        time.sleep(0.1)
    raise AssertionError(f"{name} has not ended")


def tell(told: Stack, subject: str, text: str) -> None:
    """Through the ramp's own adapter, for every channel."""
    Notices(told.client("sns"), topic_arn(told, "huntaze-ramp-notices")).tell(subject, text)


def log_lines(told: Stack, since: float) -> list[str]:
    found = told.client("logs").filter_log_events(logGroupName=GROUP, startTime=int(since * 1000))["events"]
    return [event["message"] for event in found]


def refusals(told: Stack, since: float) -> list[str]:
    """The causes of lines that say a notice was not posted."""
    lines = [json.loads(line) for line in log_lines(told, since) if line.startswith("{")]
    return [line["cause"] for line in lines if line.get("message") == "[ERROR] a notice was not posted"]


def test_a_chat_hears_of_a_ramp_what_the_plan_says_as_slack_takes_it(told: Stack, chat: Chat) -> None:
    """Started, asked at each step, promoted, in words; not that it goes on, which this plan keeps from both."""
    mails(told)
    assert ramp(told, "told-promoted", "approve")[0] == "SUCCEEDED"
    assert eventually(lambda: len(chat.heard) >= 4), chat.titles
    assert sorted(chat.titles) == sorted(
        [
            "Ramp told-promoted started",
            "Ramp told-promoted asks at 50 %",
            "Ramp told-promoted asks at 100 %",
            "Ramp told-promoted promoted",
        ]
    )
    by_title = dict(zip(chat.titles, chat.heard, strict=True))
    for title, said in by_title.items():
        assert said.keys() == {"text", "blocks"}
        header, section = said["blocks"]
        assert (header["type"], section["type"]) == ("header", "section")
        assert said["text"] == f"{title}\n{section['text']['text']}"
    text = {title.partition("told-promoted ")[2]: said["text"] for title, said in by_title.items()}
    assert "The ramp told-promoted on prismaAdapter starts: " in text["started"]
    assert "the steps are 50 %, 100 %" in text["started"]
    question = text["asks at 50 %"]
    assert "told-promoted asks for go or no-go at 50 %." in question
    assert "The evidence at the last look:\n" in question
    assert "  INCONCLUSIVE  errors: " in question
    assert "ramp approve told-promoted --reason" in question
    assert f"{told.page_url}link/" in question
    assert "Every user is on the candidate: " in text["promoted"]
    assert mails(told) == ["Ramp told-promoted asks at 50 %", "Ramp told-promoted asks at 100 %"]


def test_a_chat_that_answers_500_stops_no_ramp_and_the_ramp_is_no_slower(told: Stack, chat: Chat) -> None:
    """Each notice is posted three times, and each time a line says why it was not taken, and not where."""
    mails(told)
    began = time.time()
    chat.answers.extend([500] * 100)
    status, seconds = ramp(told, "told-rejected", "reject")
    assert status == "FAILED"
    assert seconds < 30
    notices = ("started", "asks at 50 %", "rolled back")
    assert eventually(lambda: len(chat.asked) >= ATTEMPTS * len(notices)), len(chat.asked)
    asked = [said["blocks"][0]["text"]["text"] for said in chat.asked]
    assert {title: asked.count(title) for title in asked} == {
        f"Ramp told-rejected {notice}": ATTEMPTS for notice in notices
    }
    assert chat.heard == []
    rolled_back = next(said["text"] for said in chat.asked if "rolled back" in said["text"])
    assert "ada said no: seen" in rolled_back
    assert "reads back at 0 %" in rolled_back
    assert eventually(lambda: len(refusals(told, began)) == ATTEMPTS * len(notices))
    assert set(refusals(told, began)) == {"the webhook did not take it: HTTP 500"}
    assert not any(TOKEN in line or "127.0.0.1" in line for line in log_lines(told, began))
    assert mails(told) == ["Ramp told-rejected asks at 50 %", "Ramp told-rejected rolled back"]


@pytest.mark.parametrize(
    ("answers", "cause"),
    [([500, 200], "HTTP 500"), ([302, 200], "HTTP 302"), ([None, 200], "TimeoutError")],
    ids=["error", "redirect", "silence"],
)
def test_a_notice_that_was_not_taken_is_posted_again(
    told: Stack, chat: Chat, answers: list[int | None], cause: str
) -> None:
    """And heard once. A redirect is no answer: the notice would arrive there empty."""
    began = time.time()
    chat.answers.extend(answers)
    tell(told, "Ramp r asks", "Go or no-go?")
    assert eventually(lambda: chat.titles == ["Ramp r asks"], POSTED_SECONDS), chat.asked
    assert eventually(lambda: refusals(told, began) == [f"the webhook did not take it: {cause}"])


def test_a_chat_that_is_gone_is_asked_three_times_and_a_new_address_is_taken_without_a_deploy(
    told: Stack, chat: Chat
) -> None:
    """The secret is read once a sandbox, and again when a post fails."""
    began, secrets = time.time(), told.client("secretsmanager")
    secrets.put_secret_value(SecretId=SECRET, SecretString=f"https://127.0.0.1:9/services/{TOKEN}")
    tell(told, "Ramp r is lost", "Nobody hears this.")
    assert eventually(lambda: len(refusals(told, began)) == ATTEMPTS, POSTED_SECONDS), refusals(told, began)
    assert set(refusals(told, began)) == {"the webhook did not take it: ConnectionRefusedError"}
    assert not any(TOKEN in line or "127.0.0.1" in line for line in log_lines(told, began))
    secrets.put_secret_value(SecretId=SECRET, SecretString=chat.address)
    tell(told, "Ramp r is found", "Somebody hears this.")
    assert eventually(lambda: chat.titles == ["Ramp r is found"], POSTED_SECONDS)


def fail_to_roll_back(told: Stack, name: str) -> None:
    """An execution that ends as a rollback that failed does: EventBridge tells of it by itself."""
    states = told.client("stepfunctions")
    machine = Session.of_stack(told).state_machine_arn
    usual = states.describe_state_machine(stateMachineArn=machine)["definition"]
    stuck = {"StartAt": "Rollback Failed", "States": {"Rollback Failed": {"Type": "Fail", "Error": "RollbackFailed"}}}
    states.update_state_machine(stateMachineArn=machine, definition=json.dumps(stuck))
    started = states.start_execution(stateMachineArn=machine, name=name, input="{}")["executionArn"]
    assert eventually(lambda: states.describe_execution(executionArn=started).get("error") == "RollbackFailed")
    states.update_state_machine(stateMachineArn=machine, definition=usual)


def test_what_aws_tells_reaches_mail_and_chat_though_it_carries_no_attributes(told: Stack, chat: Chat) -> None:
    """An alarm that stops nothing, and a rollback that failed; neither is a notice of a plan."""
    mails(told), mails(told, GUARD)
    reason = "comparisons waited for 31 s"
    told.client("cloudwatch").set_alarm_state(AlarmName=GUARD_ALARM, StateValue="ALARM", StateReason=reason)
    fail_to_roll_back(told, "told-stuck")
    assert eventually(lambda: len(chat.heard) == 2), chat.asked
    said = "\n".join(heard["text"] for heard in chat.heard)
    assert f"{GUARD_ALARM}: Comparisons wait for more than half a minute" in said
    assert reason in said
    assert "The ramp told-stuck could not take traffic back." in said
    assert len(mails(told, GUARD)) == 2
    assert not any("told-stuck" in subject or GUARD_ALARM in subject for subject in mails(told))


def test_the_deployed_mail_subscriptions_carry_the_templates_filters(told: Stack) -> None:
    """The queues above stand in for them, since the emulator sends no mail."""
    topics = told.client("sns")
    found = {}
    for name in ("huntaze-ramp-notices", "huntaze-ramp-guards", "huntaze-ramp-alarms"):
        subscriptions = topics.list_subscriptions_by_topic(TopicArn=topic_arn(told, name))["Subscriptions"]
        (mail,) = [each["SubscriptionArn"] for each in subscriptions if each["Protocol"] == "email"]
        attributes = topics.get_subscription_attributes(SubscriptionArn=mail)["Attributes"]
        found[name] = json.loads(attributes.get("FilterPolicy") or "null")
    assert found == {
        "huntaze-ramp-notices": {"channels": ["email"]},
        "huntaze-ramp-guards": None,
        "huntaze-ramp-alarms": None,
    }
