"""The live stream to an OpenTelemetry collector: what a receiver on loopback decodes is what was committed."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.db import transaction
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from pytest_django import Settings

from apps.audit import ecs, ocsf
from apps.audit.api import record
from apps.audit.models import Event
from config.otlp import Handler
from tests.encryption.key_services import serving
from tests.production import environment
from tests.settings.test_production import run

pytestmark = pytest.mark.asvs("16.4.3")


class Collector(BaseHTTPRequestHandler):
    address: ClassVar[str]
    bodies: ClassVar[list[Any]]
    status = 200
    awake: ClassVar[threading.Event]

    def do_POST(self) -> None:
        self.awake.wait(20)
        request = ExportLogsServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/logs"
        for resource in request.resource_logs:
            for scope in resource.scope_logs:
                self.bodies += [plain(MessageToDict(each.body)) for each in scope.log_records]
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests look at what came."""


def plain(value: dict[str, Any]) -> Any:
    """An AnyValue of OTLP as JSON has it."""
    ((kind, inner),) = value.items() if value else [("", None)]
    if kind == "kvlistValue":
        return {each["key"]: plain(each["value"]) for each in inner.get("values", [])}
    if kind == "arrayValue":
        return [plain(each) for each in inner.get("values", [])]
    return int(inner) if kind == "intValue" else inner


@pytest.fixture
def collector() -> Iterator[type[Collector]]:
    class Fresh(Collector):
        bodies: ClassVar[list[Any]] = []
        awake: ClassVar[threading.Event] = threading.Event()

    Fresh.awake.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Fresh)
    Fresh.address = f"http://127.0.0.1:{server.server_port}/v1/logs"
    with serving(server):
        yield Fresh
        Fresh.awake.set()


@pytest.fixture
def streaming(collector: type[Collector], settings: Settings) -> Iterator[Handler]:
    settings.AUDIT_STREAM = "ecs"
    handler, log = Handler(collector.address), logging.getLogger("audit.events")
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)
    collector.awake.set()
    handler.provider.shutdown()


def tell(number: int) -> Event:
    with transaction.atomic():
        record("testapp.thing.changed", to=number, ä=[1, None, {"b": True}])
    return Event.objects.latest("id")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("form", "document"), [("ecs", ecs.document), ("ocsf", ocsf.document)])
def test_a_committed_event_arrives_as_its_document(
    form: str, document: Callable[[Event], Any], streaming: Handler, collector: type[Collector], settings: Settings
) -> None:
    settings.AUDIT_STREAM = form
    events = [tell(1), tell(2)]
    with transaction.atomic():
        record("testapp.thing.changed", to=3)
        transaction.set_rollback(True)
    streaming.provider.force_flush()
    assert collector.bodies == [json.loads(json.dumps(document(event))) for event in events]


@pytest.mark.django_db(transaction=True)
def test_no_request_waits_for_a_collector_and_what_is_dropped_is_told(
    streaming: Handler, collector: type[Collector], caplog: pytest.LogCaptureFixture
) -> None:
    collector.awake.clear()
    began = time.monotonic()
    tell(1)
    log = logging.getLogger("audit.events")
    for _ in range(4_000):
        log.info("{}")
    assert time.monotonic() - began < 5
    assert "Queue full, dropping" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_what_a_collector_refuses_is_told(
    streaming: Handler, collector: type[Collector], caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = 403
    tell(1)
    streaming.provider.force_flush()
    assert "Failed to export logs batch code: 403" in caplog.text


def test_the_variable_chooses_the_collector_and_ecs(tmp_path: Path) -> None:
    asked = (
        "from django.conf import settings; import django; django.setup(); import logging;"
        "print(settings.AUDIT_STREAM, type(logging.getLogger('audit.events').handlers[0]).__module__)"
    )
    address = {"AUDIT_STREAM_OTLP": "https://otel.example.org/v1/logs"}
    given = environment(tmp_path)
    assert run("-c", asked, **given, **address).stdout == "ecs config.otlp\n"
    assert run("-c", asked, **given, **address, AUDIT_STREAM="ocsf").stdout == "ocsf config.otlp\n"
    assert run("-c", asked, **given).stdout == " logging\n"


@pytest.mark.asvs("12.3.1")
@pytest.mark.parametrize("address", ["http://otel.example.org/v1/logs", "grpc://127.0.0.1:4317"])
def test_events_do_not_go_over_a_network_in_the_clear(address: str, tmp_path: Path) -> None:
    refused = run("manage.py", "check", **environment(tmp_path), AUDIT_STREAM_OTLP=address)
    assert "AUDIT_STREAM_OTLP: " in refused.stderr


def test_without_its_package_the_start_is_refused_with_the_cure(tmp_path: Path) -> None:
    """As after `make .venv/.runtime`, which does not install what is optional."""
    program = (
        "import sys, importlib.util as found; real = found.find_spec;"
        "found.find_spec = lambda name, *more: None if name == 'opentelemetry' else real(name, *more);"
        "import django; django.setup()"
    )
    refused = run("-c", program, **environment(tmp_path), AUDIT_STREAM_OTLP="https://otel.example.org/v1/logs")
    assert "AUDIT_STREAM_OTLP: needs a package that is not installed. Install requirements/otlp.txt." in refused.stderr
