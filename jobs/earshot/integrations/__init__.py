"""MLflow, HTTP, SMTP and the web catalogues."""

import os

# Read by MLflow when it is imported, so it must stand before that: no telemetry, no search for
# uv projects, few and short tries when a tracking server does not answer.
for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}.items():
    os.environ.setdefault(_name, _value)
