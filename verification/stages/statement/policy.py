"""Every number and list a signature is judged by. Reviewed 2026-11-24."""

from dataclasses import dataclass

# The row of a check that was left out on purpose: see `StatementPolicy.not_asked`.
NOT_ASKED = {"outcome": "NOT_ASKED", "status": "", "sub_indication": "", "code": "", "detail": {}}


@dataclass(frozen=True)
class StatementPolicy:
    """What an acceptable signature is. Lists of OIDs: eds.md §1, measured on certificates of the
    NCA RK.
    """

    version: str = "eds-2026-11-28"
    # Time from showing the statement to the signature, seconds. Ours: long enough to find a key and
    # its password.
    statement_seconds: int = 15 * 60
    # How many signatures may fail before the verification is declined. api.md §1.
    attempts: int = 3
    # How often an attempt's statement may be written anew in another language. Ours: each is work
    # of a worker.
    language_changes: int = 5
    # One CMS or XML with a certificate and a statement inside is 3 or 6 KB; ours: sixteen or eight
    # times that.
    signature_max_bytes: int = 48 * 1024
    # One list, bytes. Measured on lists of the NCA: 39 to 53 bytes a serial; ours: a million of
    # them, and room.
    crl_max_bytes: int = 64 * 1024 * 1024
    # One answer of a responder, bytes. Measured: 1.3 KiB; ours: room for a chain of RSA
    # certificates, four times over.
    ocsp_max_bytes: int = 32 * 1024
    # How old a responder's answer may be, seconds. eds.md §1: the NCA sends no nextUpdate, so the
    # age is ours to limit.
    ocsp_max_age_seconds: int = 5 * 60
    # How far the clocks of the NCA may be ahead of ours, seconds. Ours: clocks kept by NTP differ
    # by far less.
    clock_skew_seconds: int = 60
    # One time-stamp token or the answer it comes in, bytes. Ours: a real one has about 4 KiB.
    timestamp_max_bytes: int = 32 * 1024
    # Policies of time-stamp authorities: RSA, GOST 2015 and the two of GOST 2004. eds.md §1.
    timestamp_policies: tuple[str, ...] = (
        "1.2.398.3.3.2.6.1",
        "1.2.398.3.3.2.6.2",
        "1.2.398.3.3.2.6.3",
        "1.2.398.3.3.2.6.4",
    )
    # Whether we ask the configured authority for a time-stamp of every signature, and wait for one
    # that holds. Ours: no, because our signed log proves the time as well. A token that the
    # signer's program added is a proof if it holds, and none if it does not; it refuses nobody.
    asks_timestamp: bool = False
    # Whether a revocation after the time-stamp lets the signature pass. eds.md §6: no, for the
    # money leaves after it.
    accepts_later_revocation: bool = False
    # Whether a time-stamp counts while nobody can tell if its authority is revoked; one that is
    # known to be never does. EN 319 102-1 §5.6.3: no. A pinned authority is not asked about.
    # `verify_eds` says yes where old answers do.
    accepts_unknown_timestamp_revocation: bool = False
    # Checks that a report leaves out; for `manage.py verify_eds`, which judges files. A
    # verification needs all of them whatever stands here: the judgement asks every check of the
    # stage.
    not_asked: tuple[str, ...] = ()
    # Whether an organisation, its employee or an information system may sign; for `verify_eds`.
    # Law: only the borrower.
    accepts_any_role: bool = False
    # Whether an anchor is trusted after its own last day; for `verify_eds` on old signatures.
    accepts_expired_anchors: bool = False

    # Extended key usages the signer's program is asked for: signing, and the role of a natural
    # person.
    extended_key_usages: tuple[str, ...] = ("1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.1")
    # Signing policies of natural persons: before 2022, and the one for all since.
    certificate_policies: tuple[str, ...] = ("1.2.398.3.3.2.3", "1.2.398.3.3.2")


POLICY = StatementPolicy()
