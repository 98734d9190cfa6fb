"""Mail as values: bytes in, values out, and back. No Django, no database, no socket."""
