"""Who sent a mail: SPF, DKIM, DMARC, ARC, look-alikes. No Django, no database."""
