"""Web hooks: other programs are told what happens on tickets. Spec 10.

`events.py` makes a row for each event and web hook when changes are followed; `deliver.py` sends them, signed, until they
are taken.
"""
