// What moves over the still picture: the cursor, the stretch that is selected, the place that is played; and the pointer.
import { shareOf, timeToX, valueAt, xToTime } from "./axes.js"
import { boxAt } from "./boxes.js"
import { colour } from "./drawing.js"
import { readout } from "./numbers.js"
import { playing, seek } from "./playback.js"

export function drawOver(view, played = playing(view)) {
  const pen = view.over.getContext("2d")
  pen.clearRect(0, 0, view.width, view.height)
  if (!view.shown || !view.plot) return
  const { rows } = view.shown
  const [top, bottom] = [rows[0].top, rows[rows.length - 1].bottom]
  const upright = (x, width) => pen.fillRect(x - width / 2, top, width, bottom - top)
  if (view.selection) drawSelection(pen, view, upright)
  if (played !== null) {
    const x = timeToX(view, played)
    pen.fillStyle = colour(view, "--st-orange-color", "#b8640b")
    if (x >= view.plot.left && x <= view.plot.right) upright(x, 2)
  }
  if (view.cursor) {
    pen.fillStyle = colour(view, "--st-text-color", "#333")
    pen.globalAlpha = 0.6
    upright(timeToX(view, view.cursor.time), 1)
    if (rows[view.cursor.row] && view.cursor.y !== null) {
      pen.fillRect(view.plot.left, view.cursor.y - 0.5, view.plot.right - view.plot.left, 1)
    }
    pen.globalAlpha = 1
  }
  const text = readout(view)
  if (view.line.textContent !== text) view.line.textContent = text // it is read out when it is written
}

// What is not selected is veiled.
function drawSelection(pen, view, upright) {
  const { left, right } = view.plot
  const from = Math.max(left, timeToX(view, view.selection[0]))
  const to = Math.min(right, timeToX(view, view.selection[1]))
  pen.fillStyle = colour(view, "--st-background-color", "#fff")
  pen.globalAlpha = 0.55
  for (const row of view.shown.rows) {
    pen.fillRect(left, row.top, Math.max(0, from - left), row.height)
    pen.fillRect(to, row.top, Math.max(0, right - to), row.height)
  }
  pen.globalAlpha = 1
  pen.fillStyle = colour(view, "--st-primary-color", "#0b6b68")
  for (const x of [from, to]) upright(x, 2)
  const row = view.shown.rows.find(isBanded)
  if (!view.band || !row) return
  pen.strokeStyle = pen.fillStyle
  pen.lineWidth = 2
  const [bottom, top] = view.band.map((value) => Math.max(row.top, Math.min(row.bottom, row.top + shareOf(row, value) * row.height)))
  pen.strokeRect(from, top, to - from, bottom - top)
}

export function select(view, one, other) {
  if (!view.shown.selectable) return
  view.selection = [Math.min(one, other), Math.max(one, other)]
  view.band = null
}

// Whether frequencies can be selected in a row.
function isBanded(row) {
  return row.kind === "image" && !["names", "index"].includes(row.axis)
}

// The frequencies between where a drag began and where it is, both in one picture of frequencies.
function selectBand(view, { drag, cursor }) {
  const row = view.shown.rows[drag.row]
  if (!view.shown.banded || !row || !isBanded(row) || cursor.row !== drag.row || Math.abs(cursor.y - drag.y) < 4) return
  const at = ({ y }) => valueAt(row, Math.max(0, Math.min(1, (y - row.top) / row.height)))
  view.band = [drag, cursor].map(at).sort((one, other) => one - other)
}

// Tell the page what is selected.
export function commit(view) {
  drawOver(view)
  const { selection, band, shown } = view
  if (shown.selectable) view.tell({ id: shown.of, stretch: selection && selection[1] > selection[0] ? selection : null, band })
}

function pointed(view, event) {
  const box = view.over.getBoundingClientRect()
  const y = event.clientY - box.top
  const x = Math.max(view.plot.left, Math.min(view.plot.right, event.clientX - box.left))
  const row = view.shown.rows.findIndex((item) => y >= item.top - 2 && y <= item.bottom + 2)
  return { time: xToTime(view, x), x, y: row < 0 ? null : y, row }
}

export function listenToPointer(view) {
  const { over } = view
  over.onpointermove = (event) => {
    if (!view.shown) return
    const { drag } = view
    view.cursor = pointed(view, event)
    if (drag && Math.abs(view.cursor.x - drag.x) > 4) drag.moved = view.shown.selectable
    if (drag?.moved) {
      select(view, drag.time, view.cursor.time)
      selectBand(view, view)
    }
    const points = view.shown.presses === "anywhere" || boxAt(view, view.cursor)
    over.style.cursor = points ? "pointer" : ""
    drawOver(view)
  }
  over.onpointerleave = () => {
    if (view.drag) return
    view.cursor = null
    drawOver(view)
  }
  over.onpointerdown = (event) => {
    if (!view.shown || event.button) return
    over.setPointerCapture(event.pointerId)
    view.drag = { ...pointed(view, event), moved: false }
  }
  over.onpointercancel = () => {
    view.drag = null
    view.selection = view.shown.selection
    view.band = view.shown.band ?? null
    drawOver(view)
  }
  over.onpointerup = (event) => {
    if (!view.drag) return
    const { drag } = view
    view.drag = null
    if (event.pointerType === "touch") view.cursor = pointed(view, event)
    if (drag.moved) commit(view)
    else press(view, drag)
  }
}

// A press on a place: on a box, beside the selection, which takes it back, or where the player is to go on.
export function press(view, place) {
  const { shown, selection } = view
  const { time } = place
  const box = boxAt(view, place)
  if (box || shown.presses === "anywhere") return view.press({ id: shown.of, box: box ? box.id : "", time })
  if (shown.selectable && selection && (time < selection[0] || time > selection[1])) {
    view.selection = view.band = null
    return commit(view)
  }
  seek(view, time)
  drawOver(view, time)
}
