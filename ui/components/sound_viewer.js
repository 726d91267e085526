// Pictures of a sound on one time axis, drawn on a canvas: one cursor through all of them, a stretch that can be selected,
// and the place that is being played. The layout of what it is given stands in sound_viewer.py.

const views = new WeakMap()
const BAR = { room: 52, gap: 8, width: 9 }
const TYPES = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, float32: Float32Array }

export default function (component) {
  const { data, parentElement, setStateValue } = component
  let view = views.get(parentElement)
  if (!view) {
    view = make(parentElement)
    views.set(parentElement, view)
  }
  view.tell = (selection) => setStateValue("selection", selection)
  view.show(unpack(data))
  return () => {
    view.close()
    views.delete(parentElement)
  }
}

function unpack(bytes) {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const size = new DataView(buffer).getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)))
  const array = ({ at, count, type }) => {
    const from = 4 + size + at
    return new TYPES[type](buffer.slice(from, from + count * TYPES[type].BYTES_PER_ELEMENT))
  }
  for (const row of header.rows) {
    for (const name of row.arrays) row[name] = array(row[name])
  }
  return header
}

function make(parent) {
  const root = parent.querySelector(".viewer")
  const base = root.querySelector(".base")
  const over = root.querySelector(".over")
  const readout = root.querySelector(".readout")
  const state = { shown: null, cursor: null, selection: null, drag: null, frame: 0, width: 0 }

  const observer = new ResizeObserver(() => {
    if (state.shown && root.clientWidth !== state.width) draw()
  })
  observer.observe(root)
  const onPlay = () => follow()
  document.addEventListener("play", onPlay, true)
  document.addEventListener("seeked", onPlay, true)

  function show(header) {
    const same = state.shown && state.shown.id === header.id
    if (!same) state.cursor = null
    state.shown = header
    if (!state.drag) state.selection = header.selection
    base.setAttribute("aria-label", header.alt)
    draw()
    follow()
  }

  function colour(name, fallback) {
    return getComputedStyle(root).getPropertyValue(name).trim() || fallback
  }

  // --- the still picture

  function draw() {
    const { shown } = state
    state.width = root.clientWidth
    if (!state.width) return
    const left = state.width < 520 ? 46 : 58
    const bars = shown.rows.some((row) => row.kind === "image")
    state.plot = { left, right: state.width - (bars ? BAR.room : 8) }
    const pen = base.getContext("2d")
    const font = `12px ${colour("--st-font", "sans-serif")}`
    pen.font = font
    let top = 4
    for (const row of shown.rows) {
      row.lines = row.title ? wrapped(pen, row.title, state.plot.right - left) : []
      row.top = top + (row.lines.length ? 4 + 15 * row.lines.length : 0)
      row.bottom = row.top + row.height
      top = row.bottom + 8
    }
    state.height = top + 16
    const ratio = window.devicePixelRatio || 1
    for (const canvas of [base, over]) {
      canvas.width = Math.round(state.width * ratio)
      canvas.height = Math.round(state.height * ratio)
      canvas.style.height = `${state.height}px`
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0)
    }
    pen.font = font // a canvas that changes its size forgets it
    const faint = getComputedStyle(readout).color
    for (const row of shown.rows) {
      pen.fillStyle = faint
      pen.textAlign = "left"
      pen.textBaseline = "alphabetic"
      row.lines.forEach((line, number) => pen.fillText(line, left, row.top - 6 - 15 * (row.lines.length - 1 - number)))
      if (row.kind === "wave") drawWave(pen, row, ratio)
      else drawImage(pen, row, ratio)
      drawMarks(pen, row, faint)
      if (row.kind === "image") drawBar(pen, row, faint)
    }
    drawTimes(pen, faint)
    root.dataset.shown = shown.id
    root.dataset.drawn = String(performance.now())
    overlay()
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

  function drawWave(pen, row, ratio) {
    const { left, right } = state.plot
    const lane = row.height / row.channels
    for (let channel = 0; channel < row.channels; channel++) {
      const middle = row.top + lane * (channel + 0.5)
      const reach = (lane / 2 - 1) / row.reach
      pen.fillStyle = colour("--st-border-color", "#ddd")
      pen.fillRect(left, middle - 0.5, right - left, 1)
      pen.strokeStyle = pen.fillStyle = colour("--st-primary-color", "#0b6b68")
      const at = (column) => timeToX(row.x0 + column * row.dx)
      const first = channel * row.columns
      if (row.exact && right - left > 2 * row.columns) {
        pen.lineWidth = 1.4
        pen.beginPath()
        for (let column = 0; column < row.columns; column++) {
          pen.lineTo(at(column), middle - row.high[first + column] * row.scale * reach)
        }
        pen.stroke()
        if (right - left > 8 * row.columns) {
          for (let column = 0; column < row.columns; column++) {
            pen.beginPath()
            pen.arc(at(column), middle - row.high[first + column] * row.scale * reach, 2.5, 0, 7)
            pen.fill()
          }
        }
      } else {
        const wide = Math.max(1 / ratio, Math.abs(at(1) - at(0)))
        for (let column = 0; column < row.columns; column++) {
          const low = row.low[first + column] * row.scale * reach
          const high = row.high[first + column] * row.scale * reach
          pen.fillRect(at(column) - wide / 2, middle - high - 0.5, wide, Math.max(1, high - low + 1))
        }
      }
    }
  }

  // The loudest cell that falls on a pixel gives its colour: a tone of one bin is not lost on a small screen.
  function drawImage(pen, row, ratio) {
    const { left, right } = state.plot
    const x0 = Math.max(left, timeToX(row.x0 - row.dx / 2))
    const x1 = Math.min(right, timeToX(row.x0 + (row.columns - 0.5) * row.dx))
    const wide = Math.max(1, Math.round((x1 - x0) * ratio))
    const high = Math.max(1, Math.round(row.height * ratio))
    const spans = []
    for (let pixel = 0; pixel < high; pixel++) {
      const above = cellAt(row, pixel / high)
      const below = cellAt(row, (pixel + 1) / high)
      const from = Math.max(0, Math.min(row.rows - 1, Math.floor(Math.min(above, below))))
      spans.push([from, Math.max(from + 1, Math.min(row.rows, Math.floor(Math.max(above, below))))])
    }
    const offset = (xToTime(x0) - (row.x0 - row.dx / 2)) / row.dx
    const step = (xToTime(x1) - xToTime(x0)) / row.dx / wide
    const picture = new ImageData(wide, high)
    const pixels = new Uint32Array(picture.data.buffer)
    const lut = table(row.colours)
    const factor = (255 * row.unit_scale) / Math.max(1e-12, row.high - row.low)
    const bias = (255 * -row.low) / Math.max(1e-12, row.high - row.low)
    const signed = row.signed
    const line = new Float32Array(row.columns)
    let last = null
    for (let pixel = 0; pixel < high; pixel++) {
      const [from, to] = spans[pixel]
      if (!last || last[0] !== from || last[1] !== to) {
        for (let column = 0; column < row.columns; column++) {
          let best = row.values[from * row.columns + column]
          for (let cell = from + 1; cell < to; cell++) {
            const value = row.values[cell * row.columns + column]
            if (signed ? Math.abs(value) > Math.abs(best) : value > best) best = value
          }
          line[column] = best
        }
        last = [from, to]
      } else if (pixel) {
        pixels.copyWithin(pixel * wide, (pixel - 1) * wide, pixel * wide)
        continue
      }
      for (let x = 0; x < wide; x++) {
        let column = Math.min(row.columns - 1, Math.max(0, Math.floor(offset + x * step)))
        const end = Math.min(row.columns, Math.max(column + 1, Math.floor(offset + (x + 1) * step)))
        let best = line[column]
        for (column++; column < end; column++) {
          const value = line[column]
          if (signed ? Math.abs(value) > Math.abs(best) : value > best) best = value
        }
        const shade = best * factor + bias
        pixels[pixel * wide + x] = lut[shade < 0 ? 0 : shade > 255 ? 255 : Math.round(shade)]
      }
    }
    pen.save()
    pen.setTransform(1, 0, 0, 1, 0, 0)
    pen.putImageData(picture, Math.round(x0 * ratio), Math.round(row.top * ratio))
    pen.restore()
  }

  const tables = new Map()
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

  // --- axes

  function timeToX(time) {
    const { left, right } = state.plot
    const { start, end } = state.shown
    return left + ((time - start) / (end - start)) * (right - left)
  }

  function xToTime(x) {
    const { left, right } = state.plot
    const { start, end } = state.shown
    return start + ((x - left) / (right - left)) * (end - start)
  }

  // From the share of a picture's height, counted from its top, to the (fractional) cell; and back.
  function cellAt(row, share) {
    const up = 1 - share
    if (row.axis !== "log") return up * row.rows
    const low = logFloor(row)
    const hertz = low * Math.pow(row.y[row.rows - 1] / low, up)
    return place(row.y, hertz) + 0.5
  }

  function logFloor(row) {
    return Math.max(row.y[0], row.y[row.rows - 1] / 300, row.rows > 1 ? Math.min(row.y[1], 20) : 1)
  }

  function shareOf(row, value) {
    if (row.axis !== "log") return 1 - (place(row.y, value) + 0.5) / row.rows
    const low = logFloor(row)
    return 1 - Math.log(value / low) / Math.log(row.y[row.rows - 1] / low)
  }

  function place(list, value) {
    if (list.length < 2 || value <= list[0]) return list.length < 2 ? 0 : (value - list[0]) / (list[1] - list[0])
    let low = 0
    let high = list.length - 1
    if (value >= list[high]) return high + (value - list[high]) / (list[high] - list[high - 1])
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (list[middle] <= value) low = middle
      else high = middle
    }
    return low + (value - list[low]) / (list[high] - list[low])
  }

  function drawMarks(pen, row, faint) {
    const { left } = state.plot
    pen.fillStyle = faint
    pen.textAlign = "right"
    pen.textBaseline = "middle"
    if (row.kind === "wave") {
      const names = row.channels > 1 ? row.names : []
      const lane = row.height / row.channels
      names.forEach((name, channel) => pen.fillText(name, left - 7, row.top + lane * (channel + 0.5)))
      if (!names.length) {
        pen.fillText(decimal(row.reach), left - 7, row.top + 6)
        pen.fillText("0", left - 7, row.top + row.height / 2)
        pen.fillText(`−${decimal(row.reach)}`, left - 7, row.bottom - 6)
      }
      return
    }
    const hertz = [31.25, 62.5, 125, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000]
    const even = [0, 1000, 2000, 4000, 6000, 8000, 10000, 12000, 16000, 20000, 30000, 40000, 60000, 80000]
    const top = row.y[row.rows - 1]
    const values =
      row.axis === "index" ? [...Array(5).keys()].map((n) => Math.round((n * top) / 4)) : row.axis === "linear" ? even : hertz
    let before = Infinity
    for (const value of values) {
      const y = row.top + shareOf(row, value) * row.height
      if (y < row.top + 3 || y > row.bottom - 3 || before - y < 17) continue
      before = y
      pen.fillText(row.axis === "index" ? String(value) : value >= 1000 ? `${value / 1000}k` : `${Math.round(value)}`, left - 7, y)
      pen.fillRect(left - 4, y - 0.5, 3, 1)
    }
  }

  // Which colour is which value.
  function drawBar(pen, row, faint) {
    const x = state.plot.right + BAR.gap
    const shades = pen.createLinearGradient(0, row.bottom, 0, row.top)
    row.colours.forEach((shade, number) => shades.addColorStop(number / (row.colours.length - 1), shade))
    pen.fillStyle = shades
    pen.fillRect(x, row.top, BAR.width, row.height)
    pen.fillStyle = faint
    pen.textAlign = "left"
    pen.textBaseline = "middle"
    for (const share of [0, 0.5, 1]) {
      const value = row.low + share * (row.high - row.low)
      const far = row.high - row.low >= 10 ? Math.round(value) : Number(value.toPrecision(2))
      const y = Math.min(row.bottom - 6, Math.max(row.top + 6, row.bottom - share * row.height))
      pen.fillText(minus(String(far || 0)), x + BAR.width + 4, y)
    }
    pen.textBaseline = "alphabetic"
    if (row.unit && row.title) pen.fillText(row.unit, x, row.top - 6)
  }

  function drawTimes(pen, faint) {
    const { start, end } = state.shown
    const { left, right } = state.plot
    const rough = (end - start) / Math.max(2, (right - left) / 90)
    const size = Math.pow(10, Math.floor(Math.log10(rough)))
    let step = [1, 2, 5, 10].map((n) => n * size).find((n) => n >= rough)
    if (rough > 30) step = [60, 120, 300, 600, 1200, 1800, 3600, 7200].find((n) => n >= rough) || step
    pen.fillStyle = faint
    pen.textBaseline = "alphabetic"
    const bottom = state.height - 20
    for (let n = Math.ceil(start / step - 1e-9); n * step <= end + 1e-9; n++) {
      const x = timeToX(n * step)
      pen.fillRect(x - 0.5, bottom, 1, 4)
      pen.textAlign = x > right - 20 ? "right" : x < left + 12 ? "left" : "center"
      pen.fillText(clock(n * step, step), Math.min(x, right), bottom + 16)
    }
  }

  // --- cursor, selection, what is played

  function overlay(played) {
    const pen = over.getContext("2d")
    pen.clearRect(0, 0, state.width, state.height)
    if (!state.shown || !state.plot) return
    const { left, right } = state.plot
    const rows = state.shown.rows
    const [top, bottom] = [rows[0].top, rows[rows.length - 1].bottom]
    if (state.selection) {
      const from = Math.max(left, timeToX(state.selection[0]))
      const to = Math.min(right, timeToX(state.selection[1]))
      pen.fillStyle = colour("--st-background-color", "#fff")
      pen.globalAlpha = 0.55
      for (const row of rows) {
        pen.fillRect(left, row.top, Math.max(0, from - left), row.height)
        pen.fillRect(to, row.top, Math.max(0, right - to), row.height)
      }
      pen.globalAlpha = 1
      pen.fillStyle = colour("--st-primary-color", "#0b6b68")
      for (const x of [from, to]) pen.fillRect(x - 1, top, 2, bottom - top)
    }
    if (played !== undefined && played !== null) {
      const x = timeToX(played)
      if (x >= left && x <= right) {
        pen.fillStyle = colour("--st-orange-color", "#b8640b")
        pen.fillRect(x - 1, top, 2, bottom - top)
      }
    }
    if (state.cursor) {
      const x = timeToX(state.cursor.time)
      pen.fillStyle = colour("--st-text-color", "#333")
      pen.globalAlpha = 0.6
      pen.fillRect(x - 0.5, top, 1, bottom - top)
      const row = rows[state.cursor.row]
      if (row && state.cursor.y !== null) pen.fillRect(left, state.cursor.y - 0.5, right - left, 1)
      pen.globalAlpha = 1
    }
    readout.textContent = words()
  }

  function words() {
    const { cursor, shown, selection } = state
    if (cursor) return told(cursor)
    if (selection) return `selected ${seconds(selection[0])} to ${seconds(selection[1])} · Esc or a click takes it back`
    return shown.hint
  }

  function told({ time, row: number, y }) {
    const row = state.shown.rows[number]
    const parts = [seconds(time)]
    if (!row) return parts[0]
    const column = Math.max(0, Math.min(row.columns - 1, Math.round((time - row.x0) / row.dx)))
    if (row.kind === "wave") {
      const channel = Math.max(0, Math.min(row.channels - 1, Math.floor(((y ?? row.top) - row.top) / (row.height / row.channels))))
      const [low, high] = [row.low, row.high].map((side) => side[channel * row.columns + column] * row.scale)
      if (row.channels > 1) parts.push(row.names[channel])
      const peak = Math.max(Math.abs(low), Math.abs(high))
      parts.push(row.exact ? level(high) : `${level(low)} to ${level(high)}`)
      parts.push(peak > 0 ? `${minus((20 * Math.log10(peak)).toFixed(1))} dBFS` : "silent")
    } else {
      const share = ((y ?? (row.top + row.bottom) / 2) - row.top) / row.height
      const cell = Math.max(0, Math.min(row.rows - 1, Math.floor(cellAt(row, share))))
      const value = row.values[cell * row.columns + column] * row.unit_scale
      parts.push(row.axis === "index" ? `coefficient ${Math.round(row.y[cell])}` : frequency(row.y[cell]))
      parts.push(`${minus(row.unit ? Math.round(value) : Number(value.toPrecision(3)))}${row.unit ? ` ${row.unit}` : ""}`)
    }
    return parts.join(" · ")
  }

  const minus = (text) => String(text).replace("-", "−")
  const level = (value) => minus(value.toFixed(3))
  const decimal = (value) => (value >= 0.995 ? value.toFixed(0) : value >= 0.095 ? value.toFixed(1) : value.toPrecision(1))
  const frequency = (hertz) => (hertz >= 1000 ? `${(hertz / 1000).toFixed(2)} kHz` : `${Math.round(hertz)} Hz`)
  function seconds(time) {
    const short = state.shown.end - state.shown.start < 0.1
    return time < 60 ? `${minus(time.toFixed(short ? 5 : 3))} s` : clock(time, 0.001)
  }
  function clock(time, step) {
    const digits = step >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(step)))
    if (state.shown.end < 60) return `${minus(time.toFixed(digits))} s`
    const whole = Math.floor(time / 60 + 1e-9)
    const rest = Math.max(0, time - 60 * whole).toFixed(digits)
    const padded = Number(rest) < 10 ? `0${rest}` : rest
    return whole < 60 ? `${whole}:${padded}` : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}:${padded}`
  }

  function at(event) {
    const box = over.getBoundingClientRect()
    const y = event.clientY - box.top
    const x = Math.max(state.plot.left, Math.min(state.plot.right, event.clientX - box.left))
    const row = state.shown.rows.findIndex((item) => y >= item.top - 2 && y <= item.bottom + 2)
    return { time: xToTime(x), x, y: row < 0 ? null : y, row }
  }

  over.onpointermove = (event) => {
    if (!state.shown) return
    const here = at(event)
    if (state.drag) {
      if (Math.abs(here.x - state.drag.x) > 4) state.drag.moved = true
      if (state.drag.moved && state.shown.selectable) {
        state.selection = [Math.min(state.drag.time, here.time), Math.max(state.drag.time, here.time)]
      }
    }
    state.cursor = here
    overlay(playing())
  }
  over.onpointerleave = () => {
    if (state.drag) return
    state.cursor = null
    overlay(playing())
  }
  over.onpointerdown = (event) => {
    if (!state.shown || event.button) return
    over.setPointerCapture(event.pointerId)
    state.drag = { ...at(event), moved: false }
  }
  over.onpointercancel = () => {
    state.drag = null
    state.selection = state.shown.selection
    overlay(playing())
  }
  over.onpointerup = (event) => {
    if (!state.drag) return
    const { moved, time } = state.drag
    state.drag = null
    if (event.pointerType === "touch") state.cursor = at(event)
    if (moved) return commit()
    if (state.shown.selectable && state.selection && (time < state.selection[0] || time > state.selection[1])) {
      state.selection = null
      return commit()
    }
    const player = audio()
    const place = time - state.shown.played_from
    if (player && place >= 0 && place < player.duration) player.currentTime = place
    overlay(time)
  }
  over.onkeydown = (event) => {
    if (!state.shown) return
    const { start, end } = state.shown
    const step = ((end - start) / 200) * (event.ctrlKey ? 10 : 1)
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (event.key === "Escape" && state.selection && state.shown.selectable) {
      state.selection = null
      commit()
    } else if (way) {
      event.preventDefault()
      const from = state.cursor ? state.cursor.time : (start + end) / 2
      const time = Math.max(start, Math.min(end, from + way * step))
      state.cursor = { time, row: state.cursor ? state.cursor.row : 0, y: state.cursor ? state.cursor.y : null }
      if (event.shiftKey && state.shown.selectable) {
        state.anchor = state.anchor ?? from
        state.selection = [Math.min(state.anchor, time), Math.max(state.anchor, time)]
      }
      overlay(playing())
    }
  }
  over.onkeyup = (event) => {
    if (event.key === "Shift" && state.anchor !== undefined) {
      state.anchor = undefined
      commit()
    }
  }

  function commit() {
    overlay(playing())
    const { selection, shown } = state
    view.tell({ id: shown.of, stretch: selection && selection[1] > selection[0] ? selection : null })
  }

  // --- the player beside the pictures

  function audio() {
    const name = state.shown && state.shown.player
    return name ? document.querySelector(`.st-key-${name} audio`) : null
  }
  function playing() {
    const player = audio()
    return player && (!player.paused || player.currentTime > 0) ? state.shown.played_from + player.currentTime : null
  }
  function follow() {
    cancelAnimationFrame(state.frame)
    const tick = () => {
      overlay(playing())
      const player = audio()
      if (player && !player.paused && !player.ended) state.frame = requestAnimationFrame(tick)
    }
    state.frame = requestAnimationFrame(tick)
  }

  function close() {
    observer.disconnect()
    cancelAnimationFrame(state.frame)
    document.removeEventListener("play", onPlay, true)
    document.removeEventListener("seeked", onPlay, true)
  }
  const view = { show, close, tell: () => {} }
  return view
}
