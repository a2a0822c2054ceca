"""Committed events to an OpenTelemetry collector, by OTLP over HTTP: the handler of the log `audit.events`.

Needs requirements/otlp.txt. A thread of each process sends batches, so that no request waits. What a full queue, or a
collector that stays away, makes it drop is told in the site's own log: the export has it all. Headers, certificates and
the service's name come from the variables OTEL_… that OpenTelemetry defines.
"""

import json
import logging
from typing import Final

from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

PATIENCE: Final = 5.0  # seconds for a batch, with its repetitions


class Handler(logging.Handler):
    """Sends each line, a JSON document, as the body of a log record."""

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        self.provider = LoggerProvider()
        self.provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint, timeout=PATIENCE)))

    def emit(self, record: logging.LogRecord) -> None:
        self.provider.get_logger(record.name).emit(
            timestamp=int(record.created * 1e9),
            severity_number=SeverityNumber.INFO,
            body=json.loads(record.getMessage()),
        )
