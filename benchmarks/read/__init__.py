"""The read path's costs as ratios, both sides measured in one run: `make bench-read`."""
