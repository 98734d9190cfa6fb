"""What protects a mail, as reasons of its trace (sentences: log.crypto_sentences). Pure."""

import json
from collections.abc import Iterator

from postvak.crypto.values import Act, Kind, Layer, Opened, State, Verdict
from postvak.log.reason import Reason

STEP = "protection"
SHOWN = 5  # names of keys
NAMES = {Kind.smime: "S/MIME", Kind.pgp: "OpenPGP"}


def protection_reasons(opened: Opened) -> tuple[Reason, ...]:
    return tuple(reasons_of(opened))


def reasons_of(opened: Opened) -> Iterator[Reason]:
    encrypted = [layer for layer in opened.layers if layer.act is Act.encrypted]
    if encrypted:
        yield encryption(encrypted, opened)
    signature = opened.signature
    if signature is not None:
        yield signed(signature)
    if opened.found:
        yield Reason(STEP, "keys_found", {"count": len(opened.found)})


def encryption(layers: list[Layer], opened: Opened) -> Reason:
    """Of several layers the one that kept us out, or the outermost."""
    layer = next((one for one in layers if opened.state is not State.open and not one.key), layers[0])
    code = "mail_opened" if opened.state is State.open else "mail_no_key"
    if opened.state is State.damaged:
        code = "mail_damaged"
    return Reason(
        STEP,
        code,
        {
            "protection": NAMES[layer.kind],
            "key": layer.subject or layer.key or "–",
            "names": names_of(layer, opened),
            "why": why(layer),
        },
    )


def names_of(layer: Layer, opened: Opened) -> str:
    return ", ".join((opened.missing or layer.names)[:SHOWN]) or "–"


def signed(layer: Layer) -> Reason:
    verdict = layer.verdict or Verdict.unknown
    signer = ", ".join(layer.signers[:SHOWN]) or layer.subject or layer.key or "–"
    return Reason(
        STEP,
        f"signature_{verdict.value}",
        {"protection": NAMES[layer.kind], "signer": signer, "why": why(layer)},
    )


def opened_later(opened: Opened) -> Reason:
    key = next((one.subject or one.key for one in opened.layers if one.act is Act.encrypted), "")
    return Reason(STEP, "mail_opened_later", {"key": key or "–"})


def why(layer: Layer) -> str:
    """For log.wording."""
    return json.dumps([layer.code, layer.parameters]) if layer.code else ""
