"""Structured logs: one JSON object a line on stdout, with the request's id, secrets left out (ASVS 16.2.4, 16.2.5)."""

from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import structlog

from config.env import env
from config.security.redaction import redact

# Each committed event besides, to a collector or else as a line on stdout, in this format: off unless one is set.
AUDIT_STREAM_OTLP = env.url(
    "AUDIT_STREAM_OTLP", schemes=("http", "https"), otherwise="", cure="For example https://otel.example.org/v1/logs"
)
AUDIT_STREAM = env.text("AUDIT_STREAM", otherwise=AUDIT_STREAM_OTLP and "ecs", choices=("ecs", "jsonl", "ocsf"))
if AUDIT_STREAM_OTLP and find_spec("opentelemetry") is None:
    env.problem("AUDIT_STREAM_OTLP", "needs a package that is not installed.", "Install requirements/otlp.txt.")
if AUDIT_STREAM_OTLP.startswith("http:") and urlsplit(AUDIT_STREAM_OTLP).hostname not in ("localhost", "127.0.0.1"):
    env.problem("AUDIT_STREAM_OTLP", "would send names and addresses of people in the clear.", "Use https.")

SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    redact,
]


def logging_with(*renderers: Any, level: str = "INFO") -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED_PROCESSORS,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
            },
            "bare": {},
        },
        "handlers": {
            "stdout": {"class": "logging.StreamHandler", "formatter": "structured", "stream": "ext://sys.stdout"},
            "events": {"()": "config.otlp.Handler", "endpoint": AUDIT_STREAM_OTLP}
            if AUDIT_STREAM_OTLP
            else {"class": "logging.StreamHandler", "formatter": "bare", "stream": "ext://sys.stdout"},
            "stderr": {"class": "logging.StreamHandler", "formatter": "structured", "stream": "ext://sys.stderr"},
        },
        "root": {"handlers": ["stdout"], "level": level},
        "loggers": {
            "audit.emergency": {"handlers": ["stderr"]},  # an event was lost: it must be seen where logs are not kept
            "audit.events": {"handlers": ["events"], "propagate": False},  # each committed event, see AUDIT_STREAM
            "django.server": {"handlers": [], "level": "WARNING", "propagate": False},  # the access log says it
            "django.request": {"level": "ERROR"},  # 404 and 403 are in the access log and in the audit log
            "axes": {"level": "ERROR"},  # it masks what an operator needs; the audit log has it
        },
    }


LOGGING = logging_with(
    # Locals would put passwords and decrypted values into the log.
    structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
    structlog.processors.JSONRenderer(),
)

structlog.configure(
    processors=[*SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
