"""The gate against its peers: the same simulated ramps, one command, one table."""
