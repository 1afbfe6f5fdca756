"""The processor time that the register of people adds to a verification by signature.

`make bench PART=register`. On an SQLite file in memory, in one process that is web and worker in
turn.
It plays verifications by EDS (RSA) from the opening to the verdict, in rounds that alternate
between a law that requires the register and the same law without.
The consent service and the register answer at once from memory, so their time does not count.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, cycle

from django.conf import settings
from played.in_memory import begin, iin_of, new_lender, trusted_authority, work

from insecure_sandbox.authority import Authority, issue
from tests.verification import insecure_register
from tests.verification.stories.story import person
from verification.core import profiles
from verification.core.opening import Person
from verification.models import EvidenceItem, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

_ROUNDS, _CASES, _PEOPLE = 12, 20, 20
_LAWS = {
    asks: replace(profiles.get("KZ-2021-04"), id=f"KZ-BENCH-{asks}", register_asked=asks or None)
    for asks in (False, True)
}


def main() -> None:
    """Measures and prints."""
    profiles.PROFILES.update({law.id: law for law in _LAWS.values()})
    know(person())
    authority = trusted_authority("rsa")
    for name, source in insecure_register.sources().items():
        settings.TULGA_SOURCES["test"][name] = {**source}
    play = player(authority)
    spent: dict[bool, list[float]] = {False: [], True: []}
    for asks in spent:
        play(asks)  # work that happens once per process
    for turn in range(_ROUNDS):
        for asks in (bool(turn % 2), not turn % 2):
            began = time.process_time()
            for _ in range(_CASES):
                play(asks)
            spent[asks].append((time.process_time() - began) / _CASES * 1000)
    if Verification.objects.exclude(status="verified").exists():
        raise SystemExit("a verification of the bench was not verified")
    requests = EvidenceItem.objects.filter(kind="register.person").count()
    without, with_register = (statistics.median(spent[asks]) for asks in (False, True))
    print(
        f"{_ROUNDS} rounds of {_CASES} verifications each way; the register was asked"
        f" {requests} times"
    )
    print(f"without the register {without:6.1f} ms of processor a verification, median of rounds")
    print(f"with the register    {with_register:6.1f} ms; ratio {with_register / without:.2f}x")


def know(stated: Person) -> None:
    """The register has this person as the lender states them."""
    document = {
        "type": "id_card",
        "number": stated.document.number,
        "issued_on": None,
        "status": "valid",
    }
    insecure_register.KNOWN.update(
        surname=stated.surname,
        name=stated.name,
        patronymic=stated.patronymic,
        birth_date=stated.birth_date.isoformat(),
        documents=[{**document, "valid_to": None}],
    )


def player(authority: Authority) -> Callable[[bool], None]:
    """Plays one verification, under the law with the register or the one without."""
    # The register's look-ups of one person per day are limited.
    stated, since = person(), datetime.now(UTC) - timedelta(days=1)
    keys = {
        iin: issue(authority, iin=iin, surname=stated.surname, given_name=stated.name, at=since)
        for iin in map(iin_of, range(_PEOPLE))
    }
    lender, people, numbers = new_lender(), cycle(keys), count()

    def play(asks: bool) -> None:
        iin = next(people)
        story = begin(lender, f"bench-{next(numbers)}", iin=iin, profile=_LAWS[asks].id)
        story.answer(agreed=True, version=CURRENT, language="ru")
        work(story)
        story.answer(somebody_tells_me=False)
        work(story)
        story.sign(keys[iin])
        work(story)

    return play


if __name__ == "__main__":
    main()
