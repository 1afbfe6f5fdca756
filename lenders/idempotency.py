"""The same `Idempotency-Key` does its work once (draft-ietf-httpapi-idempotency-key-header).

1. A row is reserved for the key, in a transaction of its own, before anything is done.
2. The work and its answer are committed together; the answer is sealed, for it may hold a link or a secret.
3. A repeat gets the stored answer; one that comes while the first is at work is told to wait.
4. Work that fails gives the key back: nothing was done, so a repeat may try again. So no error is ever stored.
5. A reservation that outlived its worker is taken over by one UPDATE; should the first one live after all, it finds
   its fence gone and commits nothing.
"""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from lenders import policy
from lenders.auth import caller
from lenders.models import ApiKey, IdempotentRequest
from verification.core.errors import BadInput, Conflict, FenceLost
from verification.workflow import sealing

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
_VISIBLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Answer:
    """What a piece of work answers. `body` None stands for an empty answer."""

    status: int
    body: Mapping[str, Any] | None


def once(request: Request, work: Callable[[], Answer]) -> Response:
    """Does the work, or replays its answer. Without a key it is simply done, in one transaction.

    Raises `BadInput` for an unusable or reused key, `Conflict` (idempotency_in_progress) while another is at work.
    """
    key = _key_sha256(request)
    if key is None:
        with transaction.atomic():
            return _response(work())
    fingerprint = _fingerprint(request)
    row = _reserve(caller(request), key, fingerprint)
    if row.answered_at is not None:
        return _replay(row)
    try:
        return _response(_work_under(row, work))
    except Exception:
        # Whatever went wrong, the transaction took the work back; the key is free for a repeat.
        IdempotentRequest.objects.filter(pk=row.pk, fence=row.fence, answered_at=None).delete()
        raise


def purge(*, at: datetime) -> int:
    """Forgets answers nobody repeats any more; gives how many rows. Rows are few, so one batch a call keeps up."""
    old = IdempotentRequest.objects.filter(created_at__lt=at - timedelta(seconds=policy.REPLAY_SECONDS))
    batch = list(old.order_by("created_at").values_list("pk", flat=True)[: policy.PURGE_BATCH])
    return IdempotentRequest.objects.filter(pk__in=batch).delete()[0] if batch else 0


def _key_sha256(request: Request) -> str | None:
    untrusted = request.headers.get(HEADER)
    if untrusted is None:
        return None
    # The draft writes the key as a quoted string; most clients send it bare.
    word = untrusted.strip()
    if len(word) >= 2 and word[0] == word[-1] == '"':
        word = word[1:-1]
    if not _VISIBLE.fullmatch(word) or len(word) > policy.IDEMPOTENCY_KEY_MAX:
        raise BadInput("1 to 255 visible ASCII characters", code="idempotency_key_malformed")
    return sha256(word.encode()).hexdigest()


def _fingerprint(request: Request) -> str:
    """SHA-256 of method, path and body; two spellings of the same JSON are the same request."""
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"), default=str)
    return sha256(f"{request.method}\n{request.get_full_path()}\n{body}".encode()).hexdigest()


def _reserve(key: ApiKey, key_sha256: str, fingerprint: str) -> IdempotentRequest:
    """A row that is ours to work on, or one that is answered."""
    at = timezone.now()
    fresh = IdempotentRequest(
        lender=key.lender,
        mode=key.mode,
        key_sha256=key_sha256,
        request_sha256=fingerprint,
        fence=secrets.token_hex(16),
        reserved_until=at + timedelta(seconds=policy.RESERVATION_SECONDS),
        created_at=at,
    )
    try:
        # A transaction of its own: others must see the reservation before the work begins.
        with transaction.atomic(durable=True):
            fresh.save(force_insert=True)
    except IntegrityError:
        return _present(fresh, at=at)
    return fresh


def _present(fresh: IdempotentRequest, *, at: datetime) -> IdempotentRequest:
    own = IdempotentRequest.objects.filter(lender=fresh.lender, mode=fresh.mode, key_sha256=fresh.key_sha256)
    row = own.first()
    if row is None:
        raise _in_progress()  # given back between our two statements: the repeat will find it free
    if row.request_sha256 != fresh.request_sha256:
        raise BadInput("this key was used for another request", code="idempotency_key_reused")
    if row.answered_at is not None:
        return row
    stale = own.filter(fence=row.fence, answered_at=None, reserved_until__lt=at)
    if stale.update(fence=fresh.fence, reserved_until=fresh.reserved_until) != 1:
        raise _in_progress()
    row.fence = fresh.fence
    return row


def _work_under(row: IdempotentRequest, work: Callable[[], Answer]) -> Answer:
    """The work and its stored answer in one transaction, whose first statement asks whether the row is still ours."""
    ours = IdempotentRequest.objects.filter(pk=row.pk, fence=row.fence, answered_at=None)
    with transaction.atomic():
        if ours.update(reserved_until=timezone.now() + timedelta(seconds=policy.RESERVATION_SECONDS)) != 1:
            raise FenceLost("the reservation was taken over")
        answer = work()
        plain = json.dumps(answer.body, default=str).encode()
        ours.update(status=answer.status, sealed_answer=sealing.seal(_scope(row), plain), answered_at=timezone.now())
        return answer


def _replay(row: IdempotentRequest) -> Response:
    body = json.loads(sealing.unseal(_scope(row), bytes(row.sealed_answer or b"")))
    response = _response(Answer(row.status or 200, body))
    response.headers[REPLAYED] = "true"
    return response


def _response(answer: Answer) -> Response:
    return Response(answer.body, status=answer.status)


def _scope(row: IdempotentRequest) -> str:
    return f"idempotent-answer:{row.lender_id}:{row.mode}:{row.key_sha256}"


def _in_progress() -> Conflict:
    return Conflict("the first request with this key is still at work", code="idempotency_in_progress")
