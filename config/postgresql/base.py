"""Django's own backend but for two costs: a question once a request, and a second index of each
text that has one.

Whether a kept connection still lives is known without a statement. A server that ended a connection
has sent its end, which waits in the socket to be read. Where nothing waits, the connection is as
good as one that has just answered; where something does, it is asked as Django does.
"""

import select
from typing import Any

from django.db.backends.postgresql import base, schema


class SchemaEditor(schema.DatabaseSchemaEditor):
    """Makes no index for LIKE: ids and hashes are asked for whole, never by how they begin."""

    def _create_like_index_sql(self, *_: Any) -> None:
        return None


class DatabaseWrapper(base.DatabaseWrapper):
    """Is asked whether it can be used without a statement, and makes tables by the editor above."""

    SchemaEditorClass = SchemaEditor

    def is_usable(self) -> bool:
        """Whether the connection can be used."""
        if self.connection is None or self.connection.closed:
            return False
        # Not `select.select`: that knows no file descriptor above 1 023.
        socket = select.poll()
        socket.register(self.connection.fileno(), select.POLLIN)
        return super().is_usable() if self.errors_occurred or socket.poll(0) else True
