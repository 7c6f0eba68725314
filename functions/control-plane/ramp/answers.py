"""A person's answer, from where it is kept to the look that acts on it. One that was said to be kept is never lost.

An answer comes by the table, under the question that it names, or by a task token alone
(`aws stepfunctions send-task-success`). Whatever the order:

- Two answers to one question: the table says which was first, also against one that a token has handed over since.
- An answer between two tokens: Ask For Decision hands it over with the next one, and a look that has none in its hands
  asks the table.
- An answer while a look decides that its question need not stand: settled by itself, advanced past, timed out in
  silence, or asked anew with one cause more. The look withdraws the question before it writes anything down. An answer
  that was quicker keeps it from that, and the look decides again, with the answer; one that comes later is refused.
- A look that fails after that, and is tried again: an answered question stays in the table until another one takes its
  place or the ramp is over, so that each attempt finds it. So does a look whose success nobody heard of.
- An Ask For Decision that was given up and goes on all the same: what it writes after a later look has asked or
  withdrawn comes too late, and touches neither question nor answer.
- Brake, net and rollback forget the question once traffic is safe: no answer brings that ramp back.
"""

from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from ramp.core.state import Question, RampState
from ramp.core.verdict import Action, Answer, Decision
from ramp.world import World

logger = Logger(child=True)


def decided(
    handed: Mapping[str, Any], state: RampState, world: World, decide: Callable[[Answer | None], Decision]
) -> tuple[Decision, Answer | None]:
    """What `decide` makes of the answer that counts, and that answer; None while nobody has answered.

    `handed` is the output of the task token, empty without one; `state` is the look's. A question that does not stand
    any more is withdrawn, so that nobody answers it later.
    """
    question, answer = state.question, _counting(handed, state, world)
    decision = decide(answer)
    if question is None or answer is not None or _stands(question, decision):
        return decision, answer
    quicker = world.table.withdraw(state.ramp, question.request_id, world.now(), look=(state.step, state.look))
    if quicker is None:
        return decision, None
    answer = Answer.parse(quicker)
    return decide(answer), answer


def _stands(question: Question, decision: Decision) -> bool:
    asked = decision.state.question
    return decision.action is Action.ASK and asked is not None and asked.request_id == question.request_id


def _counting(handed: Mapping[str, Any], state: RampState, world: World) -> Answer | None:
    """The first answer to the question that stands."""
    answer = Answer.parse(handed)
    if handed and answer is None:
        logger.warning("an answer was not understood", extra={"fields": sorted(handed)})
    if answer is not None and (state.question is None or _keep(answer, state, state.question, world)):
        return answer
    return _kept(state, world) or answer


def _kept(state: RampState, world: World) -> Answer | None:
    """As the table has it for the question that stands."""
    if state.question is None:
        return None
    request = world.table.request(state.ramp) or {}
    return Answer.parse(request) if request.get("request_id") == state.question.request_id else None


def _keep(answer: Answer, state: RampState, question: Question, world: World) -> bool:
    """Keep an answer that came past the table. False: it has one already, or the question is gone."""
    word, now, asked = "approve" if answer.approves else "reject", world.now(), question.request_id
    if not world.table.answer(state.ramp, asked, word, answer.by, answer.reason, now):
        return False
    told = {"step": state.step, "by": answer.by, "reason": answer.reason, "via": "token", "request_id": asked}
    world.table.put_word(state.ramp, word, now, **told)
    return True
