"""Grants PostgreSQL's application role the minimum rights. Run by the owner after `migrate`."""

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection, transaction
from psycopg import sql

from verification.core.errors import Misconfigured

# Write-once rows. Tiles grow until they are full, pending entries are deleted, the head moves.
_APPEND_ONLY = (
    "verification_auditentry",
    "verification_auditleaf",
    "verification_auditcheckpoint",
    "verification_receipt",
    "verification_reviewvote",
)
# Written by migrations only.
_READ_ONLY = ("django_migrations",)


class Command(BaseCommand):
    """Safe to repeat: earlier grants are revoked first."""

    help = (
        "Grant the application's role (the user of DATABASE_URL) its rights on the tables."
        " PostgreSQL only."
    )

    def handle(self, **_: object) -> None:
        """Revokes all rights, then grants by table."""
        if connection.vendor != "postgresql":
            self.stdout.write("SQLite has no roles: nothing to grant")
            return
        role = settings.TULGA_APPLICATION_ROLE
        if not role or role == connection.settings_dict["USER"]:
            raise Misconfigured(
                "MIGRATION_DATABASE_URL and DATABASE_URL must name two different roles"
            )
        to = sql.Identifier(role)
        with transaction.atomic(), connection.cursor() as cursor:
            tables = connection.introspection.table_names(cursor)
            # Sequences are granted as a whole: they hold no data.
            schema = sql.SQL(
                "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {0}; "
                "GRANT USAGE ON SCHEMA public TO {0}; "
                "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {0}"
            ).format(to)
            cursor.execute(schema.as_string(connection.connection))
            for table in tables:
                rights = "SELECT, INSERT, UPDATE, DELETE"
                if table in _READ_ONLY:
                    rights = "SELECT"
                elif table in _APPEND_ONLY:
                    rights = "SELECT, INSERT"
                # Names cannot be parameters of a statement: `Identifier` quotes them.
                grant = sql.SQL("GRANT {} ON {} TO {}").format(
                    sql.SQL(rights), sql.Identifier(table), to
                )
                cursor.execute(grant.as_string(connection.connection))
        self.stdout.write(f"granted: {len(tables)} tables to {role}")
