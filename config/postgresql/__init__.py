"""Django's PostgreSQL backend, which looks at a socket instead of asking a connection whether it
lives.
"""
