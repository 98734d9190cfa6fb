"""Postvak: a self-hosted helpdesk for teams that work by e-mail.

The folders are the stations of a mail; imports go down the stairs only (tests/test_stairs.py):
mail net crypto blobs | models | log | receive send | notify | tickets | process | web api cli worker.
"""

__version__ = "0.1.0"
