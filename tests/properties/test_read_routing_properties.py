"""No document breaks the reader, and no candidate breaks an answer."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from read_path.core.answer import Answer
from read_path.core.audit import misrouted
from read_path.core.breaker import Breaker
from read_path.core.observation import CandidateError
from read_path.core.routing import AdapterFlag, Arm, FlagError, Flags, Phase, ShadowFlag, decide, parse
from read_path.dispatch import DispatchError
from read_path.serve import Invocation, Service, serve
from read_path.settings import TelemetrySettings
from read_path.sources import mock
from read_path.telemetry import Telemetry
from read_path.tracing import Tracing

PHASE = Phase("ramp", "1")
NAMES = [
    "enabled",
    "ramp",
    "step",
    "share_ppm",
    "salt",
    "deadline_ms",
    "fallback",
    "allow_users",
    "sample_ppm",
    "budget_ms",
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
flag_like = st.dictionaries(st.sampled_from(NAMES), anything, max_size=10) | anything
adapters = st.builds(
    AdapterFlag,
    phase=st.just(PHASE),
    share_ppm=st.integers(0, 1_000_000),
    salt=st.text(max_size=5),
    deadline_ms=st.just(500),
    fallback=st.booleans(),
    allow_users=st.frozensets(st.sampled_from(["user-1", "user-2"])),
    deny_users=st.frozensets(st.sampled_from(["user-1", "user-2"])),
    candidate_version=st.sampled_from(["", "1", "2"]),
)
shadows = st.builds(ShadowFlag, phase=st.just(PHASE), sample_ppm=st.integers(0, 1_000_000), budget_ms=st.just(500))
flags = st.builds(Flags, adapter=st.none() | adapters, shadow=st.none() | shadows)
outcomes = st.sampled_from(
    [Answer(200, '{"id": "x"}'), Answer(404, "{}"), Answer(500, "{}"), CandidateError("Timeout"), ValueError("bug")]
)


@given(st.fixed_dictionaries({"prismaAdapter": flag_like, "prismaShadow": flag_like}) | anything)
def test_a_document_is_read_or_refused_with_paths_and_nothing_else(document: Any) -> None:
    faults: tuple[str, ...] = ()
    read = Flags()
    try:
        read = parse(document, "prismaAdapter", "prismaShadow")
    except FlagError as error:
        faults = error.faults
    assert all(": " in fault and ", expected " in fault for fault in faults)
    assert read.adapter is None or 0 <= read.adapter.share_ppm <= 1_000_000


@given(flags, st.sampled_from(["user-1", "user-2", "user-3"]), st.sampled_from(["1", "2"]))
def test_a_denied_user_never_reaches_the_candidate(read: Flags, user: str, version: str) -> None:
    arm = decide(read, user, version)
    assert arm in {Arm.CONTROL, Arm.CANDIDATE}
    if read.adapter is None or user in read.adapter.deny_users:
        assert arm is Arm.CONTROL


@given(flags, st.text(max_size=5) | st.sampled_from(["user-1", "user-2"]), st.sampled_from(["1", "2"]))
def test_the_exact_counter_agrees_with_the_decision_and_with_it_alone(read: Flags, user: str, version: str) -> None:
    decided = decide(read, user, version)
    assert not misrouted(decided, read, user, version)
    assert misrouted(Arm.CANDIDATE if decided is Arm.CONTROL else Arm.CONTROL, read, user, version)


@pytest.fixture(scope="module")
def telemetry() -> Telemetry:
    return Telemetry(TelemetrySettings("properties", "N", "INFO", ""), Tracing("", lambda: ""), io.StringIO())


@given(read=flags, outcome=outcomes, dispatches=st.booleans())
def test_with_fallback_the_user_always_has_an_answer(
    telemetry: Telemetry, read: Flags, outcome: Answer | Exception, *, dispatches: bool
) -> None:
    def candidate(_user_id: str, _deadline_ms: int) -> Answer:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def dispatch(_: object) -> None:
        if not dispatches:
            raise DispatchError("Throttled")

    service = Service(lambda: read, mock.read, candidate, dispatch, telemetry, lambda: 0.0, Breaker())
    answer = serve({"userId": "user-1"}, Invocation("r", "1"), service)
    may_fail = read.adapter is not None and not read.adapter.fallback
    assert answer["statusCode"] in ({200, 404, 500} if may_fail else {200, 404})
