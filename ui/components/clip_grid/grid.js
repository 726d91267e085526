// Tiles of clips. One that is there stays the same element, so that the keyboard stays where it is.
const views = new WeakMap()

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".grid")
  if (!views.has(parentElement)) views.set(parentElement, new Map())
  const elements = views.get(parentElement)
  const ids = new Set(data.tiles.map((tile) => tile.id))
  for (const [id, element] of elements) {
    if (ids.has(id)) continue
    element.remove()
    elements.delete(id)
  }
  data.tiles.forEach((tile, place) => {
    const element = elements.get(tile.id) ?? document.createElement("button")
    elements.set(tile.id, element)
    const said = JSON.stringify(tile)
    if (element.dataset.said !== said) render(element, tile, said)
    element.onclick = () => setTriggerValue("pressed", tile.id)
    element.ariaPressed = String(tile.id === data.chosen)
    if (root.children[place] !== element) root.insertBefore(element, root.children[place] ?? null)
  })
}

function render(element, tile, said) {
  element.type = "button"
  element.dataset.said = said
  element.title = tile.name
  const image = document.createElement(tile.image ? "img" : "span")
  if (tile.image) Object.assign(image, { src: tile.image, alt: "", decoding: "async" })
  else Object.assign(image, { className: "none", textContent: "cannot be read" })
  const label = Object.assign(document.createElement("div"), { className: "label", textContent: tile.about })
  const name = Object.assign(document.createElement("div"), { className: "name", textContent: tile.name })
  element.replaceChildren(image, label, name)
}
