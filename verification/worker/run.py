"""A worker's handling of a claimed step, and of a faulted one.

1. Claim the step: lease, fence, one fault counted (`queue.claim`).
2. Read and fold the signed entries of the case (`case.moving`).
3. Work outside any transaction: ask sources, measure, run the checks (`judge`).
4. In one transaction whose first statement is the fence: newer entries, its own entries, the rows.
5. After a fault, release the step with a backoff; after the last, end the case in `failed`. A step
   that no answer caused, such as a lapse, is put off instead, and stays due.

Tick, desk and web schedule steps that no answer caused: time ran out, people voted, or the case was
stopped.
They decide nothing. Each such step checks the entries whether it is due; otherwise it is dropped.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from verification import clock, transactions
from verification.access import leaving
from verification.artifacts import making
from verification.case import attempts, contents, moving, policy, stages, steps, votes
from verification.case.moving import UNSOUND, History, catch_up, read, read_flawed, read_sound
from verification.core import codes
from verification.core.errors import (
    ConsentPending,
    EvidenceUnreadable,
    FenceLost,
    SourceUnavailable,
    TulgaError,
)
from verification.core.results import Outcome
from verification.core.route import Next
from verification.core.status import Status
from verification.course.state import LEFT, OPEN
from verification.evidence import vault
from verification.models import Attempt, Verification
from verification.worker import clearing, destruction, judge, lending, purge, queue
from verification.worker.judge import judge_attempt

_LOST: Final = "worker_lost"

REFUSED, COERCED = "review_refused", "coercion_reported"
_ASKED: Final = {
    steps.PREPARE: (Next.PREPARE, judge.prepare),
    steps.LOOK: (Next.LOOK, judge.look),
    steps.JUDGE: (Next.COLLECT, judge_attempt),
}
"""For each step, the next mover of its waiting attempt, and the work."""


def run(row: Verification) -> None:
    """Does the claimed step. Any exception is a fault for `release`; `FenceLost`: another worker
    took over.
    """
    if (unasked := _UNASKED.get(row.step)) is not None:
        if row.faults > policy.FAULTS_MAX:  # the last worker died silently
            return _put_off(row, cause=_LOST)
        return unasked(row)
    history = read_flawed(row)
    if row.faults > 1:
        # Workers' signed entries give the count of tries, not the row.
        tried = _tried(history) + 1
        if tried < row.faults:  # the last worker died silently: record it
            if tried >= policy.FAULTS_MAX:
                row.faults = policy.FAULTS_MAX
                return _give_up(history, cause=_LOST)
            with transactions.writing():
                if not queue.correct(row, faults=tried + 1):
                    raise FenceLost(f"{row.pk}: another worker has it")
                queue.record_fault(row, at=clock.now(), step=row.step, cause=_LOST, faults=tried)
            catch_up(history)
    if history.flaw:
        raise EvidenceUnreadable(history.flaw, code=UNSOUND)
    key = contents.key_beside(row)
    if row.step == steps.OPEN:
        return _open(history, key=key)
    awaited, work = _ASKED[row.step]
    newest = history.state.newest(OPEN)
    if newest is None or newest.next != awaited:
        # The row alone says that the step is due; the entries say otherwise.
        with queue.finishing(history):
            return None
    attempt = history.attempt(history.state.newest_name)
    stage = stages.of_route(attempt.route, law=row.profile_sha256)[attempt.stage]
    return work(history, attempt, stage, key=key)


def _open(history: History, *, key: vault.Key) -> None:
    """Begins an attempt that could not begin earlier: the borrower was busy elsewhere, or had
    none left.
    """
    row, at, state = history.row, clock.now(), history.state
    is_begun = bool(state.newest(OPEN)) or row.stage in state.done_stages
    if state.end or state.is_held() or is_begun or not row.stage:
        with queue.finishing(history):
            return
    stage = stages.of_route(row.route, law=row.profile_sha256)[row.stage]
    with queue.finishing(history):
        if (tries := attempts.count_tries(history, stage, at=at)).is_exhausted:
            judge.exhaust(history, tries, key=key, at=at)
        else:
            attempts.enter(history, stage, key=key, at=at)


def release(row: Verification, fault: Exception) -> None:
    """Gives back a faulted step, due after a backoff; the last fault ends the verification in
    `failed`.

    Waiting for the person is no fault and is not counted.
    """
    at = clock.now()
    cause = fault.code if isinstance(fault, TulgaError) else type(fault).__name__
    if row.step in _UNASKED:
        return _put_off(row, cause=cause)
    # The next worker records the fault of one that died before it could.
    history = read_flawed(row)
    row.faults = min(row.faults, _tried(history) + 1)
    is_pending = isinstance(fault, ConsentPending)
    if is_pending:
        faults, wait = row.faults - 1, policy.PENDING_SECONDS
    elif row.faults >= policy.FAULTS_MAX:
        return _give_up(history, cause=cause)
    else:
        faults, wait = row.faults, policy.backoff(row.faults)
    due = at + timedelta(seconds=wait)
    with transactions.writing():
        if not queue.release(row, due_at=due, faults=faults):
            return None
        source = fault.source if isinstance(fault, SourceUnavailable) else ""
        # The borrower's page says what to do; while it says so already, no new entry is needed.
        judging = Attempt.objects.filter(verification=row, status=attempts.JUDGING)
        if not is_pending or judging.exclude(notice=cause).update(notice=cause):
            queue.record_fault(
                row,
                at=at,
                step=row.step,
                cause=cause,
                faults=faults,
                source=None if is_pending else source,
            )
    return None


def _put_off(row: Verification, *, cause: str) -> None:
    """Puts off a faulted step that no answer caused: it stays due until done.

    Each cause is recorded once.
    """
    at = clock.now()
    is_last = row.faults >= policy.FAULTS_MAX
    # A lender waits for a clearance, and a late one is worthless.
    is_patient = is_last and row.step != steps.CLEAR
    wait = policy.DESTRUCTION_SECONDS if is_patient else policy.backoff(row.faults)
    # The next fault is the last again: a claim with more faults means that a worker died silently.
    faults = min(row.faults, policy.FAULTS_MAX - 1)
    with transactions.writing():
        if not queue.release(row, due_at=at + timedelta(seconds=wait), faults=faults):
            return
        faulted = read_sound(row).typed(queue.STEP_FAULTED)
        on_record = {(entry.body["step"], entry.body["cause"]) for entry in faulted}
        if (row.step, cause) not in on_record:
            queue.record_fault(row, at=at, step=row.step, cause=cause, faults=row.faults)


def _tried(history: History) -> int:
    """The failed tries of its step, by workers' entries."""
    state = history.state
    return state.faults if state.faulted_step == history.row.step else 0


def _give_up(history: History, *, cause: str) -> None:
    """Ends the case after the last fault: the only entry that even an unlawful history allows."""
    at, row = clock.now(), history.row
    step, faults = row.step, row.faults
    with queue.finishing(history):
        queue.record_fault(row, at=at, step=step, cause=cause, faults=faults)
        judge.end(history, Status.FAILED, at=at, code="retries_exhausted")
        leaving.drop_open(history, at=at)


def lapse(row: Verification) -> None:
    """Ends a dialogue whose time ran out. It burns only if the timeout code says so."""
    at, history = clock.now(), read(row)
    with queue.finishing(history):
        attempt, name = history.state.newest(OPEN), history.state.newest_name
        is_ended = bool(history.state.end) or attempt is None or not attempt.is_with_borrower
        if is_ended or attempt is None or attempt.until is None:
            return
        if at + history.state.advanced < attempt.until:
            return
        burns = leaving.lapse(history, name, at=at)
        stage = stages.find(attempt.route, attempt.stage, law=row.profile_sha256)
        if stage and burns:
            code = stage.timeout_code
            judge.after_failure(history, stage, code, key=contents.key_of(row), at=at)


def expire(row: Verification) -> None:
    """Ends a verification whose borrower's or reviewers' time ran out."""
    at, history = clock.now(), read(row)
    with queue.finishing(history):
        state = history.state
        is_over = state.until is not None and at + state.advanced >= state.until
        if state.end or state.standing.is_ours or not is_over:
            return
        code = "review_timeout" if state.in_review else "verification_expired"
        judge.end(history, Status.EXPIRED, at=at, code=code)
        leaving.leave(history, at=at)


def weigh(row: Verification) -> None:
    """Applies the votes on an attempt: two passes pass it, one fail refuses.

    A pass requires that all other checks passed.
    """
    at, history = clock.now(), read(row)
    with queue.finishing(history):
        name = votes.open_question(history)
        if not name or (passes := votes.verdict(history, name)) is None:
            return
        if passes:
            votes.require_the_rest_passed(history, name)
        attempt, key = history.state.attempts[name], contents.key_of(row)
        stage = stages.of_route(attempt.route, law=row.profile_sha256)[attempt.stage]
        result, code = (Outcome.PASSED, "") if passes else (Outcome.FAILED, REFUSED)
        burns = not passes and codes.require(REFUSED).burns and stage.attempts is not None
        body = moving.place_of(name, attempt) | {"outcome": result, "code": code, "burnt": burns}
        moving.record(row, "attempt.reviewed", at=at, body=body)
        making.make_document(history, name, key=key, at=at)
        if passes:
            judge.after_pass(history, stage, key=key, at=at)
        else:
            judge.after_failure(history, stage, REFUSED, key=key, at=at)


def stop(row: Verification) -> None:
    """Ends a verification whose borrower reported a caller on a phone."""
    at, history = clock.now(), read(row)
    with queue.finishing(history):
        if not history.state.is_stopped or history.state.end:
            return
        body = {"cause": "hand_over"}
        judge.end(history, Status.DECLINED, at=at, code=COERCED, body=body)
        leaving.leave(history, at=at)


def turn_away(row: Verification) -> None:
    """Ends the capture that the borrower left for another route, and begins that route."""
    at, history = clock.now(), read(row)
    with queue.finishing(history):
        if history.state.newest(LEFT) is None or history.state.is_held() or history.state.end:
            return
        leaving.leave(history, at=at)
        attempts.enter_route(history, key=contents.key_of(row), at=at)


def document(row: Verification) -> None:
    """Makes the receipt after a lender's own ending, and the documents of then live attempts."""
    at, history = clock.now(), read(row)
    with queue.finishing(history):
        if history.state.end:
            making.make_late_receipt(history, at=at)
            for name in history.state.attempts:
                making.make_document(history, name, at=at)


_UNASKED: Final[Mapping[str, Callable[[Verification], None]]] = {
    steps.LAPSE: lapse,
    steps.EXPIRE: expire,
    steps.WEIGH: weigh,
    steps.STOP: stop,
    steps.LEAVE: turn_away,
    steps.DOCUMENT: document,
    steps.LEND: lending.lend,
    steps.DESTROY: destruction.destroy_frames,
    steps.PURGE: purge.purge,
    steps.CLEAR: clearing.clear,
}
"""Steps that no answer caused: they stay due until done."""
