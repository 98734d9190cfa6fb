"""Search: what agents type finds tickets by their messages. Spec 09, "Search"; docs/search.md.

query.py    the words and operators of a search, read without asking the database
wanted.py   what a message must and must not have, in lexemes
store.py    the index behind one small interface: SQLite FTS5, or PostgreSQL's tsvector with GIN
content.py  a message with its ticket and files becomes lexemes
index.py    which messages are to be read, and reading them; runs in the worker
files.py    the text of attached files, read apart from it
scope.py    the tickets that operators like queue: leave, among those that the agent may see
find.py     the search itself: newest hits, one per ticket, page by page
snippet.py  the part of a message that shows why it was found
suggest.py  people, tags and words of operators while one types
"""
