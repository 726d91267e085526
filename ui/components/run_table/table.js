// The table of runs. A row that is there stays the same element, and is drawn anew only where it says something else.
const views = new WeakMap()

export default function (component) {
  const { data, parentElement, setStateValue, setTriggerValue } = component
  if (!views.has(parentElement)) {
    views.set(parentElement, {
      root: parentElement.querySelector(".runs"), elements: new Map(), chosen: new Set(), unfolded: new Set(), head: "",
    })
  }
  const view = views.get(parentElement)
  Object.assign(view, data)
  view.tell = (what, more = {}) => setTriggerValue("done", { what, ...more })
  view.keep = (name) => setStateValue(name, [...view[name]])
  show(view)
}

function show(view) {
  drawHead(view)
  const body = view.root.querySelector("tbody")
  view.ids = view.rows.map((row) => row.id)
  for (const [id, element] of view.elements) {
    if (!view.ids.includes(id)) {
      element.remove()
      view.elements.delete(id)
    }
  }
  let gone = false
  for (const id of view.chosen) if (!view.ids.includes(id)) gone = view.chosen.delete(id)
  view.rows.forEach((row, place) => {
    const element = view.elements.get(row.id) ?? document.createElement("tr")
    view.elements.set(row.id, element)
    drawRow(view, row, element)
    if (body.children[place] !== element) body.insertBefore(element, body.children[place] ?? null)
  })
  view.root.dataset.shown = String(view.ids.length)
  if (gone) view.keep("chosen")
  tickHead(view)
}

function make(name, looks = {}, ...inside) {
  const element = Object.assign(document.createElement(name), looks)
  element.append(...inside)
  return element
}

function sides(column) {
  return [column.figures ? "figures" : "", column.wide ? "wide" : "", column.name].filter(Boolean).join(" ")
}

function drawHead(view) {
  const said = JSON.stringify([view.columns, view.sort, view.choosable])
  if (said === view.head) return
  view.head = said
  const cells = view.columns.map((column) => {
    const name = view.sort.replace("-", "")
    const sorted = name === column.name
    const cell = make("th", { className: sides(column), scope: "col" })
    if (!column.sortable) cell.append(column.title)
    else {
      const down = view.sort.startsWith("-") ? "↑" : "↓"
      const button = make("button", { type: "button", textContent: sorted ? `${column.title} ${down}` : column.title })
      button.onclick = () => view.tell("sort", { by: sorted && !view.sort.startsWith("-") ? `-${column.name}` : column.name })
      cell.append(button)
      if (sorted) cell.ariaSort = view.sort.startsWith("-") ? "ascending" : "descending"
    }
    return cell
  })
  if (view.choosable) {
    const all = make("input", { type: "checkbox", ariaLabel: "Choose all that are shown" })
    all.onchange = () => {
      view.chosen = new Set(all.checked ? view.ids : [])
      choose(view)
    }
    cells.unshift(make("th", { className: "tick" }, all))
  }
  view.root.querySelector("thead tr").replaceChildren(...cells)
}

function tickHead(view) {
  const all = view.root.querySelector("thead input")
  if (!all) return
  all.checked = view.chosen.size > 0 && view.chosen.size === view.ids.length
  all.indeterminate = view.chosen.size > 0 && !all.checked
}

function choose(view) {
  for (const [id, element] of view.elements) mark(view, id, element)
  tickHead(view)
  view.keep("chosen")
}

function mark(view, id, element) {
  const chosen = view.chosen.has(id)
  element.classList.toggle("chosen", chosen)
  const box = element.querySelector(".tick input")
  if (box) box.checked = chosen
}

function drawRow(view, row, element) {
  const said = JSON.stringify([row, view.columns, view.changes, view.unfolded.has(row.id)])
  if (element.said === said || element.querySelector("input.rename")) return mark(view, row.id, element)
  element.said = said
  const focused = element.contains(element.getRootNode().activeElement) ? element.getRootNode().activeElement.className : ""
  element.dataset.run = row.id
  element.className = row.part ? "part" : ""
  const cells = view.columns.map((column) => {
    const cell = make("td", { className: sides(column) })
    if (column.name === "name") drawName(view, row, cell)
    else if (column.name === "state") {
      const [word, colour] = row.state
      cell.append(make("span", { className: colour }, make("span", { className: "dot" }), word))
      if (row.cells.state) cell.append(make("div", { className: "note" }, row.cells.state))
    } else drawCell(row.cells[column.name] ?? "", cell)
    return cell
  })
  if (view.choosable) cells.unshift(make("td", { className: "tick" }, box(view, row)))
  element.replaceChildren(...cells)
  mark(view, row.id, element)
  if (focused) element.querySelector(`[class="${focused}"]`)?.focus()
}

// Lines below each other where the text has several: those after the first are quiet.
function drawCell(text, cell) {
  const [first, ...more] = text.split("\n")
  cell.append(first, ...more.map((line) => make("div", { className: "note" }, line)))
}

function box(view, row) {
  const tick = make("input", { type: "checkbox", className: "choose", ariaLabel: `Choose ${row.name}, ${row.id}` })
  tick.onchange = () => {
    if (tick.checked) view.chosen.add(row.id)
    else view.chosen.delete(row.id)
    choose(view)
  }
  return tick
}

function drawName(view, row, cell) {
  if (row.parts && view.changes) {
    const open = view.unfolded.has(row.id)
    const fold = make("button", { type: "button", className: "fold", textContent: open ? "▾" : "▸" })
    fold.ariaExpanded = String(open)
    fold.ariaLabel = `${row.parts} parts of ${row.name}`
    fold.onclick = () => {
      if (open) view.unfolded.delete(row.id)
      else view.unfolded.add(row.id)
      view.keep("unfolded")
      show(view)
    }
    cell.append(fold)
  }
  if (row.own && view.changes) {
    const star = make("button", { type: "button", className: "star", textContent: row.star ? "★" : "☆", ariaLabel: `Star for ${row.name}` })
    star.ariaPressed = String(row.star)
    star.onclick = () => view.tell("star", { id: row.id, star: !row.star })
    cell.append(star)
  } else if (row.star) cell.append(make("span", { className: "starred", textContent: "★ " }))
  const link = make("a", { href: row.address, textContent: row.name, title: row.id })
  link.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    view.tell("open", { id: row.id })
  }
  cell.append(link)
  if (row.own && view.changes) {
    const pen = make("button", { type: "button", className: "pen", textContent: "✎", title: "Rename", ariaLabel: `Rename ${row.name}` })
    pen.onclick = () => rename(view, row, link, pen)
    cell.append(pen)
  }
  for (const tag of row.tags) cell.append(make("span", { className: "tag" }, tag))
  if (row.note) cell.append(make("div", { className: "note", title: row.note }, row.note))
}

// The name becomes a field: Enter keeps what it holds, Escape leaves the name as it was.
function rename(view, row, link, pen) {
  const field = make("input", { className: "rename", value: row.name, maxLength: 120, ariaLabel: `New name of ${row.name}` })
  let over = false
  const close = (keeps) => {
    if (over) return
    over = true
    if (keeps && field.value.trim() !== row.name) {
      view.tell("rename", { id: row.id, name: field.value.trim() })
      link.textContent = field.value.trim() || row.name
    }
    field.replaceWith(link)
    pen.hidden = false
    pen.focus()
  }
  field.onkeydown = (event) => {
    event.stopPropagation() // the page has keys of its own
    if (event.key !== "Enter" && event.key !== "Escape") return
    event.preventDefault() // else the button that has the focus next is pressed by the same key
    close(event.key === "Enter")
  }
  field.onblur = () => close(true)
  pen.hidden = true
  link.replaceWith(field)
  field.focus()
  field.select()
}
