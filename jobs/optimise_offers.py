"""Tell what offers and prices do (HOME/catalogue/offers) and how payouts are concentrated, each with its interval."""

from earshot.analytics.optimisation.answer import answer
from earshot.analytics.optimisation.publication import has_figures, publish_offers, write_answers, write_month
from earshot.analytics.optimisation.reading import experiments, measured, months_to_measure
from earshot.core.job import Job
from earshot.importers.offers import import_offers
from earshot.integrations.model_registry import MODEL_TAG, OFFERS, ModelRegistry


def run(job: Job) -> None:
    """Answer every experiment anew, and measure the months that are over; the option `month=YYYY-MM` names one."""
    with job.stage("import"):
        imported = import_offers(job.settings, clock=job.clock)
    job.tell(imported=imported.rows, files=imported.files)
    months = months_to_measure(job)
    with job.stage("experiments"):
        answers = [answer(experiment, job.settings.optimisation) for experiment in experiments(job)]
    outdated = has_figures(job)
    if not (answers or outdated or months):
        job.skip("nobody's time to answer an offer is over, and no month is to be measured")
    job.summary.rows_in = sum(len(one.experiment) for one in answers)
    if answers or outdated:
        with job.stage("register and choose"):
            registry = ModelRegistry(job.settings.tracking_uri, job.settings.mlflow.experiment)
            targeted = publish_offers(job, answers, registry, OFFERS, MODEL_TAG)
            job.summary.rows_out = write_answers(job, answers)
        job.tell(experiments=len(answers), targeted=targeted)
    for month in months:
        with job.stage(f"payouts of {month:%Y-%m}"):
            job.summary.rows_out += write_month(job, month, measured(job, month))
    job.tell(months=len(months))


if __name__ == "__main__":
    from earshot.automation.runner import submit

    submit("optimise_offers")
