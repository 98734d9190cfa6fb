"""Jobs: long work that somebody asked for, done by a worker and seen on one page: imports, exports, backups, erasures.

`queue.py` is for those who ask, `run.py` for the work itself and the worker that does it.
"""
