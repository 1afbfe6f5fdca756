"""Does the log continue the one whose signed checkpoint somebody outside has kept?

What is kept is a C2SP checkpoint: a note with origin, size and root. Whoever rewrites the log, or
turns it back, can make everything within it fit again, and not what they do not have. Sources: RFC
9162 §2.1.4, C2SP tlog-checkpoint.
"""

from collections.abc import Iterator
from contextlib import suppress

from verification.core.errors import BadInput, LogInconsistent, Misconfigured
from verification.core.findings import Finding
from verification.log import keys, policy
from verification.log.checkpoint import Checkpoint, Note, open_checkpoint
from verification.log.damaged import PAGE, as_bytes
from verification.log.tree import Growing
from verification.models import AuditLeaf


def log_of(untrusted: bytes) -> str:
    """Which of our logs a kept note is a checkpoint of, by its origin.

    Raises `BadInput` for what is no checkpoint, or one of a log that is not here.
    """
    origin = Checkpoint.parse(Note.parse(_text(untrusted)).text).origin
    for log in keys.LOGS:
        with suppress(Misconfigured):  # whose key is not here is no log here
            if keys.verification_key(log).name == origin:
                return log
    raise BadInput("it is a checkpoint of a log that is not here")


def verify_since(log: str, untrusted: bytes) -> Iterator[Finding]:
    """What shows that the log is not the one of this checkpoint, with more behind it; nothing if it
    is.

    The root is computed from the hashes of the leaves; that these are of the entries is verified
    beside it.
    """
    try:
        checkpoint = open_checkpoint(_text(untrusted), key=keys.verification_key(log))
    except LogInconsistent as error:
        yield Finding(
            code="since_unsigned",
            log=log,
            detail=f"the kept checkpoint is not of this log: {error.detail}",
        )
        return
    last = (
        AuditLeaf.objects.filter(log=log)
        .order_by("-leaf_index")
        .values_list("leaf_index", flat=True)
        .first()
    )
    size = 0 if last is None else last + 1
    if checkpoint.size > size:
        detail = (
            f"a checkpoint was kept of {checkpoint.size} entries, the log holds {size}:"
            " it was turned"
            " back"
        )
        yield Finding(code="since_turned_back", log=log, detail=detail)
        return
    growing = Growing()
    for start in range(0, checkpoint.size, PAGE):
        end = min(start + PAGE, checkpoint.size)
        page = AuditLeaf.objects.filter(
            log=log, leaf_index__gte=start, leaf_index__lt=end
        ).order_by("leaf_index")
        hashes = {
            index: as_bytes(leaf_hash)
            for index, leaf_hash in page.values_list("leaf_index", "leaf_hash")
        }
        for index in range(start, end):
            growing.append(hashes.get(index, b""))
    if growing.root != checkpoint.root:
        detail = (
            f"its first {checkpoint.size} entries do not lead to the root"
            " that was kept of them: it was"
            " rewritten"
        )
        yield Finding(code="since_forked", log=log, detail=detail)


def _text(untrusted: bytes) -> str:
    if len(untrusted) > policy.NOTE_BYTES:
        raise BadInput("the note is too large")
    try:
        return untrusted.decode()
    except UnicodeDecodeError:
        raise BadInput("the note is no UTF-8") from None
