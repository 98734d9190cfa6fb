"""What this installation learns from its own tickets: which queue, which priority, spam or not. Spec 08.

`current.py` answers while mails are processed, `decided.py` sees what people decided, `lessons.py` teaches it mail by mail, `training.py`
makes a model anew; `proposals.py`, `cards.py` and `versions.py` are for pages. The library itself is postvak.classify: it brings numpy, so
only `pupil.py` imports it, and `school.py` loads that when something is to be classified at all. `docs/classification.md` tells the rest.
"""
