"""Measurements of the product on simulated and real loads."""
