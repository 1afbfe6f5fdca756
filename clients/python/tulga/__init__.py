"""The client of Tulga's API for lenders: `Client` and `AsyncClient`, which send the operations of
`calls`.

`resources` has requests and answers, `answers` their headers, `errors` the exceptions.
`webhooks`, `receipts` and `checkpoints` verify signed data, offline.
"""

from tulga import answers, calls, checkpoints, errors, receipts, resources, webhooks
from tulga.clients import AsyncClient, Certificate, Client, Options

__all__ = [
    "AsyncClient",
    "Certificate",
    "Client",
    "Options",
    "answers",
    "calls",
    "checkpoints",
    "errors",
    "receipts",
    "resources",
    "webhooks",
]
