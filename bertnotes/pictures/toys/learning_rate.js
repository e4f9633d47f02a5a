// data: {right, start, rate, rates}: one number that should become `right`; the loss is the square of its error.
const MOST = 20;  // steps that are drawn
const slider = make("input", { type: "range", min: data.rates[0], max: data.rates[1], step: 0.01, id: "rate", "aria-label": "learning rate" });
const shown = make("b"), buttons = make("div", { class: "buttons" }), result = make("div", { class: "result" });
toy.append(make("label", {}, make("span", {}, "learning rate"), slider, shown), buttons, result);
let rate = data.rate, path = [data.start];
const loss = (w) => (w - data.right) ** 2;

function step(count) {
  for (let at = 0; at < count && path.length <= MOST; at++) {
    const w = path[path.length - 1];
    path.push(w - rate * 2 * (w - data.right));
  }
  show();
}

function valley() {
  const holder = make("div", { class: "valley" }), far = Math.max(4, ...path.map((w) => Math.abs(w - data.right)));  // all of the path is drawn
  const left = data.right - far, high = Math.max(18, far * far), tick = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((size) => far <= 4 * size);
  const x = (w) => 48 * (w - left) / far, y = (value) => 50 - 45 * value / high;
  const svg = draw(holder, "svg", { viewBox: "0 -2 96 60", role: "img", "aria-label": `the loss over w, and the path of w: ${path.map((w) => number(w)).join(", ")}` });
  draw(svg, "line", { x1: 0, x2: 96, y1: 50, y2: 50, stroke: "var(--ink)", "stroke-width": 0.3 });
  for (let w = tick * Math.ceil((left + 0.5) / tick); w < data.right + far - 0.5; w += tick) draw(svg, "text", { x: x(w), y: 56, "font-size": 4.2, "text-anchor": "middle" }, String(w));
  const curve = Array.from({ length: 81 }, (_, at) => left + far * at / 40).map((w) => `${x(w)},${y(loss(w))}`);
  draw(svg, "polyline", { points: curve.join(" "), fill: "none", stroke: "var(--ink)", opacity: 0.35, "stroke-width": 1.2 });
  path.forEach((w, at) => {
    if (at) draw(svg, "line", { x1: x(path[at - 1]), y1: y(loss(path[at - 1])), x2: x(w), y2: y(loss(w)), stroke: "var(--ink)", "stroke-width": 0.5 });
    const last = at === path.length - 1;
    draw(svg, "circle", { cx: x(w), cy: y(loss(w)), r: last ? 1.9 : 1.1, fill: last ? "var(--query)" : "var(--ink)" });
  });
  return holder;
}

function show() {
  shown.textContent = number(rate);
  slider.setAttribute("aria-valuetext", `learning rate ${number(rate)}`);
  const from = Math.max(0, path.length - 6), rows = path.slice(from).map((w, at) => [String(from + at), number(w), number(loss(w)), number(2 * (w - data.right))]);
  result.replaceChildren(valley(), table([["step"], ["w"], ["loss"], ["gradient"]], rows));
  const count = path.length - 1, end = path[count], off = Math.abs(end - data.right), first = Math.abs(data.start - data.right);
  const near = off < 0.01 ? "There." : Math.abs(off - first) < 1e-9 ? "It jumps from side to side, and gets no nearer." : off > first ? "Each step lands further away: it diverges." : "";
  say(count === 0 ? "Press a button to take steps." : `After ${count} step${count > 1 ? "s" : ""}: w = ${number(end)}, loss ${number(loss(end))}. ${near}${count >= MOST ? " (No more steps are drawn.)" : ""}`);
}

for (const [text, action] of [["1 step", () => step(1)], ["5 steps", () => step(5)], ["back to the start", () => { path = [data.start]; show(); }]]) {
  const button = make("button", { type: "button" }, text);
  button.onclick = action;
  buttons.append(button);
}
slider.value = rate;
slider.oninput = () => { rate = Number(slider.value); path = [data.start]; show(); };
show();
