// The LaTeX that the catalogue writes, for readers: as elements, and as the little HTML plotly takes.

const SYMBOLS = {
  alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ε", varepsilon: "ε", zeta: "ζ", eta: "η",
  theta: "θ", kappa: "κ", lambda: "λ", mu: "μ", nu: "ν", pi: "π", rho: "ρ", sigma: "σ", tau: "τ",
  phi: "φ", varphi: "φ", chi: "χ", psi: "ψ", omega: "ω", Gamma: "Γ", Delta: "Δ", Theta: "Θ",
  Lambda: "Λ", Phi: "Φ", Psi: "Ψ", Sigma: "Σ", Omega: "Ω", langle: "⟨", rangle: "⟩", times: "×",
  pm: "±", cdot: "·", to: "→", rightarrow: "→", infty: "∞", sqrt: "√", ell: "ℓ", prime: "′", star: "★",
};
const WORDS = new Set(["sin", "cos", "tan", "log", "ln", "exp", "min", "max"]);
const UPRIGHT = new Set(["rm", "mathrm", "text", "textrm", "operatorname"]);
const SPACES = { ",": "\u2009", ";": "\u2005", " ": " ", "!": "", quad: " " };

/** Nodes of a formula: {text, italic} and {sub: nodes}, {sup: nodes}. */
export function parsed(latex) {
  return group({ text: latex, at: 0 }, false, "");
}

function group(source, upright, end) {
  const nodes = [];
  while (source.at < source.text.length) {
    const mark = source.text[source.at];
    if (mark === end) {
      source.at += 1;
      return nodes;
    }
    if (mark === "\\" && UPRIGHT.has(word(source))) {
      command(source);
      if (source.text[source.at] === "{") nodes.push(...one(source, true));
      else upright = true;
    } else if (mark === "_" || mark === "^") {
      source.at += 1;
      const inside = one(source, upright);
      nodes.push(mark === "_" ? { sub: inside } : { sup: inside });
    } else nodes.push(...one(source, upright));
  }
  return nodes;
}

function one(source, upright) {
  const mark = source.text[source.at];
  source.at += 1;
  if (mark === undefined) return [];
  if (mark === "{") return group(source, upright, "}");
  if (mark === "\\") {
    source.at -= 1;
    return named(source, command(source), upright);
  }
  if (mark === "'") return [{ text: "′" }];
  if (mark === "-") return [{ text: "−" }];
  if (mark === "~") return [{ text: " " }];
  if (mark === " ") return upright ? [{ text: " " }] : [];
  return [{ text: mark, italic: !upright && /[A-Za-z]/.test(mark) }];
}

function word(source) {
  return /^\\([A-Za-z]+|.)/.exec(source.text.slice(source.at))?.[1] ?? "";
}

function command(source) {
  const name = word(source);
  source.at += 1 + name.length;
  if (/[A-Za-z]/.test(name)) while (source.text[source.at] === " ") source.at += 1;
  return name;
}

function named(source, name, upright) {
  if (name in SPACES) return [{ text: SPACES[name] }];
  if (WORDS.has(name)) return [{ text: name + ("^_".includes(source.text[source.at] ?? "^") ? "" : "\u2009") }];
  if (UPRIGHT.has(name)) return one(source, true);
  if (name === "bar" || name === "overline") return over(one(source, upright), "\u0304");
  if (name === "tilde") return over(one(source, upright), "\u0303");
  return [{ text: SYMBOLS[name] ?? name }];
}

function over(nodes, accent) {
  return nodes.map((node) => (node.text ? { ...node, text: node.text + accent } : node));
}

/** Formula as an element; a subscript with a superscript after it stand above each other. */
export function formula(latex) {
  const element = document.createElement("span");
  element.className = "math";
  element.append(...elements(merged(parsed(latex))));
  return element;
}

function merged(nodes) {
  const found = [];
  for (const node of nodes) {
    const last = found.at(-1);
    if (last?.sub && !last.sup && node.sup) last.sup = node.sup;
    else if (last?.sup && !last.sub && node.sub && !isPrime(last.sup)) last.sub = node.sub;
    else found.push({ ...node });
  }
  return found;
}

const isPrime = (nodes) => nodes.every((node) => node.text === "′");

function elements(nodes) {
  return nodes.map((node) => {
    if (node.sub && node.sup) {
      const both = document.createElement("span");
      both.className = "both";
      both.append(script("sup", node.sup), script("sub", node.sub));
      return both;
    }
    if (node.sub) return script("sub", node.sub);
    if (node.sup) return script("sup", node.sup);
    if (!node.italic) return document.createTextNode(node.text);
    const italic = document.createElement("i");
    italic.textContent = node.text;
    return italic;
  });
}

function script(tag, nodes) {
  const element = document.createElement(tag);
  element.append(...elements(merged(nodes)));
  return element;
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Formula as plotly's HTML. */
export function markup(latex) {
  return parsed(latex).map(marked).join("");
}

function marked(node) {
  if (node.sub) return `<sub>${node.sub.map(flat).join("")}</sub>`;
  if (node.sup) return `<sup>${node.sup.map(flat).join("")}</sup>`;
  return node.italic ? `<i>${escaped(node.text)}</i>` : escaped(node.text);
}

// plotly nests no scripts
function flat(node) {
  if (node.sub || node.sup) return (node.sub ?? node.sup).map(flat).join("");
  return escaped(node.text);
}

/** A sentence with formulas between dollars, as elements. */
export function sentence(text) {
  return text.split("$").flatMap((part, n) => (n % 2 ? [formula(part)] : words(part)));
}

// names of commands stand between backticks
function words(text) {
  return text.split("`").map((part, n) => {
    if (n % 2 === 0) return document.createTextNode(part);
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
}

/** The same as plotly's HTML. */
export function sentenceMarkup(text) {
  return text.split("$").map((part, n) => (n % 2 ? markup(part) : escaped(part))).join("");
}

/** The same as plain text, for names and searches. */
export function plain(text) {
  return text.split("$").map((part, n) => (n % 2 ? parsed(part).map(letters).join("") : part)).join("");
}

function letters(node) {
  const inside = node.sub ?? node.sup;
  if (!inside) return node.text;
  return (node.sub ? "_" : "^") + inside.map(letters).join("");
}

const FLAVOURS = { nu_e: "\\nu_e", nu_mu: "\\nu_\\mu", nu_tau: "\\nu_\\tau", nubar_e: "\\bar\\nu_e", nubar_mu: "\\bar\\nu_\\mu", nubar_tau: "\\bar\\nu_\\tau" };

/** Flux component or background, its flavour between dollars. */
export function flavour(name) {
  const [first, ...rest] = name.split(" ");
  return [FLAVOURS[first] ? `$${FLAVOURS[first]}$` : first.replaceAll("_", " "), ...rest].join(" ");
}
