"""Keeping: backups and restoring (`backup.py`, `restore.py`), and the export of everything and its way back (`archive.py`,
`load.py`). A backup is for us, exact to the byte and sealed; an export is for anybody, readable and without secrets."""
