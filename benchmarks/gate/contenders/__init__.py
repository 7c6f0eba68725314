"""Everybody who enters the benchmark; each is one judge of one ramp."""

from collections.abc import Mapping

from benchmarks.gate.contenders.alarm import CandidateAlarm, WholeFunctionAlarm
from benchmarks.gate.contenders.argo import Argo
from benchmarks.gate.contenders.flagger import Flagger
from benchmarks.gate.contenders.growthbook import GrowthBook
from benchmarks.gate.contenders.kayenta import Kayenta
from benchmarks.gate.contenders.multinomial import Multinomial
from benchmarks.gate.contenders.sequential import Sequential
from benchmarks.gate.contenders.thresholds import Thresholds
from benchmarks.gate.ramp_run import Enter

PEERS: Mapping[str, Enter] = {
    "alarm": CandidateAlarm,
    "whole-function alarm": WholeFunctionAlarm,
    "fixed thresholds": Thresholds,
    "Flagger": Flagger,
    "Argo": Argo,
    "Kayenta": Kayenta,
    "GrowthBook": GrowthBook,
    "Netflix multinomial": Multinomial,
}
__all__ = ["PEERS", "Sequential"]
