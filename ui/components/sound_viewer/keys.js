// The keyboard: arrows move the cursor, with Shift they select, Enter is a press, Escape takes the selection back.
import { timeToX } from "./axes.js"
import { commit, drawOver, press, select } from "./selection.js"

const STEPS = 24 // over the height of a picture

export function listenToKeys(view) {
  const { over } = view
  over.onkeydown = (event) => {
    if (!view.shown) return
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    const down = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    if (event.key === "Escape" && view.selection && view.shown.selectable) {
      view.selection = view.band = null
      commit(view)
    } else if (way) {
      event.preventDefault()
      const far = event.ctrlKey || event.altKey // macOS keeps Ctrl with an arrow for itself
      move(view, way * (far ? 10 : 1), event.shiftKey)
    } else if (down) {
      event.preventDefault()
      climb(view, down)
    } else if (event.key === "Enter" && view.cursor) {
      press(view, { ...view.cursor, x: timeToX(view, view.cursor.time) })
    }
  }
  over.onkeyup = (event) => {
    if (event.key !== "Shift" || view.anchor === undefined) return
    view.anchor = undefined
    commit(view)
  }
  over.onfocus = () => {
    view.keys = over.matches(":focus-visible")
    if (view.plot) drawOver(view)
  }
  over.onblur = () => {
    if (!view.keys) return
    view.keys = false
    view.cursor = null
    drawOver(view)
  }
}

// The cursor by so many steps, of which there are 200; `selects`: from where it was when that began.
function move(view, steps, selects) {
  const { start, end } = view.shown
  const { time: from, row, y } = cursor(view)
  const time = Math.max(start, Math.min(end, from + (steps * (end - start)) / 200))
  view.cursor = { time, row, y }
  if (selects && view.shown.selectable) {
    view.anchor ??= from
    select(view, view.anchor, time)
  }
  drawOver(view)
}

// The cursor a step up or down: of frequency in a picture, of channels in a waveform, and from each picture to the next.
function climb(view, way) {
  const { rows } = view.shown
  const { time, row: at, y: from } = cursor(view)
  const step = (row) => row.height / (row.kind === "wave" ? row.channels : Math.min(STEPS, row.rows))
  let row = rows[at]
  let y = (from ?? (row.top + row.bottom) / 2) + way * step(row)
  const next = y < row.top || y > row.bottom ? rows[at + way] : null
  if (next) {
    row = next
    y = way > 0 ? row.top + step(row) / 2 : row.bottom - step(row) / 2
  }
  view.cursor = { time, row: rows.indexOf(row), y: Math.max(row.top, Math.min(row.bottom, y)) }
  drawOver(view)
}

function cursor({ cursor, shown }) {
  return { time: cursor?.time ?? (shown.start + shown.end) / 2, row: Math.max(0, cursor?.row ?? 0), y: cursor?.y ?? null }
}
