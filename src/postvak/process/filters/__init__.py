"""Filters: rules on incoming mail. draft.py is their form, compiled.py what runs, store.py how they are kept. Spec 03."""
