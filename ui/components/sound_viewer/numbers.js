// Numbers in words, and what is read under the cursor.
import { cellAt } from "./axes.js"

export const minus = (text) => String(text).replace("-", "−")
export const decimal = (value) => (value >= 0.995 ? value.toFixed(0) : value >= 0.095 ? value.toFixed(1) : value.toPrecision(1))
const frequency = (hertz) => (hertz >= 1000 ? `${(hertz / 1000).toFixed(2)} kHz` : `${Math.round(hertz)} Hz`)

// A time on an axis that ends at `end`, told to the digits of a step.
export function clock(time, step, end) {
  const digits = step >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(step)))
  if (end < 60) return `${minus(time.toFixed(digits))} s`
  const whole = Math.floor(time / 60 + 1e-9)
  const rest = Math.max(0, time - 60 * whole).toFixed(digits)
  const padded = Number(rest) < 10 ? `0${rest}` : rest
  return whole < 60 ? `${whole}:${padded}` : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}:${padded}`
}

function seconds(shown, time) {
  return time < 60 ? `${minus(time.toFixed(shown.end - shown.start < 0.1 ? 5 : 3))} s` : clock(time, 0.001, shown.end)
}

// The line over the pictures: what is under the cursor, else what is selected, else the hint.
export function readout({ cursor, shown, selection, band, keys }) {
  if (cursor) return [seconds(shown, cursor.time), ...told(shown.rows[cursor.row], cursor)].join(" · ")
  if (!selection || !shown.selectable) return keys ? keysOf(shown) : shown.hint
  const hertz = band ? ` · ${frequency(band[0])} to ${frequency(band[1])}` : ""
  return `selected ${seconds(shown, selection[0])} to ${seconds(shown, selection[1])}${hertz} · Esc or a click takes it back`
}

// What the keys do, in words.
export function keysOf({ selectable, player, presses, boxes }) {
  const enters = presses || boxes?.some(({ id }) => id) ? "Enter presses" : player && "Enter sets the player"
  const words = ["Arrow keys read values", selectable && "with Shift they select, Escape takes it back", enters]
  return words.filter(Boolean).join(" · ")
}

function told(row, { time, y }) {
  if (!row) return []
  const column = Math.max(0, Math.min(row.columns - 1, Math.round((time - row.x0) / row.dx)))
  const share = ((y ?? (row.top + row.bottom) / 2) - row.top) / row.height
  return row.kind === "wave" ? amplitude(row, column, y === null ? 0 : share) : level(row, column, share)
}

function amplitude(row, column, share) {
  const channel = Math.max(0, Math.min(row.channels - 1, Math.floor(share * row.channels)))
  const [low, high] = [row.low, row.high].map((side) => side[channel * row.columns + column] * row.scale)
  const peak = Math.max(Math.abs(low), Math.abs(high))
  const sample = (value) => minus(value.toFixed(3))
  return [
    ...(row.channels > 1 ? [row.names[channel]] : []),
    row.exact ? sample(high) : `${sample(low)} to ${sample(high)}`,
    peak > 0 ? `${minus((20 * Math.log10(peak)).toFixed(1))} dBFS` : "silent",
  ]
}

function level(row, column, share) {
  const cell = Math.max(0, Math.min(row.rows - 1, Math.floor(cellAt(row, share))))
  const value = row.values[cell * row.columns + column] * row.unit_scale
  const where = { names: () => row.names[cell], index: () => `coefficient ${Math.round(row.y[cell])}` }[row.axis]
  const digits = row.unit ? Math.round(value) : Number(value.toPrecision(3))
  return [where ? where() : frequency(row.y[cell]), `${minus(digits)} ${row.unit}`.trim()]
}
