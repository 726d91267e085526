// Labelled boxes over a picture: events in time and frequency, windows in the lane of their class.
import { shareOf, timeToX } from "./axes.js"

// Where a box lies on the page; null where nothing of it is in sight.
function placed(view, box) {
  const row = view.shown.rows[box.row]
  const left = Math.max(view.plot.left, timeToX(view, box.start))
  const right = Math.min(view.plot.right, timeToX(view, box.end))
  if (!row || box.end < view.shown.start || box.start > view.shown.end) return null
  const at = (value, edge) => (value === null || row.rows === 1 ? edge : row.top + shareOf(row, value) * row.height)
  const clip = (y) => Math.max(row.top, Math.min(row.bottom, y))
  const top = clip(at(box.high, row.top))
  const bottom = Math.max(clip(at(box.low, row.bottom)), top + 3)
  return { left, top, width: Math.max(2, right - left), height: bottom - top, row }
}

export function drawBoxes(pen, view) {
  const { boxes = [] } = view.shown
  for (const box of [...boxes].sort((one, other) => one.strong - other.strong)) {
    const place = placed(view, box)
    if (!place) continue
    const { left, top, width, height } = place
    pen.globalAlpha = box.strong ? 0.35 : 0.14
    pen.fillStyle = box.colour
    pen.fillRect(left, top, width, height)
    pen.globalAlpha = 1
    frame(pen, place, "#ffffff", box.strong ? 5 : 3) // seen on any ground
    frame(pen, place, box.colour, box.strong ? 3 : 1.5)
    if (box.label) drawLabel(pen, view, box, place)
  }
}

function frame(pen, { left, top, width, height }, colour, wide) {
  pen.strokeStyle = colour
  pen.lineWidth = wide
  pen.strokeRect(left, top, width, height)
}

// The name of a box in its upper left corner, on its colour; as much of it as there is room to the right.
function drawLabel(pen, view, box, { left, top, row }) {
  const room = view.plot.right - left - 8
  let text = box.label
  while (text.length > 1 && pen.measureText(text).width > room) text = `${text.slice(0, -2)}…`
  const upper = Math.max(row.top, top - 15)
  pen.fillStyle = box.colour
  pen.fillRect(left - 1, upper, pen.measureText(text).width + 8, 15)
  pen.fillStyle = box.ink
  pen.textAlign = "left"
  pen.textBaseline = "middle"
  pen.fillText(text, left + 3, upper + 8)
}

// The smallest box under the pointer that can be pressed; null for none.
export function boxAt(view, { x, y }) {
  let found = null
  for (const box of view.shown.boxes || []) {
    const place = box.id && placed(view, box)
    if (!place || y === null || y < place.top - 2 || y > place.top + place.height + 2) continue
    if (x < place.left - 2 || x > place.left + place.width + 2) continue
    const size = place.width * place.height
    if (!found || size < found.size) found = { box, size }
  }
  return found && found.box
}
