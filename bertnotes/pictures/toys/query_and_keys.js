// data: {words, query, keys, values, reach}: vectors of two numbers. Drag the tips, or tab to one and use the arrow keys.
const start = JSON.stringify([data.query, data.keys]);
const ROOT = Math.sqrt(data.query.length);
const box = make("div", { class: "plane" }), side = make("div", { class: "numbers" }), gives = make("div", { class: "small plane" });
toy.append(box, side, gives);
const svg = plane(box, [-data.reach, data.reach, -data.reach, data.reach], "query and keys: drag their tips");
const arrows = draw(svg, "g", {});
const tips = [];  // [element, its name, its vector]; the first is the query's, a wide ring

function tip(name, vector, radius, style) {
  const element = draw(svg, "circle", { r: radius, class: "handle", tabindex: 0, role: "button", ...style });
  const place = () => [element.getAttribute("cx"), element.getAttribute("cy")];
  const move = (x, y) => {
    const snap = (value) => Math.round(10 * Math.max(-data.reach, Math.min(data.reach, value))) / 10;
    [vector[0], vector[1]] = [snap(x), snap(y)];
    show();
  };
  element.onpointerdown = (event) => {  // where a key lies on the query, the query is what is dragged
    const held = Math.hypot(vector[0] - data.query[0], vector[1] - data.query[1]) < 0.3 ? tips[0][0] : element;
    held.setPointerCapture(event.pointerId);
    held.focus();
    event.preventDefault();
  };
  element.onpointermove = (event) => {
    if (!element.hasPointerCapture(event.pointerId)) return;
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    move(point.x, -point.y);
  };
  element.onkeydown = (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const step = event.shiftKey ? 0.5 : 0.1;
    move(vector[0] + step * way[0], vector[1] + step * way[1]);
  };
  tips.push([element, name, vector, place]);
}

function attend() {
  const scores = data.keys.map((key) => dot(data.query, key));
  const weights = softmax(scores.map((score) => score / ROOT));
  return { scores, weights, output: mix(weights, data.values) };
}

function show() {
  const { scores, weights, output } = attend();
  arrows.replaceChildren();
  arrow(arrows, data.query, "var(--query)", 0.16);
  data.keys.forEach((key) => arrow(arrows, key, "var(--key)", 0.06));
  const taken = [];
  const label = (text, [x, y], name) => {
    let up = y < 0 ? -0.42 : 0.58;
    while (taken.some(([a, b]) => Math.abs(a - x) < 1.1 && Math.abs(b - y - up) < 0.34)) up += y < 0 ? -0.36 : 0.36;
    taken.push([x, y + up]);
    const near = Math.max(-data.reach + 0.5, Math.min(data.reach - 0.6, x));
    draw(arrows, "text", { x: near, y: -(y + up) + 0.1, class: name, "font-size": 0.34, "text-anchor": "middle", "font-weight": 600 }, text);
  };
  data.keys.forEach((key, at) => label(data.words[at], key, "key"));
  label("query", data.query, "query");
  for (const [element, name, vectorOf] of tips) {
    element.setAttribute("cx", vectorOf[0]);
    element.setAttribute("cy", -vectorOf[1]);
    element.setAttribute("aria-label", `${name} ${vector(vectorOf)}, arrow keys move it`);
  }
  const rows = data.words.map((word, at) => [word, vector(data.keys[at]), number(scores[at]), number(scores[at] / ROOT), bar(weights[at]), number(weights[at], 3)]);
  side.replaceChildren(
    make("p", { class: "query" }, make("b", {}, `query ${vector(data.query)}`)),
    table([["word"], ["key", "key"], ["score"], [`÷ √${data.query.length}`], ["weight"], [""]], rows),
    make("p", {}, make("b", {}, `output ${vector(output, 2)}`)),
    make("div", { class: "buttons" }, reset),
  );
  showOutput(weights, output);
  const best = weights.indexOf(Math.max(...weights));
  const even = weights[best] - Math.min(...weights) < 0.0005;
  say(even ? `All words get the same: ${number(weights[best], 3)}.` : `The query looks most at ${data.words[best]}: ${number(weights[best], 3)}.`);
}

function showOutput(weights, output) {  // the values, and the output between them
  const all = [...data.values, [0, 0]], [xs, ys] = [0, 1].map((at) => all.map((value) => value[at]));
  gives.replaceChildren(make("b", { class: "value" }, "values and output"));
  const svg = plane(gives, [Math.min(...xs) - 1, Math.max(...xs) + 1, Math.min(...ys) - 0.8, Math.max(...ys) + 0.8], "values and output");
  draw(svg, "polygon", { points: data.values.map(([x, y]) => `${x},${-y}`).join(" "), fill: "var(--value)", "fill-opacity": 0.18, stroke: "var(--value)", "stroke-width": 0.04 });
  data.values.forEach(([x, y], at) => {
    draw(svg, "circle", { cx: x, cy: -y, r: 0.1 + 0.2 * weights[at], fill: "var(--value)" });
    draw(svg, "text", { x, y: -y + (y > 0 ? -0.35 : 0.6), class: "value", "font-size": 0.42, "text-anchor": "middle" }, data.words[at]);
  });
  draw(svg, "circle", { cx: output[0], cy: -output[1], r: 0.2, fill: "var(--ink)" });
}

const reset = make("button", { type: "button" }, "back to the start");
reset.onclick = () => {
  const [query, keys] = JSON.parse(start);
  data.query.splice(0, 2, ...query);
  data.keys.forEach((key, at) => key.splice(0, 2, ...keys[at]));
  show();
  reset.focus();
};
tip("query", data.query, 0.34, { fill: "var(--query)", "fill-opacity": 0.25, stroke: "var(--query)", "stroke-width": 0.04 });
data.keys.forEach((key, at) => tip(`key of ${data.words[at]}`, key, 0.17, { fill: "var(--key)", stroke: "var(--ground)", "stroke-width": 0.03 }));
show();
