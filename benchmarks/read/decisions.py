"""What the router decides and the comparator finds, over many ids and answers: no clock, no machine in it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from math import sqrt

from read_path.core import comparison
from read_path.core.answer import Answer
from read_path.core.bucketing import WHOLE_PPM, bucket
from read_path.core.noise import Noise
from read_path.core.rules import Rules

from benchmarks.read.figure import Figure

PERCENTS = (1, 5, 25, 50)
LEARNING = 1_000
_SIGMAS = 3.0


def shares(ids: int) -> list[Figure]:
    """How far the share of users is from the configured one, in standard deviations; and who ever moved back."""
    buckets = [bucket("bench", f"user-{number}") for number in range(ids)]
    worst, said = 0.0, []
    served: set[int] = set()
    moved_back = 0
    for percent in PERCENTS:
        limit = percent * WHOLE_PPM // 100
        on = {number for number, place in enumerate(buckets) if place < limit}
        moved_back += len(served - on)
        served = on
        share = percent / 100
        sigmas = abs(len(on) - ids * share) / sqrt(ids * share * (1 - share))
        worst = max(worst, sigmas)
        said.append(f"{percent} %: {len(on) / ids * 100:.3f} %")
    return [
        Figure(f"share error over {ids:,} ids, worst of σ", worst, ", ".join(said), at_most=_SIGMAS),
        Figure("— users moved back while the share rose", moved_back, f"{moved_back} of {ids:,}", at_most=0),
    ]


def noise(comparisons: int, plants: int) -> list[Figure]:
    """A control that shuffles lists and stamps times, against an equal candidate, and one with planted differences."""
    dice = random.Random(6)  # noqa: S311 - dice, and the same for everybody
    learnt = Noise(Rules())
    for number in range(LEARNING):
        _found(number, dice, learnt, lambda _document: None)
    falsely = sum(_found(number, dice, learnt, lambda _document: None) for number in range(comparisons))
    missed = {
        plant.__name__.removeprefix("_"): sum(not _found(number, dice, learnt, plant) for number in range(plants))
        for plant in _PLANTED
    }
    said = ", ".join(f"{name} {plants - count}" for name, count in missed.items())
    return [
        Figure("false differences after learning noise", falsely, f"{falsely} of {comparisons:,}", at_most=0),
        Figure("— planted differences missed", sum(missed.values()), f"found of {plants} each: {said}", at_most=0),
    ]


def _found(number: int, dice: random.Random, learnt: Noise, plant: Callable[[dict[str, object]], None]) -> bool:
    """As `read_path.compare` does it: compare; read control again where something differs, and for a tenth."""
    control, again, document = (_document(number, dice) for _ in range(3))
    plant(document)
    found = comparison.compare(_answer(control), _answer(document), learnt.of)
    if found or dice.random() < 0.1:  # noqa: PLR2004 - the comparator's own share
        moved = learnt.learn(_answer(control), _answer(again))
        found = [each for each in found if each.path not in moved]
    return bool(found)


def _document(number: int, dice: random.Random) -> dict[str, object]:
    tags = ["a", "b", "c", f"tag-{number % 7}"]
    rows = [
        {"id": row, "total": row * number, "seenAt": f"2026-01-01T00:00:{dice.random() * 60:09.6f}Z"}
        for row in range(3)
    ]
    dice.shuffle(tags)
    dice.shuffle(rows)
    return {
        "id": f"user-{number}",
        "email": f"user-{number}@example.com",
        "plan": "pro" if number % 5 == 0 else "free",
        "balance": number / 8,
        "tags": tags,
        "rows": rows,
        "servedAt": f"2026-01-01T00:{dice.randrange(60):02}:{dice.randrange(60):02}Z",
        "requestId": f"{dice.getrandbits(64):x}",
    }


def _answer(document: dict[str, object]) -> Answer:
    return Answer(200, json.dumps(document))


def _other_email(document: dict[str, object]) -> None:
    document["email"] = "someone@example.com"


def _other_balance(document: dict[str, object]) -> None:
    document["balance"] = -1


def _null_plan(document: dict[str, object]) -> None:
    document["plan"] = None


def _tag_lost(document: dict[str, object]) -> None:
    document["tags"] = document["tags"][1:]  # type: ignore[index]  # a list, as made above


def _tag_changed(document: dict[str, object]) -> None:
    document["tags"][0] = "z"  # type: ignore[index]  # as above


def _total_changed(document: dict[str, object]) -> None:
    document["rows"][0]["total"] = -1  # type: ignore[index]  # as above


def _stamp_null(document: dict[str, object]) -> None:
    document["servedAt"] = None


def _field_more(document: dict[str, object]) -> None:
    document["extra"] = 1


_PLANTED = (
    _other_email,
    _other_balance,
    _null_plan,
    _tag_lost,
    _tag_changed,
    _total_changed,
    _stamp_null,
    _field_more,
)
