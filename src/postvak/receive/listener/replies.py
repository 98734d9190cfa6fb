"""What we tell other servers, with enhanced status codes (RFC 3463). Plain English: people read it in bounces.

Our own failures are temporary (4xx): nothing is lost, the sender keeps the mail. Only what will never work is 5xx.
"""

STOPPING = "421 4.3.2 This server is being restarted. Please try again in a minute."
TOO_MANY_CONNECTIONS = "421 4.7.0 Too many connections at once. Please try again later."
TOO_MANY_STRANGERS = "421 4.7.0 Too many unknown recipients."
TOO_MANY_MAILS = "450 4.7.1 Too many mails within a minute. Please try again later."
TOO_MANY_RECIPIENTS = "452 4.5.3 Too many recipients. Send the mail to the others separately."
NO_ROOM = "452 4.3.1 Too many large mails arrive at this moment. Please try again later."
TOO_SLOW = "451 4.3.0 Mails can only be stored very slowly at this moment. Please try again later."
DISK_FULL = "452 4.3.1 There is hardly any room left here. Please try again later."
TOO_MANY_WAIT = "451 4.3.2 Too many mails wait here to be processed. Please try again later."
UNDER_PRESSURE = (TOO_SLOW, DISK_FULL, TOO_MANY_WAIT)
OWN_FAILURE = "451 4.3.0 The mail could not be stored at this moment. Please try again later."


def stored(number: str) -> str:
    return f"250 2.0.0 stored as {number}"


def stored_for(address: str, number: str) -> str:
    return f"250 2.0.0 <{printable(address)}> stored as {number}"


def stranger(address: str) -> str:
    return f"550 5.1.1 <{printable(address)}> is no address of this helpdesk. Mail for others is not taken here."


def paused(address: str) -> str:
    """RFC 3463 section 3.3: X.2.1, the mailbox exists and takes no mail now."""
    return f"450 4.2.1 <{printable(address)}> takes no mail at this moment. Please try again later."


def too_large(largest: int) -> str:
    return f"552 5.3.4 This mail is larger than the {largest} bytes that are taken here."


def printable(address: str) -> str:
    return address.encode("ascii", "backslashreplace").decode()[:200]
