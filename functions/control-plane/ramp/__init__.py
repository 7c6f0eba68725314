"""The ramp's tasks: the control plane, deployed apart from the read path that it measures.

Read in this order: `handlers` (one verb per state of the machine), `tasks` (gather, decide, act), `core` (decide:
values in, values out), `adapters` (gather and act: AWS).
"""
