"""The `ramp` command: start, watch, answer and end ramps, on AWS and on the local stack alike."""
