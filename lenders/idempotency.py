"""The same `Idempotency-Key` does its work once (draft-ietf-httpapi-idempotency-key-header).

1. A row is reserved for the key, in a transaction of its own, before the work.
2. The work and its answer are committed together; the answer is sealed, because it may hold a link
   or a secret.
3. A repeat gets the stored answer, byte for byte; during the first request it is told to wait.
4. Failed work frees the key: nothing was done, so a repeat may try again. So no error is ever
   stored.
5. One UPDATE takes over a reservation whose process has ended, or whose time is over. If the first
   process lives after all, its fence is gone and it commits nothing.
"""

import json
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial, wraps
from hashlib import sha256

from django.db import IntegrityError
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import policy
from lenders.keys import caller
from lenders.models import IdempotentRequest
from verification import clock, transactions
from verification.core.errors import BadInput, Conflict, FenceLost
from verification.evidence import vault

Ask = Callable[[], object]


def idempotent(work: Callable[..., Response]) -> Callable[..., HttpResponseBase]:
    """A view's method that runs as `run_once` does."""

    @wraps(work)
    def answer(view: APIView, request: Request, **where: str) -> HttpResponseBase:
        # Parsed before any write. It has come as a whole (`config/web_worker.py`), so the
        # reservation continues the transaction in which the key was looked up.
        _ = request.data
        return run_once(request, partial(work, view, request, **where))

    return answer


def run_once(
    request: Request, work: Callable[..., Response], *, ask: Ask | None = None
) -> HttpResponseBase:
    """Does the work, or replays its answer. Without a key it does the work, in one transaction.

    `ask`: asks an outside service before the transaction; the work gets its result.

    Raises: `BadInput` for an unusable or reused key, `Conflict` (idempotency_in_progress) during
    the first request.
    """
    untrusted = request.headers.get("Idempotency-Key")
    if untrusted is None:
        inputs = (ask(),) if ask else ()
        with transactions.writing():
            return work(*inputs)
    word = untrusted.strip()
    if not re.fullmatch(policy.IDEMPOTENCY_KEY, word) or len(word) > policy.IDEMPOTENCY_KEY_MAX:
        raise BadInput("1 to 255 visible ASCII characters", code="idempotency_key_malformed")
    # The draft writes the key as a quoted string; most clients send it bare.
    row = _reserve(request, sha256((word[1:-1] if word[0] == '"' else word).encode()).hexdigest())
    # 3. A repeat.
    if row.answered_at is not None:
        content = vault.unseal(scope_of(row), bytes(row.sealed_answer or b""))
        headers = {"Content-Type": "application/json", "Idempotent-Replayed": "true"}
        return HttpResponse(content, status=row.status or 200, headers=headers)
    ours = IdempotentRequest.objects.filter(pk=row.pk, fence=row.fence, answered_at=None)
    try:
        inputs = (ask(),) if ask else ()
        with transactions.writing():
            # 5. The first statement checks that the row is still ours, and locks it until the
            #    answer is committed.
            if (
                ours.update(
                    reserved_until=clock.now() + timedelta(seconds=policy.RESERVATION_SECONDS)
                )
                != 1
            ):
                raise FenceLost("the reservation was taken over")
            # 2. The work and its answer.
            answer = work(*inputs)
            sealed = vault.seal(_scope(row, answer.status_code), JSONRenderer().render(answer.data))
            ours.update(status=answer.status_code, sealed_answer=sealed, answered_at=clock.now())
        return answer
    except Exception:
        # 4. The transaction rolled the work back; the key is free for a repeat.
        ours.delete()
        raise


def scope_of(row: IdempotentRequest) -> str:
    """The scope of an answered row, by its status."""
    return _scope(row, row.status or 0)


def _scope(row: IdempotentRequest, status: int) -> str:
    """What an answer is sealed for: its lender, key, request and status."""
    request = f"{row.key_sha256}:{row.request_sha256}:{status}"
    return f"idempotent-answer:{row.lender_id}:{row.mode}:{request}"


def purge(*, at: datetime) -> int:
    """Deletes answers too old to be repeated; returns the number of rows. Rows are few, so one
    batch per call suffices.
    """
    old = IdempotentRequest.objects.filter(
        created_at__lt=at - timedelta(seconds=policy.REPLAY_SECONDS)
    )
    batch = list(old.order_by("created_at").values_list("pk", flat=True)[: policy.PURGE_BATCH])
    return IdempotentRequest.objects.filter(pk__in=batch).delete()[0] if batch else 0


def _reserve(request: Request, key_sha256: str) -> IdempotentRequest:
    """A row that is ours to work on, or an answered one."""
    # Two spellings of the same JSON are one request. Fractions are exact decimals, which json
    # handles through `str` only.
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"), default=str)
    key, at = caller(request), clock.now()
    fresh = IdempotentRequest(
        lender=key.lender,
        mode=key.mode,
        key_sha256=key_sha256,
        request_sha256=sha256(
            f"{request.method}\n{request.get_full_path()}\n{body}".encode()
        ).hexdigest(),
        fence=secrets.token_hex(16),
        process=transactions.process(),
        reserved_until=at + timedelta(seconds=policy.RESERVATION_SECONDS),
        created_at=at,
    )
    try:
        # 1. A transaction of its own: others must see the reservation before the work begins.
        with transactions.writing(durable=True):
            fresh.save(force_insert=True)
        return fresh
    except IntegrityError:
        rows = IdempotentRequest.objects.filter(
            lender=key.lender, mode=key.mode, key_sha256=key_sha256
        )
    in_progress = Conflict(
        "the first request with this key is still at work", code="idempotency_in_progress"
    )
    row = rows.first()
    if row is None:
        raise in_progress  # freed between our two statements: the repeat will find it free
    if row.request_sha256 != fresh.request_sha256:
        raise BadInput("this key was used for another request", code="idempotency_key_reused")
    if row.answered_at is not None:
        return row
    # 5. One UPDATE: of many that find it stale, one takes it over. An ended process commits nothing
    #    any more.
    stale = rows.filter(fence=row.fence, answered_at=None)
    if not transactions.is_gone(row.process, since=row.created_at):
        stale = stale.filter(reserved_until__lt=at)
    columns = {
        "fence": fresh.fence,
        "process": fresh.process,
        "reserved_until": fresh.reserved_until,
        "created_at": at,
    }
    if stale.update(**columns) != 1:
        raise in_progress
    row.fence = fresh.fence
    return row
