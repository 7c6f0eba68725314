"""The read path: router and control, candidate, comparator. One deploy unit, three handlers."""
