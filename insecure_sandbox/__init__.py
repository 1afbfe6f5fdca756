"""A stand-in for the outside world, on loopback only: authorities, registers, consents, SMS.

It is insecure by intent: it hands out private keys and does as it is told. The product never
imports it; it asks it over HTTP through the same adapters as the real services. `docs/sandbox.md`
documents the protocol.

One module a source: each has `routes(...)`, and `table.py` joins them. `faults.py` makes any source
    misbehave.
"""
