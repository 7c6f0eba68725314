"""The read path under as much load as this machine gives it, with its database taken away in the middle."""
