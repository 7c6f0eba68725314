"""A ramp rehearsed: the real core, tasks and state machine in a simulated world, in virtual time."""
