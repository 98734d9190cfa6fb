"""Certificates and keys of this installation, and mails that are opened with them. Spec 05."""
