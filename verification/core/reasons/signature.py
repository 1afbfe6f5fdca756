"""Why a signature was refused, at the door of eGov Mobile too."""

from verification.core.reasons.reason import OUR_FAULT, Reason, gettext_noop

_SIGN_AGAIN = gettext_noop(
    "The signature could not be accepted. Sign the statement again with your own key."
)
_OWN_KEY = gettext_noop(
    "Choose the signing key (GOST or RSA) issued to you personally by the NCA RK, and sign again."
)

TABLE = (
    Reason(
        "eds_malformed",
        _SIGN_AGAIN,
        "Neither a CMS SignedData nor signed XML we can read.",
        burns=True,
    ),
    Reason(
        "eds_too_large",
        _SIGN_AGAIN,
        "The signature exceeds the size limit of the policy.",
        burns=True,
    ),
    Reason("eds_signer_count", _SIGN_AGAIN, "Exactly one signer is required.", burns=True),
    Reason(
        "eds_certificate_missing",
        _SIGN_AGAIN,
        "The signer's certificate is not in the signature.",
        burns=True,
    ),
    Reason(
        "eds_algorithm_refused",
        _OWN_KEY,
        "An algorithm outside the profile, or of another family.",
        burns=True,
    ),
    Reason(
        "eds_signed_attributes_invalid",
        _SIGN_AGAIN,
        "Signed attributes or reference are wrong.",
        burns=True,
    ),
    Reason(
        "eds_statement_mismatch",
        gettext_noop(
            "The signature belongs to another text. Read the statement on this page and sign it"
            " again."
        ),
        "The digest is not that of the statement kept for this attempt.",
        burns=True,
    ),
    Reason(
        "eds_signature_invalid", _SIGN_AGAIN, "The signature value does not verify.", burns=True
    ),
    Reason(
        "eds_signature_replayed",
        _SIGN_AGAIN,
        "The same signature was presented before.",
        burns=True,
    ),
    Reason(
        "eds_path_untrusted",
        _OWN_KEY,
        "No path from the certificate to a pinned anchor.",
        burns=True,
    ),
    Reason(
        "eds_certificate_expired",
        gettext_noop(
            "Your key has expired. Get a new one from the NCA RK, or sign with another valid key of"
            " yours."
        ),
        "The certificate, or one above it, had expired.",
        burns=True,
    ),
    Reason(
        "eds_certificate_not_yet_valid", _OWN_KEY, "The certificate is not valid yet.", burns=True
    ),
    Reason(
        "eds_key_usage",
        _OWN_KEY,
        "Not a signing certificate (keyUsage, EKU or policy).",
        burns=True,
    ),
    Reason("eds_policy_refused", _OWN_KEY, "No certificate policy that we accept.", burns=True),
    Reason(
        "eds_not_individual",
        _OWN_KEY,
        "The certificate is not of a person acting personally.",
        burns=True,
    ),
    Reason("eds_iin_missing", _OWN_KEY, "The subject has no single well-formed IIN.", burns=True),
    Reason(
        "eds_iin_mismatch",
        gettext_noop(
            "This key belongs to another person. Only the person who asked for the loan may sign."
        ),
        "The IIN of the certificate is not the borrower's.",
        burns=True,
    ),
    Reason(
        "eds_certificate_revoked",
        gettext_noop(
            "This key was revoked and will be refused again. Sign with another valid key of yours,"
            " or get a new one on egov.kz or at a public service centre."
        ),
        "The certificate is revoked or on hold.",
        burns=True,
    ),
    Reason(
        "eds_revocation_unknown",
        OUR_FAULT,
        "No fresh, verified revocation list; tried again.",
        retry=True,
    ),
    Reason(
        "eds_statement_expired", _SIGN_AGAIN, "The statement had expired when the signature came."
    ),
    Reason(
        "eds_issuer_revoked",
        _OWN_KEY,
        "The authority that issued the certificate is itself revoked.",
        burns=True,
    ),
    Reason(
        "eds_timestamp_unavailable",
        OUR_FAULT,
        "No usable time-stamp of our authority; tried again.",
        retry=True,
    ),
    Reason(
        "eds_surname_differs",
        gettext_noop("Your key spells your surname otherwise. That changes nothing here."),
        "The certificate spells the surname otherwise than the lender; it decides nothing.",
        remark=True,
    ),
    # eGov Mobile: refused at the door, so that nothing was taken and no attempt is touched
    Reason(
        "egov_document_altered",
        gettext_noop(
            "The app sent back another document than the one on this page. Nothing was taken"
            " from it."
        ),
        "The document that eGov Mobile returned differs from the one it was given.",
    ),
    Reason(
        "egov_answer_malformed",
        gettext_noop("The app's answer could not be read. Nothing was taken from it."),
        "What eGov Mobile sent is not the document it was given with a signature in its place.",
    ),
)
