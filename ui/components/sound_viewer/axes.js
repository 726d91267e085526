// Where a time, a frequency and a pixel lie, and the marks beside the pictures. `view.plot` is the ground of all rows, in CSS pixels.
import { clock, decimal, minus } from "./numbers.js"

export const BAR = { room: 52, gap: 8, width: 9 }
const OCTAVES = [31.25, 62.5, 125, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000]
const EVEN = [0, 1000, 2000, 4000, 6000, 8000, 10000, 12000, 16000, 20000, 30000, 40000, 60000, 80000]

export function timeToX({ plot, shown }, time) {
  return plot.left + ((time - shown.start) / (shown.end - shown.start)) * (plot.right - plot.left)
}

export function xToTime({ plot, shown }, x) {
  return shown.start + ((x - plot.left) / (plot.right - plot.left)) * (shown.end - shown.start)
}

// From the share of a picture's height, counted from its top, to the (fractional) cell; and back.
export function cellAt(row, share) {
  const up = 1 - share
  if (row.axis !== "log") return up * row.rows
  const low = logFloor(row)
  return place(row.y, low * Math.pow(row.y[row.rows - 1] / low, up)) + 0.5
}

export function shareOf(row, value) {
  if (row.axis !== "log") return 1 - (place(row.y, value) + 0.5) / row.rows
  const low = logFloor(row)
  return 1 - Math.log(value / low) / Math.log(row.y[row.rows - 1] / low)
}

// The frequency at a share of a picture's height, counted from its top.
export function valueAt(row, share) {
  const cell = Math.max(0, Math.min(row.rows - 1, cellAt(row, share) - 0.5))
  const from = Math.min(row.rows - 2, Math.floor(cell))
  return row.rows < 2 ? row.y[0] : row.y[from] + (cell - from) * (row.y[from + 1] - row.y[from])
}

function logFloor(row) {
  return Math.max(row.y[0], row.y[row.rows - 1] / 300, row.rows > 1 ? Math.min(row.y[1], 20) : 1)
}

function place(list, value) {
  if (list.length < 2) return 0
  let low = 0
  let high = list.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (list[middle] <= value) low = middle
    else high = middle
  }
  return low + (value - list[low]) / (list[high] - list[low])
}

// What stands to the left of a row: levels, names or frequencies.
export function drawMarks(pen, view, row) {
  pen.textAlign = "right"
  pen.textBaseline = "middle"
  const write = (text, y) => pen.fillText(text, view.plot.left - 7, y)
  if (row.kind === "wave") return drawLevels(write, row)
  if (row.axis === "names") {
    const lane = row.height / row.rows
    return row.names.forEach((name, cell) => write(fitted(pen, name, view.plot.left - 9), row.bottom - lane * (cell + 0.5)))
  }
  let before = Infinity
  for (const value of values(row)) {
    const y = row.top + shareOf(row, value) * row.height
    if (y < row.top + 3 || y > row.bottom - 3 || before - y < 17) continue
    before = y
    write(row.axis !== "index" && value >= 1000 ? `${value / 1000}k` : String(Math.round(value)), y)
    pen.fillRect(view.plot.left - 4, y - 0.5, 3, 1)
  }
}

function values(row) {
  if (row.axis === "linear") return EVEN
  return row.axis === "index" ? [0, 1, 2, 3, 4].map((n) => Math.round((n * row.y[row.rows - 1]) / 4)) : OCTAVES
}

function drawLevels(write, row) {
  const lane = row.height / row.channels
  if (row.channels > 1) return row.names.forEach((name, channel) => write(name, row.top + lane * (channel + 0.5)))
  write(decimal(row.reach), row.top + 6)
  write("0", row.top + row.height / 2)
  write(`−${decimal(row.reach)}`, row.bottom - 6)
}

// As much of a name as there is room for.
function fitted(pen, name, width) {
  if (pen.measureText(name).width <= width) return name
  let end = name.length
  while (end > 1 && pen.measureText(`${name.slice(0, end)}…`).width > width) end--
  return `${name.slice(0, end)}…`
}

// Room to the left of the rows: more where names stand there.
export function gutter(pen, view) {
  const least = view.width < 520 ? 46 : 58
  const names = view.shown.rows.flatMap((row) => (row.axis === "names" ? row.names : []))
  const wide = Math.max(0, ...names.map((name) => pen.measureText(name).width + 12))
  return Math.round(Math.max(least, Math.min(wide, 0.3 * view.width)))
}

// Which colour is which value.
export function drawBar(pen, view, row) {
  const x = view.plot.right + BAR.gap
  const ink = pen.fillStyle
  const shades = pen.createLinearGradient(0, row.bottom, 0, row.top)
  row.colours.forEach((shade, number) => shades.addColorStop(number / (row.colours.length - 1), shade))
  pen.fillStyle = shades
  pen.fillRect(x, row.top, BAR.width, row.height)
  pen.fillStyle = ink
  pen.textAlign = "left"
  pen.textBaseline = "middle"
  for (const share of [0, 0.5, 1]) {
    const value = row.low + share * (row.high - row.low)
    const far = row.high - row.low >= 10 ? Math.round(value) : Number(value.toPrecision(2))
    const y = Math.min(row.bottom - 6, Math.max(row.top + 6, row.bottom - share * row.height))
    pen.fillText(minus(far || 0), x + BAR.width + 4, y)
  }
  pen.textBaseline = "alphabetic"
  if (row.unit && row.title) pen.fillText(row.unit, x, row.top - 6)
}

export function drawTimes(pen, view) {
  const { start, end } = view.shown
  const { left, right } = view.plot
  const rough = (end - start) / Math.max(2, (right - left) / 90)
  const size = Math.pow(10, Math.floor(Math.log10(rough)))
  let step = [1, 2, 5, 10].map((n) => n * size).find((n) => n >= rough)
  if (rough > 30) step = [60, 120, 300, 600, 1200, 1800, 3600, 7200].find((n) => n >= rough) || step
  pen.textBaseline = "alphabetic"
  const bottom = view.height - 20
  for (let n = Math.ceil(start / step - 1e-9); n * step <= end + 1e-9; n++) {
    const x = timeToX(view, n * step)
    pen.fillRect(x - 0.5, bottom, 1, 4)
    pen.textAlign = x > right - 20 ? "right" : x < left + 12 ? "left" : "center"
    pen.fillText(clock(n * step, step, end), Math.min(x, right), bottom + 16)
  }
}
