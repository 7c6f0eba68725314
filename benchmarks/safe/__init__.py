"""Time to safe: from an alarm to a flag that reads back off, and to the last request that the candidate served."""
