"""The proof that what is changed behind the log's back is found: `make prove PART=tampering`.

`world` plays honest verifications of every kind; `hands` are those who change rows and files,
`changes` what they do, `reader` is `audit_verify` and one checkpoint that was kept outside;
`record` counts.
"""
