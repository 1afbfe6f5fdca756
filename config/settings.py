"""Django's settings, and Tulga's own in one block at the end. No secret has a default: see
`key_files.py`.
"""

from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config import env, imprint, sources
from config.key_files import read_keys, readable_beside
from verification.core.certificates import PROCESSES

BASE_DIR = Path(__file__).resolve().parent.parent
_VAR = env.folder("TULGA_VAR_DIR", BASE_DIR / "var")
env.make_folder("TULGA_VAR_DIR", _VAR)
_PUBLIC_URL = env.url("TULGA_PUBLIC_URL", "http://localhost:8000")
_PUBLIC = urlsplit(_PUBLIC_URL)
_IS_HTTPS = _PUBLIC.scheme == "https"
_IS_LOCAL = _PUBLIC.hostname in ("127.0.0.1", "localhost", "::1")
TULGA_KEYS_DIR = env.folder("TULGA_KEYS_DIR", _VAR / "keys")
TULGA_PROCESS = env.process()
_KEYS = read_keys(TULGA_KEYS_DIR, process=TULGA_PROCESS)

# Django
# --------------------------------------------------------------------------------------------------
DEBUG = env.flag("TULGA_DEBUG", default=False)
SECRET_KEY = _KEYS.secret_key  # empty without a key: Django then refuses its use
ALLOWED_HOSTS = [
    _PUBLIC.hostname or "",
    *env.comma_separated("TULGA_ALLOWED_HOSTS", ["127.0.0.1", "localhost"] if _IS_LOCAL else []),
]
AUTH_USER_MODEL = "people.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False  # a redirect would drop the body of a post

INSTALLED_APPS = [
    "operators.apps.OperatorAdminConfig",  # the admin site, behind both factors
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_otp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "config",
    "people.apps.PeopleConfig",
    "operators.apps.OperatorsConfig",
    "lenders",
    "verification",
]
MIDDLEWARE = [
    "config.middleware.CallerAddressMiddleware",
    "config.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.static_files.StaticFiles",
    "config.middleware.PageMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.LocalNameMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "config.page_problems.PageProblems",
    "config.middleware.BodyLimitMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "people.sessions.SessionMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# The owner's role changes tables, the application's role works on rows: `manage.py` selects one per
# process.
DATABASES = {
    "default": dj_database_url.parse(
        env.database_url(f"sqlite:///{_VAR / 'tulga.sqlite3'}"),
        conn_max_age=600,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["OPTIONS"] = {
        # A transaction takes the write lock at its start: one that began as a reader could only
        # fail, not wait.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,  # seconds a writer waits for the others
        # FULL: in WAL mode only this keeps an acknowledged commit over a power loss.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY"
        ),
    }
else:
    DATABASES["default"]["ENGINE"] = "config.postgresql"
    # A host without power never answers: a process would wait two minutes to connect, and a quarter
    # of an hour for an answer. Options in the address take precedence.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 10,  # seconds, as the next three; the last is in milliseconds
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,
        # The same statements recur: from the third time on a connection sends their values only,
        # and the server keeps its plan if that is no worse than a new one. Planning was a third of
        # its work.
        "server_side_binding": True,
        "prepare_threshold": 2,
        # The same on the server's side: a vanished host keeps no row locked, and a wait for a lock
        # ends. A step holds no transaction longer than its limit of 25 s.
        "options": "-c idle_in_transaction_session_timeout=60s -c lock_timeout=30s",
        **DATABASES["default"].get("OPTIONS", {}),
    }
TULGA_PROCESS_ROLES = env.process_roles("TULGA_PROCESS_ROLES", PROCESSES)  # empty: one for all
TULGA_APPLICATION_ROLE = urlsplit(env.application_role_url("sqlite://")).username or ""  # that one

PASSWORD_HASHERS = [
    "people.hashing.PooledScryptHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "people:login"
LOGIN_REDIRECT_URL = "/"
OTP_TOTP_ISSUER = "Tulga"

# Languages: the source texts are English; a page uses the verification's language, else the
# browser's.
LANGUAGE_CODE = "en"
LANGUAGES = [("kk", _("Kazakh")), ("ru", _("Russian")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"  # of processes; people read Astana's time, see config/middleware.py
FORMAT_MODULE_PATH = "config.formats"

# config/static_files.py gathers the files here when a web server starts; they are served under
# hashed names only.
STATIC_URL = "/static/"
STATIC_ROOT = env.folder("TULGA_STATIC_DIR", _VAR / "static") / "served"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Limits of a request, bytes and fields. Ours: sixteen times the largest opening.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100
DATA_UPLOAD_MAX_NUMBER_FILES = 50  # a part of a capture has 44 at most
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler"
]  # content is sealed before any file is written

# Pages' headers
# --------------------------------------------------------------------------------------------------
# A page that talks to NCALayer adds it with django-csp's `csp_update({"connect-src":
# [settings.TULGA_NCALAYER_URL]})`.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
# Not "no-referrer": browsers would then post our own forms with `Origin: null`, which the CSRF
# check must refuse.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_SSL_REDIRECT = _IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]  # called on loopback, without TLS
SECURE_HSTS_SECONDS = 31_536_000 if _IS_HTTPS else 0  # a year
SECURE_HSTS_INCLUDE_SUBDOMAINS = _IS_HTTPS
SECURE_HSTS_PRELOAD = _IS_HTTPS
# Only if an operator's proxy ends TLS and overwrites this header, because otherwise anyone could
# send it.
if env.flag("TULGA_BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Only these may say in X-Forwarded-For for whom they ask.
TULGA_TRUSTED_PROXIES = env.networks("TULGA_TRUSTED_PROXIES")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _IS_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "people.session_store"
AUTHENTICATION_BACKENDS = ["people.backend.OnRecord"]
SESSION_COOKIE_AGE = 8 * 3600  # seconds: a working day
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_TRUSTED_ORIGINS = [_PUBLIC_URL]
CSRF_FAILURE_VIEW = "config.page_problems.csrf_failure"

# The lenders' door
# --------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["lenders.keys.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["lenders.keys.HasKey"],
    "DEFAULT_PARSER_CLASSES": ["lenders.requests.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "lenders.problems.handle",
    "UNAUTHENTICATED_USER": None,
}
# lenders/openapi.py makes the document and its tests check it; here is how it is served. The
# library's own deployment check would look at another document.
SPECTACULAR_SETTINGS = {
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "config.log_lines.LineFormatter"}},
    "filters": {
        "rounds": {"()": "config.log_lines.OncePerMinute"},
        "answers": {"()": "config.log_lines.OwnAnswers"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["rounds"]}
    },
    "root": {
        "handlers": ["stderr"],
        "level": env.choice("TULGA_LOG_LEVEL", env.LOG_LEVELS, "INFO"),
    },
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.request": {"filters": ["answers"]},
        # An unknown host is answered, and says nothing about us.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        **{
            name: {"level": "ERROR"} for name in ("httpcore", "httpx", "urllib3")
        },  # they log whole addresses
        # Wake-up messages are no news: the verification's log has the work. Failures are logged.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}

# The rest of Celery's configuration, which the operator does not choose, is in config/celery.py.
_BROKERS = ("filesystem", "redis", "rediss", "amqp", "amqps")
CELERY_BROKER_URL = env.url("CELERY_BROKER_URL", "filesystem://localhost", schemes=_BROKERS)

# Tulga
# --------------------------------------------------------------------------------------------------
TULGA_VAR_DIR = _VAR
TULGA_PUBLIC_URL = _PUBLIC_URL
TULGA_OPERATOR = imprint.read()  # the operator of this address, for /about
TULGA_BELL_DIR = env.folder(
    "TULGA_BELL_DIR", _VAR / "bell"
)  # where the filesystem broker keeps its messages
if CELERY_BROKER_URL.startswith("filesystem:"):
    env.make_folder("TULGA_BELL_DIR", TULGA_BELL_DIR)
# For the web server: config/gunicorn_settings.py. Read here, so that defects are reported as
# everywhere.
TULGA_BIND = env.text("TULGA_BIND", "127.0.0.1:8000")
TULGA_WEB_WORKERS = env.number("TULGA_WEB_WORKERS", 2, least=1)
TULGA_WEB_THREADS = env.number("TULGA_WEB_THREADS", 4, least=1)
TULGA_EVIDENCE_DIR = env.folder("TULGA_EVIDENCE_DIR", _VAR / "evidence")
# The face net in use; see docs/operator/faces.md. `manage.py build_face_model` makes the models.
TULGA_FACE_BACKEND = env.text("TULGA_FACE_BACKEND", "sface-onnx")
TULGA_FACE_MODELS_DIR = env.folder("TULGA_FACE_MODELS_DIR", _VAR / "models")
TULGA_FACE_MODEL = env.file(
    "TULGA_FACE_MODEL"
)  # the description of an operator's own net, for onnx-custom
TULGA_FACE_CALIBRATION = env.file(
    "TULGA_FACE_CALIBRATION"
)  # of calibrate_faces, instead of the shipped one
TULGA_PASSIVE_DETECTOR = env.file(
    "TULGA_PASSIVE_DETECTOR"
)  # the description of an operator's attack detector
TULGA_LOG_HEAD_DIR = env.folder(
    "TULGA_LOG_HEAD_DIR", _VAR / "log_head"
)  # the last signed size, outside the database
TULGA_LOG_ORIGIN = env.text(
    "TULGA_LOG_ORIGIN", f"{_PUBLIC.hostname}/log"
)  # each mode's log appends its mode
TULGA_NCALAYER_URL = "wss://127.0.0.1:13579"
# How a phone opens eGov Mobile (CLAIMED: as public integrations do); and whether eGov has listed
# our host.
TULGA_EGOV_MOBILE_LINK = env.text(
    "TULGA_EGOV_MOBILE_LINK", "https://m.egov.kz/mobileSign/?link={address}"
)
TULGA_LIVE_EGOV_MOBILE = env.flag("TULGA_LIVE_EGOV_MOBILE", default=False)

# Live keys need one complete live set of sources, anchors and keys; the default has none.
TULGA_MODES_LIVE = env.flag("TULGA_MODES_LIVE", default=False)
TULGA_ROUTES = ["eds", "biometric", "live_face", "renewal"]
TULGA_SANDBOX_URL = env.url("TULGA_SANDBOX_URL", "http://127.0.0.1:8310")
TULGA_SOURCES: dict[str, dict[str, dict[str, object]]] = {
    "test": {
        "trust_anchors": {
            "directory": env.folder("TULGA_TEST_TRUST_ANCHORS", _VAR / "anchors" / "test")
        },
        **sources.at_sandbox(TULGA_SANDBOX_URL),
    },
    "live": {
        "trust_anchors": {
            "directory": env.folder("TULGA_LIVE_TRUST_ANCHORS", _VAR / "anchors" / "live")
        }
    },
}
# The sources of live verifications, none while live mode is off; its certificates may be installed
# and read before.
if TULGA_MODES_LIVE:
    TULGA_SOURCES["live"] |= sources.named_live()
# Hosts that test endpoints may use although they are private or without TLS, such as
# 127.0.0.1:9100.
TULGA_WEBHOOK_TEST_HOSTS = env.comma_separated("TULGA_WEBHOOK_TEST_HOSTS")

# Keys of this process by number (the highest is the newest), mode, or kind. Public keys: those to
# which secrets of webhooks and keys of evidence are sealed, and those that the root certified.
# Names of its own uncertified keys, of others' keys that it could read, and of those made by
# `make demo`.
TULGA_KEY_ENCRYPTION_KEYS = _KEYS.encryption
TULGA_INDEX_KEYS = _KEYS.index
TULGA_WEBHOOK_KEYS = _KEYS.webhook
TULGA_WEBHOOK_PUBLIC_KEYS = _KEYS.webhook_public
TULGA_EVIDENCE_KEYS = _KEYS.evidence
TULGA_EVIDENCE_PUBLIC_KEYS = _KEYS.evidence_public
TULGA_CODE_KEYS = _KEYS.code
TULGA_LOG_KEYS = {mode: seeds[0] for mode, seeds in _KEYS.signing.get("log", {}).items()}
TULGA_DOCUMENT_KEYS = _KEYS.signing.get("document", {})
TULGA_SIGNING_KEYS = {
    kind: _KEYS.signing.get(kind, {}) for kind in ("decision", "door", "sender", "log")
}
TULGA_ROOT = _KEYS.root
TULGA_CERTIFIED = _KEYS.certified
TULGA_UNCERTIFIED_KEYS = _KEYS.uncertified
TULGA_OTHERS_KEYS = readable_beside(TULGA_KEYS_DIR, process=TULGA_PROCESS)
TULGA_KEYS_MADE_BY_DEMO = _KEYS.made_by_demo

STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.InMemoryStorage"
    },  # files may be stored in evidence only
    "staticfiles": {"BACKEND": "config.static_files.HashedFiles"},
    "evidence": {
        "BACKEND": "verification.evidence.durable_files.DurableFileSystemStorage",
        "OPTIONS": {
            "location": TULGA_EVIDENCE_DIR,
            # a file under a hash has the same bytes, or is damaged and is replaced
            "allow_overwrite": True,
        },
    },
}
