"""Peers of the benches: what others do, and what a bare view does."""
