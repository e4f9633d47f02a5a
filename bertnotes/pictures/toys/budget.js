// data: {model, size, length, way, lora, models, sizes, lengths, ways, room}: models: {name: [parameters, layers, hidden, heads]};
// way: an index of ways; room: bytes of a GPU.
const size = slide("size", data.sizes, "texts in a batch"), length = slide("length", data.lengths, "tokens in a text");
const many = make("b"), long = make("b"), chart = make("div", { class: "chart" });
const choices = make("div", { class: "buttons" }), lora = make("button", { type: "button", id: "lora" }, "LoRA, rank 8");
const button = (text, act) => { const one = make("button", { type: "button" }, text); one.onclick = () => { act(); show(); }; choices.append(one); return one; };
const models = Object.keys(data.models).map((name) => [name, button(name, () => { data.model = name; })]);
const ways = data.ways.map((name, at) => [at, button(name, () => { data.way = at; })]);
choices.append(lora);
lora.onclick = () => { data.lora = !data.lora; show(); };
toy.append(make("label", {}, make("span", {}, "texts in a batch"), size, many), make("label", {}, make("span", {}, "tokens in a text"), length, long), choices, chart);

function bytes() {  // [weights, gradients, AdamW, activations], as page 13 counts them, in fp32
  const [parameters, layers, hidden, heads] = data.models[data.model];
  const trained = data.lora ? layers * 144 * hidden + hidden ** 2 + 3 * hidden + 2 : parameters;
  const tokens = data.size * data.length, kept = [18 * layers + 3, 18 * layers + 3, layers + 21][data.way];  // vectors a token
  const tables = data.way === 0 ? 12 * layers * heads * data.length * tokens : 0;
  return [4 * parameters, 4 * trained, 8 * trained, 4 * hidden * kept * tokens + tables];
}

const amount = (value) => value < 1e9 ? `${Math.round(value / 1e6)} MB` : `${number(value / 1e9, 1)} GB`;

// a real run held three times what is counted here
const fits = (all) => all < data.room / 3 ? "It should fit a T4." : all < data.room ? "It may not fit a T4: real runs take more." : "It does not fit a T4.";

function show() {
  many.textContent = data.size;
  long.textContent = data.length;
  size.setAttribute("aria-valuetext", `${data.size} texts`);
  length.setAttribute("aria-valuetext", `${data.length} tokens`);
  for (const [name, one] of models) one.setAttribute("aria-pressed", name === data.model);
  for (const [at, one] of ways) one.setAttribute("aria-pressed", at === data.way);
  lora.setAttribute("aria-pressed", data.lora);
  const parts = bytes(), all = parts.reduce((a, b) => a + b), widest = 1.05 * Math.max(all, data.room);
  chart.replaceChildren();
  const svg = draw(chart, "svg", { viewBox: "0 0 640 136", role: "img", "aria-label": `${amount(all)} in all` });
  let x = 0;
  for (const [at, part] of parts.entries()) {
    const width = 640 * part / widest, fill = ["var(--ink)", "var(--key)", "var(--value)", "var(--query)"][at];
    draw(svg, "rect", { x, y: 20, width, height: 44, fill, class: "part" });
    draw(svg, "rect", { x: 160 * at, y: 116, width: 14, height: 14, fill });
    draw(svg, "text", { x: 160 * at + 20, y: 128, fill: "var(--ink)", "font-size": 15 }, ["weights", "gradients", "AdamW", "activations"][at]);
    x += width;
  }
  const line = 640 * data.room / widest;
  draw(svg, "line", { x1: line, x2: line, y1: 8, y2: 76, stroke: "var(--ink)", "stroke-width": 2, "stroke-dasharray": "6 4" });
  draw(svg, "text", { x: Math.min(line, 632), y: 98, "text-anchor": "end", fill: "var(--ink)", "font-size": 17 }, `a T4: ${amount(data.room)}`);
  const [weights, gradients, adamw, activations] = parts.map(amount);
  say(`Weights ${weights}, gradients ${gradients}, AdamW ${adamw}, activations ${activations}: ${amount(all)}. ${fits(all)}`);
}

size.value = data.sizes.indexOf(data.size);
length.value = data.lengths.indexOf(data.length);
size.oninput = () => { data.size = data.sizes[Number(size.value)]; show(); };
length.oninput = () => { data.length = data.lengths[Number(length.value)]; show(); };
show();
