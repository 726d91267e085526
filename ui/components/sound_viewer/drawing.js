// The still picture: waveforms and images, a row below the other.
import { drawBoxes } from "./boxes.js"
import { BAR, cellAt, drawBar, drawMarks, drawTimes, gutter, timeToX, xToTime } from "./axes.js"

export function colour(view, name, fallback) {
  return getComputedStyle(view.root).getPropertyValue(name).trim() || fallback
}

export function drawStill(view) {
  const { root, base, over, shown } = view
  view.width = root.clientWidth
  if (!view.width) return
  const pen = base.getContext("2d")
  const font = `12px ${colour(view, "--st-font", "sans-serif")}`
  pen.font = font
  const bars = shown.rows.some((row) => row.kind === "image")
  view.plot = { left: gutter(pen, view), right: view.width - (bars ? BAR.room : 8) }
  layOut(pen, view)
  const ratio = window.devicePixelRatio || 1
  for (const canvas of [base, over]) {
    canvas.width = Math.round(view.width * ratio)
    canvas.height = Math.round(view.height * ratio)
    canvas.style.height = `${view.height}px`
    canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0)
  }
  pen.font = font // a canvas that changes its size forgets it
  const faint = getComputedStyle(view.line).color
  for (const row of shown.rows) {
    pen.fillStyle = faint
    pen.textAlign = "left"
    pen.textBaseline = "alphabetic"
    row.lines.forEach((line, number) => pen.fillText(line, view.plot.left, row.top - 6 - 15 * (row.lines.length - 1 - number)))
    if (row.kind === "wave") drawWave(pen, view, row, ratio)
    else drawImage(pen, view, row, ratio)
    pen.fillStyle = faint
    drawMarks(pen, view, row)
    if (row.kind === "image" && row.bar) drawBar(pen, view, row)
  }
  drawBoxes(pen, view)
  pen.fillStyle = faint
  drawTimes(pen, view)
  root.dataset.shown = shown.id
  root.dataset.drawn = String(performance.now())
}

// Each row's place, and the lines of its title.
function layOut(pen, view) {
  let top = 4
  for (const row of view.shown.rows) {
    row.lines = row.title ? wrapped(pen, row.title, view.plot.right - view.plot.left) : []
    row.top = top + (row.lines.length ? 4 + 15 * row.lines.length : 0)
    row.bottom = row.top + row.height
    top = row.bottom + 8
  }
  view.height = top + 16
}

function wrapped(pen, text, width) {
  const lines = [""]
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim()
    if (lines.at(-1) && pen.measureText(longer).width > width) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines
}

function drawWave(pen, view, row, ratio) {
  const { left, right } = view.plot
  const lane = row.height / row.channels
  const at = (column) => timeToX(view, row.x0 + column * row.dx)
  const wide = Math.max(1 / ratio, Math.abs(at(1) - at(0)))
  for (let channel = 0; channel < row.channels; channel++) {
    const middle = row.top + lane * (channel + 0.5)
    const scale = (row.scale * (lane / 2 - 1)) / row.reach
    const first = channel * row.columns
    pen.fillStyle = colour(view, "--st-border-color", "#ddd")
    pen.fillRect(left, middle - 0.5, right - left, 1)
    pen.strokeStyle = pen.fillStyle = colour(view, "--st-primary-color", "#0b6b68")
    if (row.exact && right - left > 2 * row.columns) {
      const points = [...Array(row.columns).keys()].map((column) => [at(column), middle - row.high[first + column] * scale])
      drawSamples(pen, points, right - left > 8 * row.columns)
      continue
    }
    for (let column = 0; column < row.columns; column++) {
      const low = row.low[first + column] * scale
      const high = row.high[first + column] * scale
      pen.fillRect(at(column) - wide / 2, middle - high - 0.5, wide, Math.max(1, high - low + 1))
    }
  }
}

// So few samples that a line joins them; with dots where there is room.
function drawSamples(pen, points, dots) {
  pen.lineWidth = 1.4
  pen.beginPath()
  for (const [x, y] of points) pen.lineTo(x, y)
  pen.stroke()
  if (!dots) return
  for (const [x, y] of points) {
    pen.beginPath()
    pen.arc(x, y, 2.5, 0, 7)
    pen.fill()
  }
}

// The loudest cell that falls on a pixel gives its colour: a tone of one bin is not lost on a small screen.
function drawImage(pen, view, row, ratio) {
  const x0 = Math.max(view.plot.left, timeToX(view, row.x0 - row.dx / 2))
  const x1 = Math.min(view.plot.right, timeToX(view, row.x0 + (row.columns - 0.5) * row.dx))
  const wide = Math.max(1, Math.round((x1 - x0) * ratio))
  const high = Math.max(1, Math.round(row.height * ratio))
  const offset = (xToTime(view, x0) - (row.x0 - row.dx / 2)) / row.dx
  const step = (xToTime(view, x1) - xToTime(view, x0)) / row.dx / wide
  const stronger = row.signed ? (one, other) => Math.abs(one) > Math.abs(other) : (one, other) => one > other
  const picture = new ImageData(wide, high)
  const pixels = new Uint32Array(picture.data.buffer)
  const lut = table(row.colours)
  const factor = 255 / Math.max(1e-12, row.high - row.low)
  const line = new Float32Array(row.columns)
  let last = []
  for (let pixel = 0; pixel < high; pixel++) {
    const [from, to] = cellsOf(row, pixel / high, (pixel + 1) / high)
    if (from === last[0] && to === last[1]) {
      pixels.copyWithin(pixel * wide, (pixel - 1) * wide, pixel * wide)
      continue
    }
    last = [from, to]
    for (let column = 0; column < row.columns; column++) {
      let best = row.values[from * row.columns + column]
      for (let cell = from + 1; cell < to; cell++) {
        const value = row.values[cell * row.columns + column]
        if (stronger(value, best)) best = value
      }
      line[column] = best
    }
    for (let x = 0; x < wide; x++) {
      let column = Math.min(row.columns - 1, Math.max(0, Math.floor(offset + x * step)))
      const end = Math.min(row.columns, Math.max(column + 1, Math.floor(offset + (x + 1) * step)))
      let best = line[column]
      for (column++; column < end; column++) if (stronger(line[column], best)) best = line[column]
      const shade = (best * row.unit_scale - row.low) * factor
      pixels[pixel * wide + x] = lut[shade < 0 ? 0 : shade > 255 ? 255 : Math.round(shade)]
    }
  }
  pen.save()
  pen.setTransform(1, 0, 0, 1, 0, 0)
  pen.putImageData(picture, Math.round(x0 * ratio), Math.round(row.top * ratio))
  pen.restore()
}

// The cells between two shares of a picture's height: the first, and the one after the last.
function cellsOf(row, above, below) {
  const ends = [cellAt(row, above), cellAt(row, below)]
  const from = Math.max(0, Math.min(row.rows - 1, Math.floor(Math.min(...ends))))
  return [from, Math.max(from + 1, Math.min(row.rows, Math.floor(Math.max(...ends))))]
}

const tables = new Map()

// 256 colours between those of a map, as the words that ImageData holds.
function table(colours) {
  const key = colours.join("")
  if (!tables.has(key)) {
    const lut = new Uint32Array(256)
    for (let shade = 0; shade < 256; shade++) {
      const place = (shade / 255) * (colours.length - 1)
      const step = Math.min(colours.length - 2, Math.floor(place))
      const mix = place - step
      const [one, two] = [colours[step], colours[step + 1]].map((text) => parseInt(text.slice(1), 16))
      const part = (shift) => Math.round(((one >> shift) & 255) * (1 - mix) + ((two >> shift) & 255) * mix)
      lut[shade] = (255 << 24) | (part(0) << 16) | (part(8) << 8) | part(16)
    }
    tables.set(key, lut)
  }
  return tables.get(key)
}
