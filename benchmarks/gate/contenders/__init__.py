"""Everybody who enters the benchmark; each is one judge of one ramp."""

from benchmarks.gate.contenders.alarm import CandidateAlarm, WholeFunctionAlarm
from benchmarks.gate.contenders.argo import Argo
from benchmarks.gate.contenders.flagger import Flagger
from benchmarks.gate.contenders.growthbook import GrowthBook
from benchmarks.gate.contenders.kayenta import Kayenta
from benchmarks.gate.contenders.multinomial import Multinomial
from benchmarks.gate.contenders.sequential import Sequential
from benchmarks.gate.contenders.thresholds import Thresholds

PEERS = {
    "alarm": CandidateAlarm,
    "whole-function alarm": WholeFunctionAlarm,
    "fixed thresholds": Thresholds,
    "Flagger": Flagger,
    "Argo": Argo,
    "Kayenta": Kayenta,
    "GrowthBook": GrowthBook,
    "Netflix multinomial": Multinomial,
}
OURS = "sequential"
__all__ = ["OURS", "PEERS", "Sequential"]
