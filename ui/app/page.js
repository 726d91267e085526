// Streamlit's server is where its scripts come from: without this word it asks below the page first, and gets two 404s.
window.__streamlit = { ...window.__streamlit, BACKEND_BASE_URL: new URL(".", location.href).href }

// The keyboard's place, where what had it is gone with its view (Start, Delete) or has led to another page: the new view, and not
// the top of the menu.
let held = null
addEventListener("focusin", ({ target }) => { held = { target, path: location.pathname } })
function goOn() {
  const stays = held?.target.isConnected && held.path === location.pathname
  if (!held || stays || document.activeElement !== document.body) return
  document.querySelector("[data-testid=stMain]")?.focus({ preventScroll: true })
}

// The scheme of Streamlit's app for the whole document, and the menu of a narrow window closes after a tap.
addEventListener("DOMContentLoaded", () => {
  const follow = (app) => {
    setTimeout(goOn, 300) // Streamlit takes away what is left of the view before
    const scheme = getComputedStyle(app).colorScheme
    document.documentElement.style.colorScheme = scheme === "normal" ? "" : scheme
  }
  const wait = new MutationObserver(() => {
    const app = document.querySelector(".stApp")
    if (!app) return
    wait.disconnect()
    new MutationObserver(() => follow(app)).observe(app, { attributes: true, attributeFilter: ["class", "data-test-script-state"] })
    follow(app)
  })
  wait.observe(document.getElementById("root"), { subtree: true, childList: true })
})

// What a page writes into its address by itself is no step of the browser's Back: a step is what somebody pressed.
const push = history.pushState.bind(history)
let pressed = false
for (const kind of ["pointerdown", "keydown", "click"]) addEventListener(kind, () => { pressed = true }, true)
addEventListener("popstate", () => { pressed = false })
history.pushState = (state, title, address) => {
  const same = new URL(address, location.href).pathname === location.pathname
  if (same && !pressed) return history.replaceState(state, title, address)
  pressed = false
  return push(state, title, address)
}

// A key that is held down is one press: else it starts, decides or takes back as often as it repeats. And Ctrl+Z in a field is the field's.
addEventListener("keydown", (event) => {
  const types = event.composedPath()[0].matches?.("input:not([type=range], [type=checkbox]), textarea")
  const whole = event.ctrlKey || event.metaKey
  const again = event.repeat && (event.key.length === 1 || event.key === "Enter") && (!types || (whole && event.key === "Enter"))
  if (again || (types && whole && event.key.toLowerCase() === "z")) event.stopImmediatePropagation()
}, true)

addEventListener("click", (event) => {
  const menu = event.target.closest?.("[data-testid=stSidebar]")
  if (!menu || !event.target.closest("a") || innerWidth > 768) return
  menu.querySelector("[data-testid=stSidebarCollapseButton] button")?.click()
})
