"""One test authority kept over restarts: its keys, its revocations, and its last list's number."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final

from insecure_sandbox.authority import create_authority, issue, load_authority, save_authority
from insecure_sandbox.credential import Credential
from insecure_sandbox.minting import Authority
from insecure_sandbox.profile import Role
from insecure_sandbox.revocation_list import make_crl
from verification.engines.pki.keys import Family

FAMILIES: Final[tuple[Family, ...]] = ("gost512", "rsa")
STATES: Final = ("valid", "revoked", "expired", "unanswered")
ROLES: Final[tuple[Role, ...]] = ("individual", "legal", "auth")

_AUTHORITY_AGE: Final = timedelta(
    days=365
)  # at birth, so that an expired certificate lies within its life
_EXPIRED_AGE: Final = timedelta(days=400)  # of a certificate that is valid for 365 days
_CRL_VALID: Final = timedelta(hours=1)  # thisUpdate to nextUpdate
_CRL_REUSED: Final = timedelta(
    minutes=1
)  # a list is signed again when it is older or after a revocation
_UNANSWERED: Final = timedelta(
    seconds=10
)  # how long lists are stale after a question about an unanswered certificate
_CLOCK_SKEW: Final = timedelta(minutes=1)  # thisUpdate lies this far back


@dataclass(frozen=True, kw_only=True)
class Person:
    """The subject of a certificate, copied unchanged from the client."""

    iin: str
    surname: str
    given_name: str
    patronymic: str


class AuthorityKeeper:
    """Issues, revokes and lists for one family. Threads may share it; one process owns the
    directory.
    """

    def __init__(self, directory: Path, *, family: Family) -> None:
        """Loads the authority of this directory, or creates it there."""
        self.authority = _load_or_create(directory, family=family)
        self._register = _Register(directory / "register.json")
        self._lock = Lock()
        self._crl: tuple[datetime, bytes] | None = None
        self._unanswered: set[int] = set()
        self._stale_until = datetime.min.replace(tzinfo=UTC)

    def issue(self, person: Person, *, role: Role, state: str) -> Credential:
        """A fresh certificate with its key; `state` is one of `STATES`."""
        at = datetime.now(UTC)
        credential = issue(
            self.authority,
            iin=person.iin,
            surname=person.surname,
            given_name=person.given_name,
            patronymic=person.patronymic,
            at=at - _EXPIRED_AGE if state == "expired" else at,
            role=role,
        )
        if state == "revoked":
            self.revoke(credential.serial)
        elif state == "unanswered":
            with self._lock:
                self._unanswered.add(credential.serial)
        return credential

    def is_unanswered(self, serial: int) -> bool:
        """Whether this certificate gets no answer: neither from the responder, nor from the list
        fetched then.
        """
        with self._lock:
            if serial not in self._unanswered:
                return False
            self._stale_until = datetime.now(UTC) + _UNANSWERED
            return True

    def revoke(self, serial: int) -> None:
        """Puts a serial number on every list from now on; a second call changes nothing."""
        with self._lock:
            self._register.revoke(serial, at=datetime.now(UTC) - _CLOCK_SKEW)
            self._crl = None

    def revoked_at(self, serial: int) -> datetime | None:
        """Since when this serial number is on the lists, None if absent."""
        return self._register.revoked.get(serial)

    def delta_crl(self) -> bytes:
        """Every revocation as a delta to the first list, so that it fits each later one."""
        this_update = datetime.now(UTC) - _CLOCK_SKEW
        with self._lock:
            return self._sign_crl(this_update=this_update, base_number=1)

    def root_crl(self) -> bytes:
        """The root's list, without any authority."""
        this_update = datetime.now(UTC) - _CLOCK_SKEW
        return make_crl(
            self.authority,
            revoked={},
            number=1,
            this_update=this_update,
            next_update=this_update + _CRL_VALID,
            by=self.authority.root,
        )

    def crl(self) -> bytes:
        """The current list, DER; yesterday's for a while after a question about an unanswered
        certificate.
        """
        at = datetime.now(UTC)
        if at < self._stale_until:
            return self.stale_crl()
        with self._lock:
            if self._crl is None or at - self._crl[0] > _CRL_REUSED:
                self._crl = (at, self._sign_crl(this_update=at - _CLOCK_SKEW))
            return self._crl[1]

    def stale_crl(self) -> bytes:
        """A list whose nextUpdate passed a day ago, validly signed and numbered."""
        with self._lock:
            return self._sign_crl(this_update=datetime.now(UTC) - timedelta(days=1) - _CRL_VALID)

    def _sign_crl(self, *, this_update: datetime, base_number: int | None = None) -> bytes:
        return make_crl(
            self.authority,
            revoked=self._register.revoked,
            number=self._register.next_number(),
            this_update=this_update,
            next_update=this_update + _CRL_VALID,
            base_number=base_number,
        )


class _Register:
    """State that must outlive the process, in one JSON file that is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        stored: dict[str, Any] = (
            json.loads(path.read_text()) if path.exists() else {"crl_number": 0, "revoked": {}}
        )
        self._number: int = stored["crl_number"]
        self._revoked = {
            int(serial, 16): datetime.fromisoformat(at) for serial, at in stored["revoked"].items()
        }

    @property
    def revoked(self) -> Mapping[int, datetime]:
        return self._revoked

    def revoke(self, serial: int, *, at: datetime) -> None:
        self._revoked.setdefault(serial, at)
        self._keep()

    def next_number(self) -> int:
        self._number += 1
        self._keep()
        return self._number

    def _keep(self) -> None:
        revoked = {f"{serial:x}": at.isoformat() for serial, at in self._revoked.items()}
        successor = self._path.with_suffix(".new")
        successor.write_text(json.dumps({"crl_number": self._number, "revoked": revoked}))
        os.replace(successor, self._path)


def _load_or_create(directory: Path, *, family: Family) -> Authority:
    if directory.exists():
        return load_authority(directory)
    authority = create_authority(family, at=datetime.now(UTC) - _AUTHORITY_AGE)
    # Under another name first: a killed process leaves no partial authority.
    unfinished = directory.with_name(f"{directory.name}.{os.getpid()}.unfinished")
    save_authority(authority, unfinished)
    os.replace(unfinished, directory)
    return authority
