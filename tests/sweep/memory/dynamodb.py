"""DynamoDB: one table with keys `pk` and `sk`, conditional writes, and pages.

Items are kept as boto3's own serializer leaves them, so a float is refused and a number comes back as a Decimal.
"""

# ruff: noqa: N803 - arguments are named as AWS names them

from __future__ import annotations

import copy
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from tests.sweep.memory.errors import refusal
from tests.sweep.memory.expressions import holds, updated

Item = dict[str, Any]
PLAIN = {str, bool, Decimal}  # stay as they are
PAGE = 10  # items; DynamoDB's own pages are cut by size
_serializer, _deserializer = TypeSerializer(), TypeDeserializer()


class DynamoDb:
    """Items by their keys."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}

    def get_item(self, TableName: str, Key: Item, ConsistentRead: bool = False) -> Any:
        found = self.items.get(_place(Key))
        return {} if found is None else {"Item": _copied(found)}

    def batch_get_item(self, RequestItems: Any) -> Any:
        found = {
            table: [_copied(self.items[_place(key)]) for key in asked["Keys"] if _place(key) in self.items]
            for table, asked in RequestItems.items()
        }
        return {"Responses": found, "UnprocessedKeys": {}}

    def put_item(self, TableName: str, Item: Item, **condition: Any) -> Any:
        self._check("PutItem", Item, condition)
        self.items[_place(Item)] = _plain(Item)
        return {}

    def update_item(self, TableName: str, Key: Item, UpdateExpression: str, **condition: Any) -> Any:
        self._check("UpdateItem", Key, condition)
        names, values = _said(condition)
        self.items[_place(Key)] = updated(self.items.get(_place(Key), Key), UpdateExpression, names, values)
        return {}

    def delete_item(self, TableName: str, Key: Item, **condition: Any) -> Any:
        self._check("DeleteItem", Key, condition)
        self.items.pop(_place(Key), None)
        return {}

    def query(
        self,
        TableName: str,
        KeyConditionExpression: str,
        ScanIndexForward: bool = True,
        Limit: int = PAGE,
        ExclusiveStartKey: Item | None = None,
        **condition: Any,
    ) -> Any:
        names, values = _said(condition)
        found = [
            item
            for _, item in sorted(self.items.items(), reverse=not ScanIndexForward)
            if holds(KeyConditionExpression, item, names, values)
        ]
        if ExclusiveStartKey is not None:
            places = [_place(item) for item in found]
            found = found[places.index(_place(ExclusiveStartKey)) + 1 :]
        page = found[: min(Limit, PAGE)]
        answer: dict[str, Any] = {"Items": [_copied(item) for item in page]}
        if len(found) > len(page):
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in ("pk", "sk")}
        return answer

    def _check(self, operation: str, key: Item, condition: Mapping[str, Any]) -> None:
        expression = condition.get("ConditionExpression")
        if expression and not holds(expression, self.items.get(_place(key), {}), *_said(condition)):
            raise refusal("dynamodb", operation, "ConditionalCheckFailedException", "The conditional request failed")


def _said(condition: Mapping[str, Any]) -> tuple[Mapping[str, str], Item]:
    return condition.get("ExpressionAttributeNames", {}), _plain(condition.get("ExpressionAttributeValues", {}))


def _place(key: Item) -> tuple[str, str]:
    return key["pk"], key["sk"]


def _plain(item: Item) -> Item:
    return {name: value if type(value) in PLAIN else _kept(value) for name, value in item.items()}


def _kept(value: Any) -> Any:
    if type(value) is int:
        return Decimal(value)
    return _deserializer.deserialize(_serializer.serialize(value))


def _copied(item: Item) -> Item:
    return {name: value if type(value) in PLAIN else copy.deepcopy(value) for name, value in item.items()}
