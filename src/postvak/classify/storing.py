"""A model as one small file: numbers and names, nothing that could run. Older versions stay readable, others are refused.

    PVCL | version (1 byte) | deflate( length of the head | head: JSON | arrays one after the other )

Weights and counts are kept as bytes, and of a large model only the strongest.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from postvak.classify.features import BLOCKS, SPACE, Features, Floats
from postvak.classify.gate import Entry
from postvak.classify.model import Model
from postvak.classify.neighbours import MOST_SKETCHES, WIDTH
from postvak.classify.weights import FIRST_SQUARE, Rows, Weights

Array = NDArray[Any]

MAGIC = b"PVCL"
VERSION = 2
FIRST = 1  # its familiarity was reckoned otherwise
LARGEST = 400_000_000  # bytes unpacked; a damaged file must not fill the memory
MOST_CELLS = 3_000_000  # rows times labels that are kept
KEPT_FEATURES = 300_000  # of mails for rehearsing
KEPT_SKETCHES = 2000
PART = 4096  # rows that are packed and unpacked at once
HALF = 60_000  # numbers of two bytes reach a little farther
TYPES = frozenset({"int8", "uint8", "int32", "float16", "float32", "float64"})


class BadModel(ValueError):
    """This file is no model, or not one of this version."""


def save(model: Model) -> bytes:
    head, arrays = packed(model)
    head["arrays"] = [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()]
    written = json.dumps(head, ensure_ascii=True).encode()
    body = b"".join([len(written).to_bytes(4, "big"), written, *(array.tobytes() for array in arrays.values())])
    return MAGIC + bytes([VERSION]) + zlib.compress(body, 6)


def load(raw: bytes) -> Model:
    """Raises BadModel."""
    if raw[:4] != MAGIC:
        raise BadModel("This is not a model of Postvak.")
    version = raw[4] if len(raw) > len(MAGIC) else 0
    if not FIRST <= version <= VERSION:
        raise BadModel("This model was written by another version of Postvak.")
    try:
        head, arrays = unpacked(raw[5:])
        model = restored(head, arrays)
        if version > FIRST:  # what was measured on the old scale proves nothing: nothing acts until it is measured anew
            restore_log(model, head)
        return model
    except (zlib.error, ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise BadModel("This model is damaged.") from error


def unpacked(raw: bytes) -> tuple[Mapping[str, Any], dict[str, Array]]:
    unpacker = zlib.decompressobj()
    body = unpacker.decompress(raw, LARGEST)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("too long, or cut off")
    size = int.from_bytes(body[:4], "big")
    head = json.loads(body[4 : 4 + size])
    arrays, at = {}, 4 + size
    for name, kind, shape in head["arrays"]:
        if kind not in TYPES or any(not isinstance(one, int) or one < 0 for one in shape):
            raise ValueError("unknown kind of array")
        number = int(np.prod(shape, dtype=np.int64)) if shape else 1
        arrays[name] = np.frombuffer(body, np.dtype(kind), number, at).reshape(shape).copy()
        at += arrays[name].nbytes
    return head, arrays


# -- out


def packed(model: Model) -> tuple[dict[str, Any], dict[str, Array]]:
    weights = model.weights
    rows = strongest(weights)
    count, scale_of_counts = in_bytes(weights.counts, rows, weights.labels, unsigned=True)
    weight, scale_of_weights = in_bytes(weights.weights, rows, weights.labels, unsigned=False)
    row_of = weights.places(rows)
    slots = np.flatnonzero(row_of).astype(np.int32)
    newest = np.arange(max(0, model.neighbours.seen - KEPT_SKETCHES), model.neighbours.seen) % MOST_SKETCHES
    newest = newest[-len(model.neighbours) :] if len(model.neighbours) else newest[:0]
    sketches, scale_of_sketches = in_bytes(model.neighbours.sketches, newest, WIDTH, unsigned=False)
    arrays: dict[str, Array] = {
        "slots": np.diff(slots, prepend=0).astype(np.int32),
        "rows": row_of[slots],
        "counts": count,
        "count_scale": scale_of_counts,
        "weights": weight,
        "weight_scale": scale_of_weights,
        "totals": np.minimum(weights.totals[rows], HALF).astype(np.float16),
        "squares": np.minimum(weights.squares[rows], HALF).astype(np.float16),
        "spread": weights.spread[rows].astype(np.int32),
        "sizes": weights.sizes[: weights.labels],
        "prior": weights.prior[: weights.labels],
        "sketches": sketches.T,
        "sketch_scale": scale_of_sketches,
        "sketch_labels": model.neighbours.labels[newest],
        "trust": model.mixer.trust,
        "trust_squares": model.mixer.squares,
        "lately": model.mixer.lately,
        **packed_memory(model),
    }
    head = {
        "labels": model.labels,
        "learned": model.learned,
        "mails": weights.mails,
        "log": [
            [entry.wanted, entry.said, round(entry.score, 5), entry.weight, round(entry.familiarity, 5)]
            for entry in model.gate.entries
        ],
    }
    return head, arrays


def strongest(weights: Weights) -> Rows:
    """Row 0, and those that say most when there are too many; the model itself keeps them all."""
    strength = np.abs(weights.weights[: weights.used]).max(1) * np.sqrt(weights.spread[: weights.used])
    order = np.argsort(-strength, kind="stable")
    kept = order[order > 0][: MOST_CELLS // max(1, weights.labels)]
    return np.concatenate([[0], np.sort(kept)]).astype(np.int32)


def in_bytes(table: Floats, rows: Array, width: int, *, unsigned: bool) -> tuple[Array, Floats]:
    """One byte for each number (its square root, where unsigned), column by column, with one scale for each row. A part of the
    rows after the other, as a copy of them all would cost more memory than the model."""
    most, kind = (255, np.uint8) if unsigned else (127, np.int8)
    found, scale = np.empty((width, len(rows)), kind), np.empty(len(rows), np.float32)
    for start in range(0, len(rows), PART):
        part = table[rows[start : start + PART], :width]
        if unsigned:
            np.sqrt(part, out=part)
        largest = np.abs(part).max(1, initial=0) / np.float32(most)
        scale[start : start + PART] = largest
        found[:, start : start + PART] = np.rint(part / np.where(largest > 0, largest, 1)[:, None]).T
    return found, scale


def packed_memory(model: Model) -> dict[str, Array]:
    kept, size = [], 0
    for features, label in reversed(model.memory.mails):
        size += len(features.slots)
        if size > KEPT_FEATURES:
            break
        kept.append((features, label))
    kept.reverse()
    slots = [features.slots for features, _label in kept]
    counts = [features.counts for features, _label in kept]
    return {
        "mail_slots": np.concatenate(slots) if kept else np.zeros(0, np.int32),
        "mail_counts": np.minimum(np.rint(np.concatenate(counts) * 20), 255).astype(np.uint8)
        if kept
        else np.zeros(0, np.uint8),
        "mail_ends": np.array([features.ends for features, _label in kept], np.int32).reshape(len(kept), BLOCKS),
        "mail_labels": np.array([label for _features, label in kept], np.int32),
    }


# -- in


def restored(head: Mapping[str, Any], arrays: Mapping[str, Array]) -> Model:
    model = Model()
    model.labels = [str(label) for label in head["labels"]]
    model.learned = [int(number) for number in head["learned"]]
    number = len(model.labels)
    if (
        len(model.learned) != number
        or len(arrays["lately"]) != number
        or len(arrays["trust"]) != len(model.mixer.trust)
    ):
        raise ValueError("labels and numbers don't fit")
    model.weights = restored_weights(head, arrays, number)
    model.mixer.trust, model.mixer.squares = arrays["trust"], arrays["trust_squares"]
    model.mixer.lately = arrays["lately"]
    sketches = arrays["sketches"] * arrays["sketch_scale"][:, None]
    if len(sketches) and sketches.shape[1] != WIDTH:
        raise ValueError("sketches of another width")
    for sketch, label in zip(sketches, valid_labels(arrays["sketch_labels"], number), strict=True):
        model.neighbours.add(sketch.astype(np.float32), label)
    restore_memory(model, arrays, number)
    return model


def restore_log(model: Model, head: Mapping[str, Any]) -> None:
    for wanted, said, *numbers in head["log"]:
        score, weight, familiarity = map(float, numbers)
        model.gate.record(Entry(str(wanted), str(said), score, weight, familiarity))


def restored_weights(head: Mapping[str, Any], arrays: Mapping[str, Array], labels: int) -> Weights:
    weights = Weights()
    rows = len(arrays["totals"])
    counts = from_bytes(arrays["counts"], arrays["count_scale"], squared=True)
    learned = from_bytes(arrays["weights"], arrays["weight_scale"])
    slots = np.cumsum(arrays["slots"])
    places = arrays["rows"]
    if counts.shape != (rows, labels) or learned.shape != (rows, labels) or len(arrays["sizes"]) != labels:
        raise ValueError("tables don't fit")
    if len(slots) and (slots.min() < 0 or slots.max() >= SPACE or places.min() < 0 or places.max() >= rows):
        raise ValueError("slots outside the space")
    weights.counts, weights.weights = counts, learned
    weights.totals = arrays["totals"].astype(np.float32)
    weights.squares = np.maximum(arrays["squares"].astype(np.float32), np.float32(FIRST_SQUARE))
    weights.spread = arrays["spread"].astype(np.float32)
    weights.sizes, weights.prior = arrays["sizes"], arrays["prior"]
    weights.row_of[slots] = places
    weights.labels, weights.used, weights.mails = labels, rows, int(head["mails"])
    return weights


def from_bytes(found: Array, scale: Floats, *, squared: bool = False) -> Floats:
    """Row by row in memory, as they are read: else each mail would cost ten times the time."""
    labels, rows = found.shape
    if len(scale) != rows:
        raise ValueError("a scale for each row")
    table = np.empty((rows, labels), np.float32)
    for start in range(0, rows, PART):
        part = table[start : start + PART]
        np.multiply(found[:, start : start + PART].T, scale[start : start + PART, None], out=part)
        if squared:
            part *= part
    return table


def restore_memory(model: Model, arrays: Mapping[str, Array], labels: int) -> None:
    start = 0
    for ends, label in zip(arrays["mail_ends"].tolist(), valid_labels(arrays["mail_labels"], labels), strict=True):
        stop = start + ends[-1]
        slots, counts = arrays["mail_slots"][start:stop], arrays["mail_counts"][start:stop]
        if (
            len(slots) != ends[-1]
            or sorted(ends) != ends
            or (len(slots) and not 0 <= slots.min() <= slots.max() < SPACE)
        ):
            raise ValueError("a mail that doesn't fit")
        model.memory.add(Features(slots, (counts / 20).astype(np.float32), tuple(ends)), label)
        start = stop


def valid_labels(numbers: Array, labels: int) -> list[int]:
    found = cast(list[int], numbers.tolist())
    if any(not 0 <= one < labels for one in found):
        raise ValueError("a label that there isn't")
    return found
