"""Sessions of the people who sign in: the table holds no key that opens one.

The cookie has the session's key, the row its SHA-256. The row's data are signed for that hash, so
they are worth nothing in another row.
Source: OWASP ASVS 5.0, 7.2; docs/security/processes.md.
"""

from datetime import timedelta
from typing import Any

from django.contrib.sessions.backends import db

from verification import clock
from verification.core.ids import secret_digest


class SessionStore(db.SessionStore):
    """Django's store in the database, with hashed keys."""

    @property
    def key_salt(self) -> str:
        """The context of the data's signature: this row."""
        return f"people.sessions.{_digest(self.session_key or '')}"

    def load(self) -> dict[str, Any]:
        """The data of the session with this key; empty if absent, expired or of another row."""
        rows = self.model.objects.filter(session_key=_digest(self.session_key or ""))
        row = rows.filter(expire_date__gt=clock.now()).first()
        if row is None:
            self._session_key = None  # as Django does, so that no visitor chooses a key
            return {}
        data: dict[str, Any] = self.decode(row.session_data)
        return data

    def exists(self, session_key: str) -> bool:
        """Whether a session has this key."""
        return super().exists(_digest(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """The row of this session, not saved."""
        row = super().create_model_instance(data)
        row.session_key = _digest(row.session_key)
        row.expire_date = clock.now() + timedelta(seconds=self.get_expiry_age())
        return row

    def delete(self, session_key: str | None = None) -> None:
        """Deletes the session with this key, by default this one."""
        key = session_key or self.session_key
        if key is not None:
            super().delete(_digest(key))


def _digest(session_key: str) -> str:
    """The first 160 bits of the key's SHA-256 in hexadecimal: Django's column has 40 characters."""
    return secret_digest(session_key).hex()[:40]
