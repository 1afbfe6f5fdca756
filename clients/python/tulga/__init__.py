"""The client of Tulga's API for lenders: `Client` and `AsyncClient`, which send the operations of
`calls`.

`resources` has requests and answers, `errors` the exceptions.
`webhooks`, `receipts` and `checkpoints` verify signed data, offline.
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
