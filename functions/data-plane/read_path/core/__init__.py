"""Values in, values out: no I/O, no clock, no randomness. Time, ids and keys are arguments."""
