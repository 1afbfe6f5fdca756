"""Numbers for signing in, each with its unit and source. Reviewed 2026-11-24."""

# Wrong tries of one account from one network before a pause of one window: count and seconds. OWASP
# ASVS 5.0 6.3.1 requires a limit and leaves the number open; five leave room for a mistyped code.
SIGN_IN_TRIES = 5
SIGN_IN_WINDOW_S = 15 * 60

# A session ends after this long without a request, and after this long in any case, seconds. NIST
# SP 800-63B-3 §4.2.3 (AAL2): 30 minutes of inactivity, 12 hours in all; a working day is 8 hours.
SESSION_IDLE_S = 30 * 60
SESSION_LIFETIME_S = 8 * 60 * 60

# Minimum interval of writes of the last request's time, seconds; a session may end this much early,
# never late.
SESSION_STAMP_S = 60

# Longest password read, characters: NIST SP 800-63B-3 §5.1.1.2 asks for at least 64.
PASSWORD_MAX_LENGTH = 256

# Requests of a web process that hash a password or wait for it, and the niceness of the thread that
# hashes. Ours: of its four threads two stay free, and its hashes yield to every other thread.
HASHING_PLACES = 2
HASHING_NICENESS = 10
NICENESS_MAX = 19  # of a thread; source: sched(7)

# Random bytes in a generated password: 120 bits cannot be guessed, 20 characters can be typed.
GENERATED_PASSWORD_BYTES = 15

# A TOTP code (RFC 6238, what every authenticator app shows): digits, seconds of a step, bytes of
# the key (RFC 4226 §4 recommends 160 bits). For slow clocks, so many steps around now count, too.
CODE_DIGITS = 6
CODE_SECONDS = 30
CODE_KEY_BYTES = 20
CODES_AROUND = 1

# Bytes of the salt in the commitment to a person's address and name: 128 bits cannot be guessed.
SALT_BYTES = 16

# Passkeys of a person: ours, enough for each device and a spare one. Bytes of a challenge: WebAuthn
# Level 2 §13.4.3 asks for at least 16. Seconds of the session in which it waits for a sign-in.
PASSKEYS_MAX = 10
CHALLENGE_BYTES = 32
CHALLENGE_SESSION_S = 10 * 60

# Random bytes in the code of an invitation, and days in which it counts. NIST SP 800-63B-3 §5.1.2.2
# asks for 112 bits where no try is counted; a week leaves room for a holiday.
INVITATION_BYTES = 16
INVITATION_DAYS = 7
