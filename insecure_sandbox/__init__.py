"""A stand-in for the outside world, on loopback only: authorities, registers, consents, SMS.

It is insecure by intent: it hands out private keys and obeys every request.
The product never imports it; it uses HTTP through the same adapters as for the real services.
`docs/lender/sandbox.md` documents the protocol.

One module per source: each has `routes(...)`, and `table.py` joins them. `faults.py` makes any
source misbehave.
"""
