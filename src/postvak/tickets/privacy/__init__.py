"""Privacy: what Postvak has about a person (`person.py`), erasing him (`erase.py`), and making words in a message unreadable
(`redaction.py`). Spec 10."""
