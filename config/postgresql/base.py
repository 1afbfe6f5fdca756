"""Django's own backend without two costs: a query per request, and a second index for each indexed
text.

The liveness of a kept connection is known without a statement.
A server that closed a connection has sent its end, which waits in the socket.
If nothing waits there, the connection is as good as after an answer; otherwise Django's query
decides.
"""

import select
from typing import Any

from django.db.backends.postgresql import base, schema


class SchemaEditor(schema.DatabaseSchemaEditor):
    """Makes no index for LIKE: ids and hashes are always matched whole."""

    def _create_like_index_sql(self, *_: Any) -> None:
        return None


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks its usability without a statement, and uses the editor above."""

    SchemaEditorClass = SchemaEditor

    def is_usable(self) -> bool:
        """Whether the connection can be used."""
        if self.connection is None or self.connection.closed:
            return False
        # Not `select.select`, which supports no file descriptor above 1 023.
        socket = select.poll()
        socket.register(self.connection.fileno(), select.POLLIN)
        return super().is_usable() if self.errors_occurred or socket.poll(0) else True
