"""Gives each test that commits a database as the migrations left it.

Django's own `flush` empties the tables as the user who is connected. Ours may not: the
application's role has no right to, triggers forbid it, and rows that migrations made would be gone.
So the migrated database is copied anew instead, or on PostgreSQL, where a copy is dear, its owner
removes the rows.
"""
