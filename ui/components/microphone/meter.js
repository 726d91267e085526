// Shows the level of whatever stream the recorder opens, and tells in words when no sound comes.
// The bounds are those of labcore/datasets/takes/levels.py, which says the last word on a take.
const LOWEST_DB = -60, QUIET_DB = -45, SILENT_DB = -60, DEAD_DB = -80
const EVERY_MS = 50, SETTLED_MS = 1500
// What browsers do for calls takes away what a classifier listens for.
const AS_IT_IS = { echoCancellation: false, noiseSuppression: false, autoGainControl: false }
const SETTINGS = "Press the sign beside the address of this page, allow the microphone, and press Record again."
const REFUSED = {
  NotAllowedError: `The browser does not let this page use the microphone. ${SETTINGS}`,
  SecurityError: `The browser does not let this page use the microphone. ${SETTINGS}`,
  NotFoundError: "There is no microphone: plug one in, then press Record again.",
  NotReadableError: "The microphone cannot be opened: another program may be using it. Close that, then press Record again.",
}
const NO_ACCESS =
  "At this address the browser gives no page a microphone. Open the lab over HTTPS, or as http://localhost on the machine it runs on."
const DEAD =
  "No sound at all: the microphone is muted, or the wrong one is chosen. Look for a switch or a key on it, and in the settings of the browser and of the system."
const SILENT = "Silence so far. Check that the right microphone is chosen, and its level."
const QUIET = "Quiet so far: move closer, or turn the microphone up."
const CLIPPED = "Clipped: too loud. Move away, or turn the microphone down."
const FINE = "The level is good."

const meters = (window[Symbol.for("lab.meters")] ??= new Set())
const views = new WeakMap()

export default function (component) {
  const root = component.parentElement
  if (!views.has(root)) {
    const [bar, level, said] = [".meter", ".level", ".said"].map((name) => root.querySelector(name))
    views.set(root, { bar, level, said })
  }
  const meter = views.get(root)
  meters.add(meter)
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) say(NO_ACCESS, true)
  else listenIn(navigator.mediaDevices)
  return () => meters.delete(meter)
}

// The recorder asks the browser itself: every stream that it gets goes past here.
function listenIn(devices) {
  if (devices[Symbol.for("lab.listens")]) return
  const open = devices.getUserMedia.bind(devices)
  devices[Symbol.for("lab.listens")] = true
  devices.getUserMedia = async (wanted) => {
    if (!wanted?.audio || wanted.video) return open(wanted)
    const audio = { ...(wanted.audio === true ? {} : wanted.audio), ...AS_IT_IS }
    try {
      const stream = await open({ ...wanted, audio })
      follow(stream)
      return stream
    } catch (error) {
      say(REFUSED[error.name] ?? `The microphone cannot be opened (${error.name}).`, true)
      throw error
    }
  }
}

function follow(stream) {
  const context = new AudioContext()
  const analyser = new AnalyserNode(context, { fftSize: 4096 })
  new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(analyser)
  const samples = new Float32Array(analyser.fftSize)
  const began = performance.now(), most = { peak: 0, power: 0, clipped: 0 }
  const timer = setInterval(() => {
    if (stream.getTracks().every((track) => track.readyState === "ended")) {
      clearInterval(timer)
      context.close()
      draw(null, ...verdict(most, SETTLED_MS))
      return
    }
    analyser.getFloatTimeDomainData(samples)
    const now = measured(samples)
    for (const name in most) most[name] = Math.max(most[name], now[name])
    draw(decibels(now.power) / 2, ...verdict(most, performance.now() - began))
  }, EVERY_MS)
}

function measured(samples) {
  let peak = 0, sum = 0, full = 0, clipped = 0
  for (const sample of samples) {
    const size = Math.abs(sample)
    peak = Math.max(peak, size)
    sum += size * size
    full = size >= 1 - 2 ** -15 ? full + 1 : 0
    if (full >= 3) clipped += 1
  }
  return { peak, power: sum / samples.length, clipped }
}

function verdict(most, ms) {
  if (most.clipped) return ["clipped", CLIPPED]
  const loud = decibels(most.power) / 2
  if (loud >= QUIET_DB) return ["", FINE]
  if (ms < SETTLED_MS) return ["", "Listening …"]
  if (decibels(most.peak) < DEAD_DB) return ["quiet", DEAD]
  return ["quiet", loud < SILENT_DB ? SILENT : QUIET]
}

// Of an amplitude in dB of full scale; of a power twice that.
function decibels(value) {
  return 20 * Math.log10(Math.max(value, 1e-12))
}

// level_db is null once nothing is recorded any more.
function draw(level_db, kind, text) {
  const share = level_db === null ? 0 : Math.min(1, Math.max(0, 1 - level_db / LOWEST_DB))
  for (const { bar, level } of meters) {
    bar.classList.toggle("on", level_db !== null)
    level.className = `level ${kind}`
    level.style.transform = `scaleX(${share})`
  }
  say(text, kind !== "")
}

function say(text, trouble) {
  for (const { said } of meters) {
    if (said.textContent === text) continue
    said.textContent = text
    said.classList.toggle("trouble", trouble)
  }
}
