"""Accounts at mail servers: with a password, or with tokens of Microsoft and Google that are kept fresh here.

`endpoint.py` is what receive, send and the test buttons use; `sign_in.py` is behind "Sign in".
"""
