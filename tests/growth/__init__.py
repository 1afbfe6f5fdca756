"""What stays quick however many verifications there are: every hot query, asked of a generated
database.

`database` fills one from cases that the product itself played, `asked` calls the product's own
functions on it, `plans` catches the statements they send and has PostgreSQL explain each, and
`test_growth` says what an explanation must be.
"""
