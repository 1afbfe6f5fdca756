"""Certificates, signed statements and revocation lists: strict parsing and verification, without
network or rows.
"""
