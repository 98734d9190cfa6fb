"""Which work does which job: by the kind of the job (models.Job)."""

from collections.abc import Mapping

from postvak.jobs.run import Work

WORKS: Mapping[str, Work] = {}
