"""What the ramp decides, without I/O, clocks or dice: those are arguments."""
