// Elements of the page. Texts are always texts: nothing that a server says is read as markup.

/** Element with attributes and children; `on...` are listeners, true and false are switches. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function set(element, name, value) {
  if (value === false || value === null || value === undefined) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "class") element.className = value;
  else if (name === "value") element.value = value;
  else if (name === "checked") element.checked = value;
  else if (name === "colour") element.style.setProperty("--colour", value);
  else element.setAttribute(name, value === true ? "" : value);
}

/** Put these in place of what is there. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

let numbered = 0;

/** An id that no other element has. */
export function freshId(what) {
  numbered += 1;
  return `${what}-${numbered}`;
}

/** Tell those who listen to the page rather than look at it. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** What went wrong, in words, where it went wrong. */
export function problem(error, again = null) {
  return h("div", { class: "problem", role: "alert" },
    h("p", {}, error.message || String(error)),
    again && h("button", { type: "button", onclick: again }, "Try again"));
}

/** Something is on its way. */
export function waiting(text) {
  return h("p", { class: "waiting", role: "status" }, text);
}

/** A labelled control: the label, the control, and room for what is wrong with it. */
export function field(label, control, { hint = null, path = null, wide = false } = {}) {
  const id = control.id || freshId("field");
  control.id = id;
  const wrong = h("span", { class: "wrong", id: `${id}-wrong`, hidden: true });
  if (path) control.dataset.path = path;
  const described = [hint && `${id}-hint`, `${id}-wrong`].filter(Boolean).join(" ");
  control.setAttribute("aria-describedby", described);
  return h("div", { class: wide ? "field wide" : "field" },
    h("label", { for: id }, label), control,
    hint && h("span", { class: "hint", id: `${id}-hint` }, hint), wrong);
}

/** A tick box with its label. */
export function tick(label, checked, changed, attributes = {}) {
  const id = freshId("tick");
  const box = h("input", { type: "checkbox", id, checked, onchange: () => changed(box.checked), ...attributes });
  return h("span", { class: "tick" }, box, h("label", { for: id }, label));
}

/** A choice of one among several. */
export function choice(entries, chosen, changed, attributes = {}) {
  const select = h("select", { onchange: () => changed(select.value), ...attributes },
    entries.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  return select;
}

const MARKS = ["data-path", "data-name", "aria-label"];

/** Make controls anew, at once; the one that had the focus has it again, with what was selected. */
export function keepFocus(work) {
  const old = document.activeElement;
  const mark = MARKS.find((name) => old?.hasAttribute(name));
  const value = mark && old.getAttribute(mark);
  const selected = old?.type === "text" ? [old.selectionStart, old.selectionEnd] : null;
  work();
  if (document.activeElement === old) return;
  const found = old?.isConnected ? old : mark && document.querySelector(`main [${mark}="${CSS.escape(value)}"]`);
  found?.focus({ preventScroll: true });
  if (selected) found?.setSelectionRange?.(...selected);
}

/** Call once things are quiet for so many milliseconds. */
export function debounced(work, milliseconds) {
  let timer = 0;
  const later = (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), milliseconds);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}
