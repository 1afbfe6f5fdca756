"""The client of Tulga's API for lenders: `Client` and `AsyncClient`, to which the operations of
`calls` are given.

`resources` is what they say and give, `errors` what they raise; `webhooks`, `receipts` and
`checkpoints` verify what is signed, offline.
"""

from tulga import calls, checkpoints, errors, receipts, resources, webhooks
from tulga.clients import AsyncClient, Client, Options

__all__ = [
    "AsyncClient",
    "Client",
    "Options",
    "calls",
    "checkpoints",
    "errors",
    "receipts",
    "resources",
    "webhooks",
]
