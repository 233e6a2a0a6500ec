"""Turn findings into gold.alerts, write messages into ops.alert_outbox, deliver what is due."""

import sys

from earshot.alerting.outbox import Outbox
from earshot.alerting.publish import Alerting
from earshot.alerting.rulebooks import load_sound
from earshot.core.job import Job
from earshot.core.locations import conf_folder
from earshot.core.small_tables import SmallTables
from earshot.formatters.alert_channels import renderers
from earshot.integrations.alert_transports import open_transports


def run(job: Job) -> None:
    """As of the end of the date; `notify=true`: of old windows, too; `heartbeat_hours=1`: runs are missed sooner."""
    settings = job.settings
    tables = SmallTables(settings.lake_root)
    rules, unsound = load_sound(conf_folder() / settings.alerts.rules_file, job.arguments.get("heartbeat_hours"))
    outbox = Outbox(tables, settings.alerts, job.clock, job.log)
    with open_transports(settings, console=sys.stderr) as transports:
        channels = renderers(settings.alerts, transports, job.clock)
        with job.stage("judge"):
            notify = job.arguments.get("notify", "").lower() == "true"
            alerting = Alerting(tables, rules, settings.alerts, job.log)
            published = alerting.publish(outbox, as_of=job.as_of, wall=job.clock(), notify=notify)
        with job.stage("deliver", published.queued):
            deliveries = outbox.deliver(channels)
        job.tell(heartbeat=transports.beat())
    job.summary.rows_in, job.summary.rows_out = published.findings, published.changed
    job.tell(firing=published.count("firing"), pending=published.count("pending"), silenced=published.silenced)
    job.tell(**deliveries.told(published.queued), **({"broken_rules": published.broken} if published.broken else {}))
    if unsound:  # the other rules have spoken
        raise unsound[0]


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("publish_alerts")
