"""Which work does which job: by the kind of the job (models.Job)."""

from collections.abc import Mapping

from postvak.bring.sheet_work import KIND as SHEET
from postvak.bring.sheet_work import take_sheet
from postvak.bring.work import KIND as IMPORT
from postvak.bring.work import do_import
from postvak.jobs.run import Work
from postvak.keep.work import BACKUP, EXPORT, make_backup, make_export
from postvak.keys.again import KIND as OPEN_MAILS
from postvak.learn.training import KIND as TRAIN
from postvak.learn.training import train
from postvak.process.reopen import try_again
from postvak.setup.revocation_lists import KIND as FETCH_LISTS
from postvak.setup.revocation_lists import fetch_lists
from postvak.tickets.privacy.erase import KIND as ERASE
from postvak.tickets.privacy.erase import erase

WORKS: Mapping[str, Work] = {
    IMPORT: do_import,
    BACKUP: make_backup,
    EXPORT: make_export,
    ERASE: erase,
    SHEET: take_sheet,
    OPEN_MAILS: try_again,
    FETCH_LISTS: fetch_lists,
    TRAIN: train,
}
