// data: {counts, count, shares: [A, B]}: how many reviews each system judged, of the counts that there are, and what it got right.
const Z = 1.96, names = ["A", "B"], colors = ["var(--query)", "var(--key)"];
const many = make("b"), chart = make("div", { class: "chart" });
const size = make("input", { type: "range", min: 0, max: data.counts.length - 1, step: 1, "aria-label": "reviews each" });
const sliders = data.shares.map((share, at) => make("input", { type: "range", min: 0.5, max: 0.99, step: 0.005, value: share, "aria-label": `accuracy of ${names[at]}` }));
const said = data.shares.map(() => make("b"));
toy.append(make("label", {}, make("span", {}, "reviews each"), size, many), ...sliders.map((slider, at) => make("label", {}, make("span", {}, `accuracy of ${names[at]}`), slider, said[at])), chart);

const variance = (share) => share * (1 - share) / data.count;

function wilson(share) {
  const grown = 1 + Z * Z / data.count, middle = (share + Z * Z / (2 * data.count)) / grown;
  const half = Z * Math.sqrt(variance(share) + Z * Z / (4 * data.count * data.count)) / grown;
  return [middle - half, middle + half];
}

const compared = () => {  // the difference of the two, its standard error, and z
  const difference = data.shares[0] - data.shares[1], error = Math.sqrt(variance(data.shares[0]) + variance(data.shares[1]));
  return { difference, error, z: difference / error };
};

function bar(svg, y, at, [low, value, high], color) {
  draw(svg, "line", { x1: at(low), x2: at(high), y1: y, y2: y, stroke: color, "stroke-width": 6 });
  for (const end of [low, high]) draw(svg, "line", { x1: at(end), x2: at(end), y1: y - 9, y2: y + 9, stroke: color, "stroke-width": 3 });
  draw(svg, "circle", { cx: at(value), cy: y, r: 7, fill: color });
}

function show() {
  many.textContent = data.count.toLocaleString("en");
  size.setAttribute("aria-valuetext", `${data.count} reviews`);
  data.shares.forEach((share, at) => { said[at].textContent = number(share, 3); });
  const { difference, error, z } = compared(), ends = data.shares.map(wilson);
  const low = Math.min(...ends.flat()), high = Math.max(...ends.flat()), room = high - low;
  const at = (share) => 60 + 560 * (share - low) / room;
  chart.replaceChildren();
  const svg = draw(chart, "svg", { viewBox: "0 0 640 200", role: "img", "aria-label": "two intervals, and the interval of the difference" });
  data.shares.forEach((share, row) => {
    draw(svg, "text", { x: 10, y: 36 + 44 * row, "font-size": 20 }, names[row]);
    bar(svg, 30 + 44 * row, at, [ends[row][0], share, ends[row][1]], colors[row]);
  });
  const reach = Math.max(Math.abs(difference) + Z * error, 1e-6), from = (value) => 340 + 280 * value / reach;
  draw(svg, "text", { x: 10, y: 142, "font-size": 20 }, "A − B");
  draw(svg, "line", { x1: from(0), x2: from(0), y1: 112, y2: 160, stroke: "currentColor", "stroke-width": 2, "stroke-dasharray": "4 5" });
  draw(svg, "text", { x: from(0), y: 184, "text-anchor": "middle", "font-size": 18 }, "no difference");
  bar(svg, 136, from, [difference - Z * error, difference, difference + Z * error], "var(--value)");
  const overlap = Math.min(ends[0][1], ends[1][1]) >= Math.max(ends[0][0], ends[1][0]);
  say(`The intervals ${overlap ? "overlap" : "are apart"}. The difference is ${number(100 * difference, 1)} ± ${number(100 * Z * error, 1)} points, z = ${number(z, 2)}: ${Math.abs(z) > Z ? "beyond" : "within"} 1.96.`);
}

size.value = data.counts.indexOf(data.count);
size.oninput = () => { data.count = data.counts[Number(size.value)]; show(); };
sliders.forEach((slider, at) => { slider.oninput = () => { data.shares[at] = Number(slider.value); show(); }; });
show();
