"""The ramp table: lock, list, ramp, looks, question, command, words. Keys and fields as in docs/wire.md."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

KEPT_SECONDS = 90 * 86_400
# A ramp that has ended stays ended, whatever a task says that goes on behind the back of its execution's end.
MAY_FOLLOW: Mapping[str, Collection[str]] = {"running": ("running",), "promoted": ("running", "promoted")}
# Of a request: the look that asks or withdraws is written with it, and what an earlier one writes comes too late.
NO_LATER_LOOK = "(attribute_not_exists(look) OR look <= :look)"
HELD = "(execution_arn = :me AND ramp = :ramp)"
BATCH = 100  # Source: Amazon DynamoDB API reference, BatchGetItem


@dataclass(frozen=True)
class Lock:
    """Who moves a flag; `expires_at` is the end of its lease, in epoch seconds.

    Whether the holder still runs is Step Functions' to say; the lease is for an execution that it does not know, and
    for a clean-up, which is none.
    """

    ramp: str
    execution_arn: str
    expires_at: float = field(default=0, compare=False)


class RampTable:
    """Every read is consistent: a decision on a stale record could raise traffic after a brake."""

    def __init__(self, table: "Table") -> None:
        self._table = table

    def acquire(self, flag: str, lock: Lock, now: float, lease_seconds: float, dead: Lock | None = None) -> Lock | None:
        """Take the lock of `flag`; one's own again is fine. Returns the holder when somebody else than `dead` has it.

        A lease that has run out gives nobody the right to the lock: whether its holder still runs is for the caller to
        find out, who then names it as `dead`.
        """
        try:
            self._table.put_item(
                Item={
                    **_lock_key(flag),
                    "ramp": lock.ramp,
                    "execution_arn": lock.execution_arn,
                    "acquired_at": int(now),
                    "expires_at": int(now + lease_seconds),
                },
                ConditionExpression="attribute_not_exists(pk) OR execution_arn IN (:me, :dead)",
                ExpressionAttributeValues={
                    ":me": lock.execution_arn,
                    ":dead": (dead or lock).execution_arn,
                },
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return self.lock(flag) or self.acquire(flag, lock, now, lease_seconds)
        return None

    def renew(self, flag: str, lock: Lock, now: float, lease_seconds: float) -> bool:
        """Move the end of the lease. False when the lock is not this holder's any more."""
        try:
            self._table.update_item(
                Key=_lock_key(flag),
                UpdateExpression="SET expires_at = :end",
                ConditionExpression=HELD,
                ExpressionAttributeValues={":end": int(now + lease_seconds), **_holder(lock)},
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def lock(self, flag: str) -> Lock | None:
        """The lock of `flag`, if it is held."""
        item = self._get(_lock_key(flag))
        return Lock(str(item["ramp"]), str(item["execution_arn"]), float(item["expires_at"])) if item else None

    def release(self, flag: str, lock: Lock) -> None:
        """Free the lock if it is held as `lock`; one that somebody has taken over is theirs to free."""
        try:
            self._table.delete_item(
                Key=_lock_key(flag),
                ConditionExpression=f"attribute_not_exists(pk) OR {HELD}",
                ExpressionAttributeValues=_holder(lock),
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return

    def put_ramp(self, ramp: str, status: str, now: float, document: Mapping[str, Any], **fields: Any) -> bool:
        """The ramp's own record, written whole. False, and nothing written: the ramp has ended already."""
        item: dict[str, Any] = {"updated_at": int(now), "document": json.dumps(document), **fields}
        return self._put_unless_ended({**_key(ramp, "ramp"), **item}, status, now)

    def ramp(self, ramp: str) -> dict[str, Any] | None:
        """The ramp's record, its document decoded."""
        return _decoded(self._get(_key(ramp, "ramp")))

    def put_look(self, ramp: str, step: int, look: int, now: float, document: Mapping[str, Any]) -> None:
        """What one look saw and decided; writing it twice is the same record."""
        item: dict[str, Any] = {**_key(ramp, f"look#{_place((step, look))}"), "at": int(now)}
        self._table.put_item(Item={**item, "document": json.dumps(document), "expire_at": int(now + KEPT_SECONDS)})

    def amend_look(self, ramp: str, step: int, look: int, document: Mapping[str, Any]) -> None:
        """Write more into a look that is there."""
        self._table.update_item(
            Key=_key(ramp, f"look#{_place((step, look))}"),
            UpdateExpression="SET document = :document",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":document": json.dumps(document)},
        )

    def looks(self, ramp: str) -> Iterator[dict[str, Any]]:
        """Every look of a ramp in order, documents decoded."""
        return (decoded for item in self._query(f"ramp#{ramp}", "look#") if (decoded := _decoded(item)))

    def look(self, ramp: str, step: int, look: int) -> dict[str, Any] | None:
        """The document of one look."""
        found = _decoded(self._get(_key(ramp, f"look#{_place((step, look))}")))
        return found["document"] if found else None

    def looks_at(self, ramp: str, places: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        """The looks at these places (step, number of the look), documents decoded, in no order."""
        keys = [_key(ramp, f"look#{_place((step, look))}") for step, look in places]
        batches = (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))
        return [decoded for batch in batches for item in self._batch(batch) if (decoded := _decoded(item))]

    def put_gate(self, ramp: str, kept: Mapping[str, Any], now: float) -> None:
        """What the gate keeps from look to look."""
        expire_at = int(now + KEPT_SECONDS)
        self._table.put_item(Item={**_key(ramp, "gate"), "document": json.dumps(kept), "expire_at": expire_at})

    def gate(self, ramp: str) -> dict[str, Any]:
        """What the gate kept; empty before the first look and for a gate that keeps nothing."""
        item = self._get(_key(ramp, "gate"))
        kept: dict[str, Any] = json.loads(str(item["document"])) if item else {}
        return kept

    def ask(self, ramp: str, request_id: str, token: str, now: float, *, look: tuple[int, int], **fields: Any) -> bool:
        """Keep the question and its newest token; `look` is the step and the number of the look that asks.

        A question asked again only takes the new token, so an answer given between two tokens is not lost. A new one
        is kept for the story first, where it stays when nobody answers it. False, and nothing is asked: a later look
        has asked or withdrawn since, so this attempt is one that its execution goes on without.
        """
        try:
            self._table.update_item(
                Key=_key(ramp, "request"),
                UpdateExpression="SET #token = :token, look = :look",
                ConditionExpression=f"request_id = :id AND {NO_LATER_LOOK}",
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={":token": token, ":id": request_id, ":look": _place(look)},
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            question: dict[str, Any] = {"request_id": request_id, "asked_at": int(now), **fields}
            kept = {**question, "expire_at": int(now + KEPT_SECONDS)}
            self._table.put_item(Item={**_key(ramp, f"question#{request_id}"), **kept})
            return self._put_request(ramp, {**kept, "token": token}, look, NO_LATER_LOOK, {})
        return True

    def withdraw(self, ramp: str, request_id: str, now: float, *, look: tuple[int, int]) -> dict[str, Any] | None:
        """Ask no more, as of `look`, unless the question was answered: then it stands, and is returned.

        What is left in its place keeps an earlier look from asking it anew; where nothing is, the ramp is over.
        """
        nothing = {"expire_at": int(now + KEPT_SECONDS)}
        unanswered = f"request_id = :id AND attribute_not_exists(answer) AND {NO_LATER_LOOK}"
        if self._put_request(ramp, nothing, look, unanswered, {":id": request_id}):
            return None
        stands = self.request(ramp) or {}
        return stands if stands.get("request_id") == request_id and "answer" in stands else None

    def _put_request(
        self, ramp: str, item: Mapping[str, Any], look: tuple[int, int], condition: str, values: Mapping[str, str]
    ) -> bool:
        place = _place(look)
        try:
            self._table.put_item(
                Item={**_key(ramp, "request"), **item, "look": place},
                ConditionExpression=condition,
                ExpressionAttributeValues={":look": place, **values},
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def request(self, ramp: str) -> dict[str, Any] | None:
        """The latest question, answered or not; None where there was none, or it was withdrawn."""
        found = self._get(_key(ramp, "request"))
        return found if found and "request_id" in found else None

    def answer(self, ramp: str, request_id: str, answer: str, by: str, reason: str, now: float) -> bool:
        """Keep a person's answer to `request_id`. False when it was answered already or is not asked any more."""
        try:
            self._table.update_item(
                Key=_key(ramp, "request"),
                UpdateExpression="SET answer = :answer, #by = :by, reason = :reason, answered_at = :now",
                ConditionExpression="request_id = :id AND attribute_not_exists(answer)",
                ExpressionAttributeNames={"#by": "by"},
                ExpressionAttributeValues={
                    ":answer": answer,
                    ":by": by,
                    ":reason": reason,
                    ":now": int(now),
                    ":id": request_id,
                },
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def close_request(self, ramp: str) -> None:
        """Forget the question, answered or not: the ramp is over."""
        self._table.delete_item(Key=_key(ramp, "request"))

    def put_command(self, ramp: str, verb: str, step: int, by: str, reason: str, now: float) -> bool:
        """Leave an operator's word for the next look, in place of the one before. False: an abort stands, for good."""
        item: dict[str, Any] = {"verb": verb, "step": step, "by": by, "reason": reason, "at": int(now)}
        try:
            self._table.put_item(
                Item={**_key(ramp, "command"), **item, "expire_at": int(now + KEPT_SECONDS)},
                ConditionExpression="attribute_not_exists(pk) OR #verb <> :abort",
                ExpressionAttributeNames={"#verb": "verb"},
                ExpressionAttributeValues={":abort": "abort"},
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def command(self, ramp: str) -> dict[str, Any] | None:
        """The operator's word, if there is one."""
        return self._get(_key(ramp, "command"))

    def put_word(self, ramp: str, verb: str, now: float, **fields: Any) -> None:
        """Keep what somebody said to the ramp, or about it: `step`, `by`, `reason`, `via`, as in docs/wire.md."""
        item: dict[str, Any] = {**_key(ramp, f"word#{round(now * 1000):015}#{verb}"), "verb": verb, "at": int(now)}
        self._table.put_item(Item={**item, **fields, "expire_at": int(now + KEPT_SECONDS)})

    def words(self, ramp: str) -> Iterator[dict[str, Any]]:
        """Everything that was said, in order."""
        return (item for item in self.people(ramp) if "verb" in item)

    def people(self, ramp: str) -> Iterator[dict[str, Any]]:
        """Everything that people were ever asked, in no order, and all that was said, in order: words have a `verb`.

        One query, because every one costs a round trip, and on the local stack a look at all that the ramp has.
        """
        found = self._items(f"ramp#{ramp}", "sk >= :first", {":first": "question#"})
        return (item for item in found if str(item["sk"]).startswith(("question#", "word#")))

    def note(self, ramp: str, request_id: str, field: str, now: float) -> None:
        """Note in the question that people were told (`told_at`) or reminded (`reminded_at`), if it still stands."""
        try:
            self._table.update_item(
                Key=_key(ramp, "request"),
                UpdateExpression="SET #field = :now",
                ConditionExpression="request_id = :id",
                ExpressionAttributeNames={"#field": field},
                ExpressionAttributeValues={":now": int(now), ":id": request_id},
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return

    def put_link(self, link_id: str, ramp: str, request_id: str, now: float, expires_at: float) -> None:
        """Keep where a message's link leads, under the hash of its random id, which itself is kept nowhere."""
        where: dict[str, Any] = {"ramp": ramp, "request_id": request_id}
        times = {"created_at": int(now), "expires_at": int(expires_at), "expire_at": int(expires_at + KEPT_SECONDS)}
        self._table.put_item(Item={**_link_key(link_id), **where, **times})

    def link(self, link_id: str) -> dict[str, Any] | None:
        """Where a link leads."""
        return self._get(_link_key(link_id))

    def enlist(self, flag: str, ramp: str, status: str, started_at: float, now: float, **fields: Any) -> bool:
        """Enter the ramp in its flag's list, or write its entry anew; `fields` as in docs/wire.md. False as above."""
        key = {"pk": f"flag#{flag}", "sk": f"ramp#{int(started_at):012}#{ramp}"}
        times = {"started_at": int(started_at), "updated_at": int(now)}
        return self._put_unless_ended({**key, "ramp": ramp, **times, **fields}, status, now)

    def listed(self, flag: str, limit: int | None = None) -> list[dict[str, Any]]:
        """The ramps of `flag`, the latest first, at most `limit`."""
        return list(islice(self._query(f"flag#{flag}", "ramp#", newest_first=True), limit))

    def _put_unless_ended(self, item: Mapping[str, Any], status: str, now: float) -> bool:
        whole = {**item, "status": status, "expire_at": int(now + KEPT_SECONDS)}
        before = MAY_FOLLOW.get(status)
        if before is None:
            self._table.put_item(Item=whole)
            return True
        names = {f":status{index}": name for index, name in enumerate(before)}
        try:
            self._table.put_item(
                Item=whole,
                ConditionExpression=f"attribute_not_exists(pk) OR #status IN ({', '.join(names)})",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=names,
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _batch(self, keys: list[dict[str, str]]) -> list[dict[str, Any]]:
        """These items; Amazon DynamoDB may leave some for another time when they are large."""
        name, items = self._table.name, []
        asked: Any = {name: {"Keys": keys, "ConsistentRead": True}}
        while asked:
            found = self._table.meta.client.batch_get_item(RequestItems=asked)
            items += [dict(item) for item in found["Responses"].get(name, [])]
            asked = found.get("UnprocessedKeys")
        return items

    def _query(self, pk: str, prefix: str, *, newest_first: bool = False) -> Iterator[dict[str, Any]]:
        return self._items(pk, "begins_with(sk, :prefix)", {":prefix": prefix}, newest_first=newest_first)

    def _items(
        self, pk: str, condition: str, values: Mapping[str, str], *, newest_first: bool = False
    ) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {
            "KeyConditionExpression": f"pk = :pk AND {condition}",
            "ExpressionAttributeValues": {":pk": pk, **values},
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
        }
        while True:
            page = self._table.query(**query)
            yield from (dict(item) for item in page["Items"])
            if not (last := page.get("LastEvaluatedKey")):
                return
            query["ExclusiveStartKey"] = last

    def _get(self, key: dict[str, str]) -> dict[str, Any] | None:
        item = self._table.get_item(Key=key, ConsistentRead=True).get("Item")
        return dict(item) if item else None


def _lock_key(flag: str) -> dict[str, str]:
    return {"pk": f"flag#{flag}", "sk": "lock"}


def _holder(lock: Lock) -> dict[str, str]:
    return {":me": lock.execution_arn, ":ramp": lock.ramp}


def _link_key(link_id: str) -> dict[str, str]:
    return {"pk": f"link#{sha256(link_id.encode()).hexdigest()}", "sk": "link"}


def _place(look: tuple[int, int]) -> str:
    """Step and number of a look, in the order of looks."""
    step, number = look
    return f"{step:03}#{number:06}"


def _key(ramp: str, kind: str) -> dict[str, str]:
    return {"pk": f"ramp#{ramp}", "sk": kind}


def _decoded(item: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {**item, "document": json.loads(str(item["document"]))} if item else None
