// Puts something that floats beside what it belongs to: below it, or above it where there is no room.

export function place(part, at) {
  const size = part.getBoundingClientRect(), edge = 8;
  const below = at.bottom + 4 + size.height < innerHeight;
  Object.assign(part.style, {
    margin: 0, inset: "auto",
    left: `${Math.max(edge, Math.min(at.left, innerWidth - size.width - edge))}px`,
    top: `${Math.max(edge, below ? at.bottom + 4 : at.top - size.height - 4)}px`,
  });
}
