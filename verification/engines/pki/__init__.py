"""Certificates, signed statements and revocation lists: read strictly, verified without a network
or a row.
"""
