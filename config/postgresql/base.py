"""Whether a kept connection still lives, without a statement: a web process would ask once a request.

A server that ended a connection has sent its end, which waits in the socket to be read. Where nothing waits, the
connection is as good as one that has just answered; where something does, it is asked as Django does.
"""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own but for one question."""

    def is_usable(self) -> bool:
        """Whether the connection can be used."""
        if self.connection is None or self.connection.closed:
            return False
        # Not `select.select`: that knows no file descriptor above 1 023.
        socket = select.poll()
        socket.register(self.connection.fileno(), select.POLLIN)
        return super().is_usable() if self.errors_occurred or socket.poll(0) else True
