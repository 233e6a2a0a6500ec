"""`earshot metrics`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earshot.automation.invocation import current


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("metrics")(metrics)


def metrics(
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Answer Prometheus on this port; 0 is any free one.")
    ] = None,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    push_url: Annotated[str, typer.Option("--push", help="Push gateway to put the metrics to.")] = "",
    textfile: Annotated[Path | None, typer.Option(help="File for the node exporter's textfile collector.")] = None,
) -> None:
    """Print the metrics, or push, write or serve them."""
    from earshot.collectors import exposition as out  # noqa: PLC0415 (keeps --help instant)

    call = current()
    registry = out.lake_registry(call.small_tables)
    done: list[str] = []
    if textfile:
        out.write_textfile(registry, textfile)
        done.append(f"written to {textfile}")
    if push_url:
        out.push(registry, push_url)
        done.append("pushed to the gateway")
    served = port if port is not None else (call.settings.metrics.port or None)
    if served is not None and not done:
        server, thread = out.serve(registry, served, address=address)
        call.emit(f"serving http://{address}:{server.server_port}/metrics", {"port": server.server_port})
        try:
            thread.join()
        except KeyboardInterrupt:
            server.shutdown()
    elif done:
        call.emit(", ".join(done).capitalize() + ".", {"done": done})
    else:
        text = out.exposition(registry)
        if call.as_json:
            call.emit("", {"metrics": text})
        else:
            print(text, end="")
