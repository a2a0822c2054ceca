"""gunicorn behind the TLS proxy of deploy/nginx: `gunicorn --config deploy/gunicorn.conf.py`, from anywhere.

Other addresses by `--bind`, the number of worker processes by WEB_CONCURRENCY. Workers x threads must stay below
the connection limit of the database's role (deploy/postgres/roles.sql).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

wsgi_app = "config.wsgi"
chdir = str(Path(__file__).resolve().parent.parent)
bind = "127.0.0.1:8000"  # loopback: only the proxy may reach it (ASVS 12.3.3)

worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 4
worker_tmp_dir = "/dev/shm"  # noqa: S108 - the heartbeat file: on a disk that blocks, a healthy worker is killed
timeout = 30
graceful_timeout = 30
keepalive = 75  # longer than the proxy keeps an idle connection (60 s), which so is never closed under its request
# A leak ends with its worker. But a new worker asks the key source, and one that gets no answer ends the site.
max_requests = 0 if os.environ.get("KEY_SOURCE") else 10_000
max_requests_jitter = 1_000

# What may reach Django. A proxy that is not ours may pass X_Forwarded_For; as WSGI it would be X-Forwarded-For.
header_map = "refuse"
forwarder_headers = ""  # nobody sets SCRIPT_NAME or PATH_INFO by a header
forwarded_allow_ips = ",".join(
    part.strip() for part in os.environ.get("TRUSTED_PROXIES", "").split(",") if part.strip() not in ("", "unix")
)
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

control_socket_disable = True  # no second door
http2_cleartext = "off"
accesslog = None  # Django writes one line a request, with its id
errorlog = "-"

TRY_TO_START = """
import sys
from django.core.exceptions import ImproperlyConfigured
try:
    import config.wsgi
except ImproperlyConfigured as error:
    sys.exit(str(error))
"""


# Where the workers count together for /metrics. Read by prometheus_client when a worker imports it.
if os.environ.get("METRICS_TOKEN") or os.environ.get("METRICS_TOKEN_FILE"):
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="metrics-"))


def pre_fork(server: Any, worker: Any) -> None:
    """Number the workers: a new one goes on in the file of a dead one. By process id there would be ever more files."""
    taken = {each.number for each in server.WORKERS.values()}
    worker.number = min(set(range(len(taken) + 1)) - taken)


def post_fork(server: Any, worker: Any) -> None:
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client import values

        values.ValueClass = values.MultiProcessValue(lambda: worker.number)


def child_exit(server: Any, worker: Any) -> None:
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.number)


def on_exit(server: Any) -> None:
    shutil.rmtree(os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""), ignore_errors=True)


def on_starting(server: Any) -> None:
    """Start the site once in a process of its own, and give up when that fails.

    So a wrong setting is told once, as a list and without a stack trace, before any worker is there to tell it again.
    (Not `preload_app`: workers would share the master's database connection, and a reload would keep the old code.)
    """
    if subprocess.run([sys.executable, "-c", TRY_TO_START], cwd=chdir, check=False).returncode:  # noqa: S603 - our own text
        sys.exit(1)
