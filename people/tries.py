"""The limit on tries at the door: counted before anything is checked, so that parallel guesses
cannot slip through.
"""

from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_address, ip_network

from django.db.models import F
from django.utils.crypto import salted_hmac

from people.models import SignInTries
from people.policy import IPV6_NETWORK_BITS, SIGN_IN_TRIES, SIGN_IN_WINDOW_S
from verification import clock


def take_try(*, email: str, address: str) -> bool:
    """Whether one more try is left; takes it if so. The same for addresses nobody has an account
    with.

    The count moves in one conditional UPDATE: of any number of requests at once, `SIGN_IN_TRIES`
        get a yes.
    """
    key, now = _key(email=email, address=address), clock.now()
    SignInTries.objects.filter(started_at__lte=now - timedelta(seconds=SIGN_IN_WINDOW_S)).delete()
    # A row that is there already stays as it is, count and all: of many first tries at once one
    # makes it.
    SignInTries.objects.bulk_create([SignInTries(key=key, started_at=now)], ignore_conflicts=True)
    return (
        SignInTries.objects.filter(key=key, tries__lt=SIGN_IN_TRIES).update(tries=F("tries") + 1)
        == 1
    )


def forget_tries(*, email: str, address: str) -> None:
    """Clears the count after a sign-in, so that yesterday's typing errors do not lock anybody out
    today.
    """
    SignInTries.objects.filter(key=_key(email=email, address=address)).delete()


def _key(*, email: str, address: str) -> str:
    network = ""  # a Unix socket has no address
    with suppress(ValueError):
        parsed = ip_address(address)
        # IPv6 is cut to what one subscriber holds: whoever is refused would else take the next of
        # 2^64 addresses.
        network = str(
            parsed if parsed.version == 4 else ip_network((parsed, IPV6_NETWORK_BITS), strict=False)
        )
    account = f"{email.strip().lower()}\n{network}"
    return salted_hmac("people.tries", account, algorithm="sha256").hexdigest()
