// The keyboard: arrows move the cursor, with Shift they select, Escape takes the selection back.
import { commit, drawOver, select } from "./selection.js"

export function listenToKeys(view) {
  view.over.onkeydown = (event) => {
    if (!view.shown) return
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (event.key === "Escape" && view.selection && view.shown.selectable) {
      view.selection = view.band = null
      commit(view)
    } else if (way) {
      event.preventDefault()
      const far = event.ctrlKey || event.altKey // macOS keeps Ctrl with an arrow for itself
      move(view, way * (far ? 10 : 1), event.shiftKey)
    }
  }
  view.over.onkeyup = (event) => {
    if (event.key !== "Shift" || view.anchor === undefined) return
    view.anchor = undefined
    commit(view)
  }
}

// The cursor by so many steps, of which there are 200; `selects`: from where it was when that began.
function move(view, steps, selects) {
  const { start, end } = view.shown
  const from = view.cursor?.time ?? (start + end) / 2
  const time = Math.max(start, Math.min(end, from + (steps * (end - start)) / 200))
  view.cursor = { time, row: view.cursor?.row ?? 0, y: view.cursor?.y ?? null }
  if (selects && view.shown.selectable) {
    view.anchor ??= from
    select(view, view.anchor, time)
  }
  drawOver(view)
}
