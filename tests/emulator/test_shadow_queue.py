"""Comparisons through the queue instead of invocations (template parameter ShadowTransport): all of them arrive."""

import json
import time
from collections.abc import Iterator

import pytest
from local_stack import stack
from local_stack.stack import Stack
from ramp.core.flag_document import OFF, Setting
from rampctl.session import Session

from tests.emulator.conftest import application_in
from tests.emulator.test_stack import eventually, total

RAMP = "by-queue"
SHADOW = {"ramp": RAMP, "step": 0, "sample_ppm": 1_000_000, "budget_ms": 10_000}
READS = 24
FLAG_SECONDS = 1.5  # FLAG_STALENESS_SECONDS of the local stack, and a little
DEPTHS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


@pytest.fixture(scope="module")
def queued(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose comparisons go through the queue, with the shadow flag on."""
    repository = application_in(tmp_path_factory.mktemp("queued"))
    running = stack.up(repository, print, {"ShadowTransport": "queue"})
    flags = Session.of_stack(running).levers._flag
    flags.put(Setting(adapter=None, shadow=SHADOW), "comparisons on")
    time.sleep(FLAG_SECONDS)  # sandboxes that were warmed a moment ago go by the flag they read then
    yield running
    flags.put(OFF, "comparisons off")
    stack.down(repository, print)


def depth(running: Stack, queue: str) -> int:
    """Messages that are in a queue or under way from it."""
    queues = running.client("sqs")
    url = queues.get_queue_url(QueueName=queue)["QueueUrl"]
    found = queues.get_queue_attributes(QueueUrl=url, AttributeNames=list(DEPTHS))["Attributes"]
    return sum(int(found[name]) for name in DEPTHS)


def compared(running: Stack, metric: str = "comparisons") -> float:
    return total(running, "Huntaze/ReadPath", metric, ramp=RAMP, step="0", arm="shadow")


def sent(running: Stack) -> float:
    """Requests that the router served under the flag, each of which it had to send to the comparator."""
    return total(running, "Huntaze/ReadPath", "requests", ramp=RAMP, step="0", arm="control")


def test_every_comparison_arrives_through_the_queue(queued: Stack) -> None:
    """As many as were sent, none lost on the way, and the queue empty behind them."""
    functions = queued.client("lambda")
    for number in range(READS):
        event = json.dumps({"userId": f"user-{number % 50 + 1}"})
        functions.invoke(FunctionName="huntaze-mock-read", Qualifier="live", Payload=event)
    assert eventually(lambda: sent(queued) > READS / 2)
    assert eventually(lambda: compared(queued) == sent(queued), seconds=30), (compared(queued), sent(queued))
    assert compared(queued, "mismatches") == compared(queued, "errors") == 0
    assert total(queued, "Huntaze/ReadPath", "dispatch_errors", ramp=RAMP, step="0", arm="control") == 0
    assert depth(queued, "huntaze-shadow") == depth(queued, "huntaze-shadow-failures") == 0


def test_the_router_sent_them_to_the_queue_and_nowhere_else(queued: Stack) -> None:
    """What the comparator was given are records of the queue: the router has not invoked it."""
    router = queued.client("lambda").get_function_configuration(FunctionName="huntaze-mock-read", Qualifier="live")
    assert router["Environment"]["Variables"]["SHADOW_QUEUE_URL"]
    mappings = queued.client("lambda").list_event_source_mappings(FunctionName="huntaze-shadow-compare")
    processed = [mapping["LastProcessingResult"] for mapping in mappings["EventSourceMappings"]]
    assert len(processed) == 1
    assert processed[0].startswith("OK")
