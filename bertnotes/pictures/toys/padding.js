// data: {lengths, size, most, sizes, mosts, sorted}: tokens of the reviews as they come, reviews in a batch, the cut, what both
// may be, and whether reviews of like length are put together.
const size = slide("size", data.sizes, "reviews in a batch"), most = slide("most", data.mosts, "tokens that are kept of a review");
const many = make("b"), kept = make("b"), chart = make("div", { class: "chart" });
const sort = make("button", { type: "button", id: "sort" }, "reviews of like length together");
toy.append(make("label", {}, make("span", {}, "reviews in a batch"), size, many), make("label", {}, make("span", {}, "cut after so many tokens"), most, kept), make("div", { class: "buttons" }, sort), chart);

function batches() {  // each a list of lengths, cut
  const lengths = data.lengths.map((length) => Math.min(length, data.most));
  if (data.sorted) lengths.sort((a, b) => a - b);
  return Array.from({ length: Math.ceil(lengths.length / data.size) }, (_, at) => lengths.slice(data.size * at, data.size * (at + 1)));
}

function counted() {  // real tokens, and all positions that are computed
  const all = batches();
  return [all.flat().reduce((a, b) => a + b, 0), all.reduce((sum, batch) => sum + batch.length * Math.max(...batch), 0)];
}

function show() {
  many.textContent = data.size;
  kept.textContent = data.most;
  size.setAttribute("aria-valuetext", `${data.size} reviews in a batch`);
  most.setAttribute("aria-valuetext", `cut after ${data.most} tokens`);
  sort.setAttribute("aria-pressed", data.sorted);
  const [real, all] = counted(), widest = Math.max(...data.lengths), step = 190 / data.lengths.length;
  chart.replaceChildren();
  const svg = draw(chart, "svg", { viewBox: "0 0 640 196", role: "img", "aria-label": `${Math.round(100 * (1 - real / all))} per cent of all positions are padding` });
  let row = 0;
  for (const batch of batches()) {
    const width = 630 * Math.max(...batch) / widest;
    draw(svg, "rect", { x: 0, y: row * step, width, height: batch.length * step - 0.8, fill: "var(--faint)", class: "padded" });
    for (const length of batch) draw(svg, "rect", { x: 0, y: step * row++, width: 630 * length / widest, height: step - 1.2, fill: "var(--query)", class: "row" });
  }
  say(`${all.toLocaleString("en")} positions are computed, ${real.toLocaleString("en")} hold a token: ${Math.round(100 * (1 - real / all))} % is padding.`);
}

size.value = data.sizes.indexOf(data.size);
most.value = data.mosts.indexOf(data.most);
size.oninput = () => { data.size = data.sizes[Number(size.value)]; show(); };
most.oninput = () => { data.most = data.mosts[Number(most.value)]; show(); };
sort.onclick = () => { data.sorted = !data.sorted; show(); };
show();
