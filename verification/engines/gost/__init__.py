"""The signature algorithms of the national certification authority, in pure Python."""
