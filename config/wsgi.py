"""What the web server calls: `gunicorn config.wsgi`."""

from django.core.wsgi import get_wsgi_application

from config import env
from verification.workflow.readiness import refuse_unsafe_live, refuse_unsigned_documents

env.use_settings("config.settings")
application = get_wsgi_application()
refuse_unsafe_live()
refuse_unsigned_documents()
