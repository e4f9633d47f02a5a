// What the things to drag share. data: what Python gave; a toy draws itself into #toy and says in #words what is to be seen.
const data = JSON.parse(document.getElementById("data").textContent);
const toy = document.getElementById("toy");
const say = (text) => { document.getElementById("words").textContent = text; };

const dot = (a, b) => a.reduce((sum, value, at) => sum + value * b[at], 0);

function softmax(scores) {  // a score of −Infinity is a word that must not be looked at; nothing but those: all weights are 0
  const top = Math.max(...scores);
  if (top === -Infinity) return scores.map(() => 0);
  const powers = scores.map((score) => Math.exp(score - top)), sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

const mix = (weights, values) => values[0].map((_, at) => weights.reduce((sum, weight, row) => sum + weight * values[row][at], 0));

function number(value, digits = 2) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

const vector = (values, digits = 1) => `(${values.map((value) => number(value, digits)).join(", ")})`;

function make(name, attributes = {}, ...inside) {  // an HTML element with what is in it
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside);
  return element;
}

// a slider over the places of a list
const slide = (id, values, label) => make("input", { type: "range", min: 0, max: values.length - 1, step: 1, id, "aria-label": label });

function draw(parent, name, attributes, text = "") {  // an SVG element
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  parent.append(element);
  return element;
}

function bar(weight) {
  const fill = make("i");
  fill.style.width = `${100 * weight}%`;
  return make("div", { class: "bar" }, fill);
}

function table(heads, rows) {  // heads: [text, class]; rows: of texts or elements
  const head = make("tr", {}, ...heads.map(([text, name]) => make("th", { class: name || "" }, text)));
  return make("table", {}, head, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell)))));
}

function plane(parent, reach, label) {  // a plane with its grid, up being up; returns the group to draw in, one unit a unit
  const [left, right, low, high] = reach;
  const svg = draw(parent, "svg", { viewBox: `${left} ${-high} ${right - left} ${high - low}`, role: "group", "aria-label": label });
  for (let x = Math.ceil(left); x <= right; x++) draw(svg, "line", { x1: x, x2: x, y1: -high, y2: -low, stroke: "var(--faint)", "stroke-width": x ? 0.015 : 0.04 });
  for (let y = Math.ceil(low); y <= high; y++) draw(svg, "line", { x1: left, x2: right, y1: -y, y2: -y, stroke: "var(--faint)", "stroke-width": y ? 0.015 : 0.04 });
  return svg;
}

function arrow(parent, [x, y], color, width) {  // from the origin
  const long = Math.hypot(x, y), head = Math.min(3.2 * width + 0.12, long);
  if (long < 0.05) return;
  const [u, v] = [x / long, y / long], [a, b] = [x - head * u, y - head * v], side = 0.55 * head;
  draw(parent, "line", { x1: 0, y1: 0, x2: a, y2: -b, stroke: color, "stroke-width": width });
  draw(parent, "polygon", { points: `${x},${-y} ${a - side * v},${-b - side * u} ${a + side * v},${-b + side * u}`, fill: color });
}

addEventListener("keydown", (event) => {  // in a deck these turn the slides, also when a toy was touched last
  if (parent === window || !["PageUp", "PageDown"].includes(event.key)) return;
  parent.postMessage({ toy: event.key }, "*");
  event.preventDefault();
});
addEventListener("pointerup", ({ target }) => {  // a deck takes the keyboard back, but not while someone types
  if (parent !== window && target.type !== "text") parent.postMessage({ toy: "let go" }, "*");
});
