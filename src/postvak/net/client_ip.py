"""Who connects to us by HTTP."""

import ipaddress
from collections.abc import Mapping


def client_ip(meta: Mapping[str, object], forwarded: str) -> str:
    """`forwarded`: X-Forwarded-For. Behind a proxy on this machine or network: what that proxy says (its own, the last, entry)."""
    direct, said = str(meta.get("REMOTE_ADDR", "")), forwarded.rpartition(",")[2].strip()
    try:
        if said and ipaddress.ip_address(direct).is_private:
            return str(ipaddress.ip_address(said))
    except ValueError:
        pass
    return direct[:45]
