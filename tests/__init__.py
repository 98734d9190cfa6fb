"""Tests, and the processes that they start. Loading takes a fifth less time when nobody looks for garbage meanwhile; conftest.py lets
it be looked for again, and processes of tests don't live long enough to need it."""

import gc

gc.disable()
