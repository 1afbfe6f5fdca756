"""The web server: `gunicorn --config config/gunicorn_settings.py`."""

from django.conf import settings

from config import env, starting

env.use_settings("config.settings")
env.act_as("web")
# Before any process of it exists: a worker that cannot start would be restarted for ever.
starting.load_settings()
starting.tell_of_others_keys()

wsgi_app = "config.wsgi"
worker_class = "config.web_worker.Worker"
logger_class = "config.web_worker.Logger"
bind, workers, threads = settings.TULGA_BIND, settings.TULGA_WEB_WORKERS, settings.TULGA_WEB_THREADS
worker_connections = 1_000  # of a process; most wait, and hold no thread: config/web_worker.py
timeout = 30  # seconds; no request does outside work, so a longer one hangs
graceful_timeout = 20
max_requests = 10_000  # replaces a process at intervals, whatever it may have leaked
max_requests_jitter = 1_000
limit_request_line = 2_048  # bytes; an address carries at most an opaque id
limit_request_fields = 60
accesslog = None  # the application logs what matters, without addresses and queries
control_socket_disable = True
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "config.log_lines.LineFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "gunicorn.error": {
            "level": "INFO",
            "handlers": ["stderr"],
            "propagate": False,
            "qualname": "gunicorn.error",
        }
    },
}
