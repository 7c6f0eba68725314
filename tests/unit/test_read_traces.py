"""What X-Ray shows of a request (requirements, section 2), from the documents that its daemon receives."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from read_path.candidate import look_up
from read_path.core.answer import Answer
from read_path.core.breaker import Breaker
from read_path.core.observation import CandidateError
from read_path.core.routing import AdapterFlag, Flags, Phase, ShadowFlag
from read_path.serve import Invocation, Service, serve
from read_path.sources import mock

from tests.x_ray import PARENT, ROOT, Daemon

PHASE = Phase("ramp-1", "2")
STEP = {"ramp": "ramp-1", "step": "2"}
EVERYBODY = AdapterFlag(PHASE, share_ppm=1_000_000, salt="s", deadline_ms=500, fallback=True)
COMPARE_ALL = ShadowFlag(PHASE, sample_ppm=1_000_000, budget_ms=400)
EVENT = {"userId": "user-1"}


def given(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


def routed(
    daemon: Daemon,
    flags: Flags | Exception,
    failure: Exception | None = None,
    dispatch: Exception | None = None,
) -> dict[str, Any]:
    """The first document of one request: the candidate's where it answers, else the router's."""
    to = daemon.telemetry()

    def ask(_: str, __: int) -> Answer:
        given(failure)
        inner = daemon.telemetry(to.onward())
        return look_up(EVENT, "request-1", lambda _: mock.users()[0], inner)

    service = Service(lambda: given(flags), mock.read, ask, lambda _: given(dispatch), to, lambda: 0.0, Breaker())
    assert serve(EVENT, Invocation("request-1", "7"), service)["statusCode"] == 200
    return daemon.received()


@pytest.mark.parametrize(
    ("flags", "enabled"),
    [(Flags(), False), (Flags(shadow=COMPARE_ALL), False), (Flags(EVERYBODY._replace(share_ppm=0)), True)],
)
def test_a_request_to_control_is_annotated_and_described(daemon: Daemon, flags: Flags, enabled: bool) -> None:
    read = routed(daemon, flags)
    assert (read["name"], read["trace_id"], read["parent_id"]) == ("read", ROOT, PARENT)
    ramp = {"ramp": "ramp-1", "step": "2"} if flags.adapter or flags.shadow else {"ramp": "none", "step": "none"}
    assert read["annotations"] == {"canary": False, "path": "mock", "userId": "user-1", **ramp}
    described = read["metadata"]["huntaze"]
    assert datetime.fromisoformat(described.pop("timestamp")).tzinfo is not None
    assert described == {"version": "7", "duration_ms": 0.0, "canaryEnabled": enabled}


def test_shadow_work_has_a_subsegment_of_its_own(daemon: Daemon) -> None:
    assert [inner["name"] for inner in routed(daemon, Flags(shadow=COMPARE_ALL))["subsegments"]] == ["shadow"]


def test_a_candidate_that_fails_is_seen_in_the_trace_of_the_answer_from_control(daemon: Daemon) -> None:
    read = routed(daemon, Flags(EVERYBODY), CandidateError("Timeout", timed_out=True))
    assert read["annotations"] == {"canary": True, "path": "mock", "userId": "user-1", "fallback": True, **STEP}
    assert "fault" not in read


@pytest.mark.parametrize(
    ("broken", "annotated", "enabled"),
    [
        ({"flags": ZeroDivisionError("user-1@example.com")}, {"canary": False}, False),
        ({"dispatch": ZeroDivisionError("user-1@example.com")}, {"canary": False, **STEP}, False),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_bug_of_ours_is_in_the_trace_with_all_that_is_searched_for(
    daemon: Daemon, broken: dict[str, Any], annotated: dict[str, Any], enabled: bool
) -> None:
    """Control has answered. The exception's message stays out: it may hold what users must not read."""
    read = routed(daemon, **{"flags": Flags(shadow=COMPARE_ALL), **broken})
    assert read["annotations"] == {"path": "mock", "userId": "user-1", **annotated}
    assert read["metadata"]["huntaze"].keys() == {"timestamp", "version", "duration_ms", "canaryEnabled"}
    assert read["metadata"]["huntaze"]["canaryEnabled"] is enabled
    (exception,) = read["cause"]["exceptions"]
    assert (read["fault"], exception["type"], exception["stack"][-1]["label"]) == (True, "ZeroDivisionError", "given")
    assert "example.com" not in json.dumps(read)


def test_a_bug_of_ours_on_the_candidates_side_names_the_arm_that_was_chosen(daemon: Daemon) -> None:
    routed(daemon, Flags(EVERYBODY, COMPARE_ALL), dispatch=ZeroDivisionError())
    read = daemon.received()
    assert read["annotations"] == {"canary": True, "path": "mock", "userId": "user-1", **STEP}
    assert read["fault"] is True


def test_the_service_map_reads_router_candidate_database(daemon: Daemon) -> None:
    """Each is the parent of the next, in one trace, and both that are called are nodes (`remote`)."""
    candidate = routed(daemon, Flags(EVERYBODY, COMPARE_ALL))
    router = daemon.received()
    assert router["annotations"] == {"canary": True, "path": "prisma", "userId": "user-1", **STEP}
    asked, shadow = router["subsegments"]
    assert (asked["name"], asked["namespace"], shadow["name"]) == ("candidate", "remote", "shadow")
    assert (candidate["trace_id"], candidate["parent_id"]) == (router["trace_id"], asked["id"])
    (database,) = candidate["subsegments"]
    assert (database["name"], database["namespace"]) == ("postgresql", "remote")
    assert candidate["annotations"] == {"canary": True, "path": "prisma", "userId": "user-1"}
