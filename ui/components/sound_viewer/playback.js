// The player on the page that plays what is shown: where it is, and where it shall go on.
import { drawOver } from "./selection.js"

function audio({ shown }) {
  return shown?.player ? document.querySelector(`.st-key-${shown.player} audio`) : null
}

// The time that is being played; null where nothing is, or where it is yet to begin.
export function playing(view) {
  const player = audio(view)
  return player && (!player.paused || player.currentTime > 0) ? view.shown.played_from + player.currentTime : null
}

export function seek(view, time) {
  const player = audio(view)
  const place = time - view.shown.played_from
  if (player && place >= 0 && place < player.duration) player.currentTime = place
}

// Draw along while the player plays.
export function follow(view) {
  cancelAnimationFrame(view.frame)
  const tick = () => {
    drawOver(view)
    const player = audio(view)
    if (player && !player.paused && !player.ended) view.frame = requestAnimationFrame(tick)
  }
  view.frame = requestAnimationFrame(tick)
}
