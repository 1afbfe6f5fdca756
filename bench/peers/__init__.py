"""Peers of the benches: other libraries, and a bare view."""
