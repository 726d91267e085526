// Pictures of a sound on one time axis, drawn on a canvas: one cursor through all of them, a stretch that can be selected,
// and the place that is being played. What a page gives, and how it is packed, stands in rows.py.
import { drawStill } from "./drawing.js"
import { listenToKeys } from "./keys.js"
import { keysOf } from "./numbers.js"
import { follow } from "./playback.js"
import { drawOver, listenToPointer } from "./selection.js"

const views = new WeakMap()
const TYPES = { int8: Int8Array, int16: Int16Array, float32: Float32Array }

export default function (component) {
  const { data, parentElement, setStateValue, setTriggerValue } = component
  if (!views.has(parentElement)) views.set(parentElement, make(parentElement.querySelector(".viewer")))
  const view = views.get(parentElement)
  view.tell = (selection) => setStateValue("selection", selection)
  view.press = (pressed) => setTriggerValue("pressed", pressed)
  show(view, unpack(data))
  return () => {
    view.close()
    views.delete(parentElement)
  }
}

// The header with the arrays of its rows, out of the bytes that are sent.
function unpack(bytes) {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const size = new DataView(buffer).getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)))
  for (const row of header.rows) {
    for (const name of row.arrays) {
      const { at, count, type } = row[name]
      const from = 4 + size + at
      row[name] = new TYPES[type](buffer.slice(from, from + count * TYPES[type].BYTES_PER_ELEMENT))
    }
  }
  return header
}

// What all modules share: the elements, what is shown and where, cursor, selection, what is dragged.
function make(root) {
  const [base, over, line] = [".base", ".over", ".readout"].map((name) => root.querySelector(name))
  const view = { root, base, over, line, shown: null, plot: null, cursor: null, selection: null, band: null, drag: null, frame: 0, width: 0 }
  const observer = new ResizeObserver(() => {
    if (view.shown && root.clientWidth !== view.width) draw(view)
  })
  observer.observe(root)
  const onPlay = () => follow(view)
  for (const name of ["play", "seeked"]) document.addEventListener(name, onPlay, true)
  listenToPointer(view)
  listenToKeys(view)
  view.close = () => {
    observer.disconnect()
    cancelAnimationFrame(view.frame)
    for (const name of ["play", "seeked"]) document.removeEventListener(name, onPlay, true)
  }
  return view
}

function show(view, header) {
  if (view.shown?.id !== header.id) view.cursor = null
  view.shown = header
  if (!view.drag) {
    view.selection = header.selection
    view.band = header.band ?? null
  }
  view.base.setAttribute("aria-label", header.alt)
  view.over.setAttribute("aria-label", `${header.alt}. ${keysOf(header)}`)
  draw(view)
  follow(view)
}

function draw(view) {
  drawStill(view)
  if (view.width) drawOver(view)
}
