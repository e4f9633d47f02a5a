// data: {sizes, samples}: for each size {example: 8 scores, counts, divided, largest: [without, with]}; counts: of dot products in
// bins from −reach to reach, plain and divided by the root.
const slider = make("input", { type: "range", min: 0, max: data.sizes.length - 1, step: 1, id: "size", "aria-label": "numbers in a key" });
const shown = make("b"), result = make("div", { class: "result" });
toy.append(make("label", {}, make("span", {}, "numbers in a key"), slider, shown), result);
let at = data.start;

function attend() {
  const { example } = data.samples[at], root = Math.sqrt(data.sizes[at]);
  return { plain: softmax(example), scaled: softmax(example.map((score) => score / root)) };
}

function histogram(counts, reach) {
  const holder = make("div"), most = Math.max(...counts), wide = 100 / counts.length;
  const svg = draw(holder, "svg", { viewBox: "0 0 100 42", role: "img", "aria-label": `how often each dot product, from ${-reach} to ${reach}` });
  counts.forEach((count, bin) => {
    const high = (34 * count) / most;
    draw(svg, "rect", { x: bin * wide + 0.15, width: wide - 0.3, y: 35 - high, height: high, fill: "var(--ink)", opacity: 0.55 });
  });
  draw(svg, "line", { x1: 0, x2: 100, y1: 35, y2: 35, stroke: "var(--ink)", "stroke-width": 0.3 });
  for (const [text, x, anchor] of [[`−${reach}`, 0, "start"], ["0", 50, "middle"], [`${reach}`, 100, "end"]]) {
    draw(svg, "text", { x, y: 41, "font-size": 5.2, "text-anchor": anchor }, text);
  }
  return holder;
}

function half(title, counts, reach, typical, weights, largest) {
  const columns = make("div", { class: "columns", role: "img", "aria-label": `weights of 8 words: ${weights.map((weight) => number(weight)).join(", ")}` });
  for (const weight of weights) {
    const column = make("i");
    column.style.height = `${Math.max(1, 100 * weight)}%`;
    columns.append(make("div", {}, column, make("span", {}, number(weight))));
  }
  return make("section", {}, make("b", {}, title), histogram(counts, reach), make("p", {}, "typical distance from 0: ", make("b", {}, number(typical, 1))),
    make("p", {}, "one query, 8 words: their weights"), columns, make("p", {}, "largest weight, on average ", make("b", {}, number(largest, 2))));
}

function show() {
  const size = data.sizes[at], sample = data.samples[at], { plain, scaled } = attend();
  shown.textContent = `d = ${size.toLocaleString("en")}`;
  slider.setAttribute("aria-valuetext", `${size} numbers`);
  result.replaceChildren(
    half("not divided", sample.counts, data.reach, sample.typical[0], plain, sample.largest[0]),
    half(`divided by √${size} ≈ ${number(Math.sqrt(size), 1)}`, sample.divided, data.reach, sample.typical[1], scaled, sample.largest[1]),
  );
  const largest = sample.largest[0];
  const verdict = largest > 0.9 ? "one word takes nearly all" : largest > 0.6 ? "one word takes most" : "the weights are still shared out";
  say(`With ${size} numbers, not divided: ${verdict}.`);
}

slider.value = at;
slider.oninput = () => { at = Number(slider.value); show(); };
show();
