"""Embedded metrics become values of every dimension set."""

import json
from typing import Any

import pytest
from local_stack.metrics import Datum, read_embedded

RECORD: dict[str, Any] = {
    "_aws": {
        "Timestamp": 1_000,
        "CloudWatchMetrics": [
            {
                "Namespace": "N",
                "Dimensions": [["ramp", "arm"], ["arm"]],
                "Metrics": [{"Name": "requests", "Unit": "Count"}],
            }
        ],
    },
    "ramp": "r",
    "arm": "control",
    "requests": [1],
}


def test_a_record_becomes_one_value_for_each_dimension_set() -> None:
    by_ramp = Datum("N", "requests", "Count", (("ramp", "r"), ("arm", "control")), 1_000, 1.0)
    by_arm = Datum("N", "requests", "Count", (("arm", "control"),), 1_000, 1.0)
    assert read_embedded(json.dumps(RECORD)) == [by_ramp, by_arm]


def test_every_value_of_a_list_counts() -> None:
    data = read_embedded(json.dumps({**RECORD, "requests": [1, 0, 1]}))
    assert [datum.value for datum in data if len(datum.dimensions) == 1] == [1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    "line", ["START RequestId: 1", "{}", '{"_aws": 3}', json.dumps({**RECORD, "requests": "many"})]
)
def test_any_other_line_is_no_metric(line: str) -> None:
    assert read_embedded(line) == []
