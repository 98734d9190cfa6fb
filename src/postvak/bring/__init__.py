"""Import: tickets, mails and people of another system, or mails of the past, become ours. Spec 10, docs/import.md.

Each kind of source has files of its own (mails.py, otobo.py, …) that read it and say what there is as values (values.py);
write.py writes them. Nothing is sent, told or reckoned because of an import, and what is here already is not doubled.
"""
