"""Django's PostgreSQL backend, which checks a connection by its socket instead of a query."""
