// The token that a service asks for: kept for this tab alone, and never part of an address.

import { field, h } from "./dom.js";

const KEY = "cevns-scanner-token";
let asking = null;

/** The token that was given; empty where none was. */
export function token() {
  return sessionStorage.getItem(KEY) ?? "";
}

/** Ask for a token; all who need one at the same time wait for the same answer. */
export function askForToken(reason) {
  asking ??= shown(reason).finally(() => { asking = null; });
  return asking;
}

function shown(reason) {
  return new Promise((resolve, reject) => {
    const input = h("input", { type: "password", autocomplete: "off", spellcheck: "false", required: true });
    const dialog = h("dialog", { class: "token", "aria-labelledby": "token-title" },
      h("form", { method: "dialog", onsubmit: () => given(input.value.trim()) },
        h("h2", { id: "token-title" }, "This service asks for a token"),
        h("p", { class: "hint" }, reason),
        field("Token", input, {
          hint: "Whoever runs the service makes one with scanner token create. It is kept for this tab alone.",
        }),
        h("div", { class: "buttons" },
          h("button", { type: "submit", class: "main" }, "Go on"),
          h("button", { type: "button", onclick: () => dialog.close("") }, "Cancel"))));
    let text = "";
    const given = (value) => { text = value; };
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (text) sessionStorage.setItem(KEY, text);
      if (text) resolve(text);
      else reject(new Error("This service shows its scans to those with a token alone."));
    });
    document.body.append(dialog);
    dialog.showModal();
    input.focus();
  });
}
