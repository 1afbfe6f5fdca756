"""Every number and list of the signature. Reviewed 2026-11-24."""

from dataclasses import dataclass

# The row of a check that was left out on purpose: see `StatementPolicy.not_asked`.
NOT_ASKED = {"outcome": "NOT_ASKED", "status": "", "sub_indication": "", "code": "", "detail": {}}


@dataclass(frozen=True)
class StatementPolicy:
    """Requirements on a signature. Lists of OIDs: from certificates of the NCA RK."""

    version: str = "eds-2026-11-28"
    # Time from showing the statement to the signature, seconds. Ours: enough to find a key and its
    # password.
    statement_seconds: int = 15 * 60
    # Failed signatures before the verification is declined. Ours.
    attempts: int = 3
    # How often an attempt's statement may be rewritten in another language. Ours: each is a
    # worker's step.
    language_changes: int = 5
    # A CMS or XML with a certificate and a statement has 3 or 6 KB; ours: sixteen or eight times
    # that.
    signature_max_bytes: int = 48 * 1024
    # One list, bytes. Measured on lists of the NCA: 39 to 53 bytes a serial; ours: a million of
    # them, and room.
    crl_max_bytes: int = 64 * 1024 * 1024
    # A responder's answer, bytes. Measured: 1.3 KiB; ours: room for a chain of RSA certificates,
    # four times over.
    ocsp_max_bytes: int = 32 * 1024
    # Maximum age of a responder's answer, seconds. The NCA sends no nextUpdate, so we
    # limit the age.
    ocsp_max_age_seconds: int = 5 * 60
    # How far the NCA's clocks may be ahead of ours, seconds. Ours: clocks kept by NTP differ by far
    # less.
    clock_skew_seconds: int = 60
    # A time-stamp token or its answer, bytes. Ours: a real one has about 4 KiB.
    timestamp_max_bytes: int = 32 * 1024
    # Policies of time-stamp authorities of the NCA RK: RSA, GOST 2015 and the two of GOST 2004.
    timestamp_policies: tuple[str, ...] = (
        "1.2.398.3.3.2.6.1",
        "1.2.398.3.3.2.6.2",
        "1.2.398.3.3.2.6.3",
        "1.2.398.3.3.2.6.4",
    )
    # Whether we request a time-stamp of every signature from the configured authority, and require
    # it to be valid. Ours:
    # no, because our signed log proves the time as well. A valid token from the signer's program is
    # a proof; an invalid one proves nothing and refuses nothing.
    asks_timestamp: bool = False
    # Whether a signature passes despite a revocation after the time-stamp. No, because
    # the payout comes later.
    accepts_later_revocation: bool = False
    # Whether a time-stamp counts while its authority's revocation is unknown; a known revocation
    # never does. EN 319 102-1 §5.6.3: no. A pinned authority is not asked about. `verify_eds` says
    # yes where old answers do.
    accepts_unknown_timestamp_revocation: bool = False
    # Checks that a report leaves out; for `manage.py verify_eds`, which judges files. A
    # verification always requires all: the judgement runs every check of the stage.
    not_asked: tuple[str, ...] = ()
    # Whether an organisation, its employee or an information system may sign; for `verify_eds`.
    # Law: only the borrower.
    accepts_any_role: bool = False
    # Whether an anchor is trusted after its last day; for `verify_eds` on old signatures.
    accepts_expired_anchors: bool = False

    # Extended key usages for the signer's program: signing, and the role of a natural person.
    extended_key_usages: tuple[str, ...] = ("1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.1")
    # Signing policies of natural persons: before 2022, and one for all later ones.
    certificate_policies: tuple[str, ...] = ("1.2.398.3.3.2.3", "1.2.398.3.3.2")


POLICY = StatementPolicy()
