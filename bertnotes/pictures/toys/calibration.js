// data: {odds, count, right, temperature}: validation verdicts, gathered by the log-odds of the class that was named.
const slider = make("input", { type: "range", min: 50, max: 300, step: 1, id: "temperature", "aria-label": "temperature" });
const value = make("b"), chart = make("div", { class: "chart" }), buttons = make("div", { class: "buttons" });
const total = data.count.reduce((a, b) => a + b, 0);
toy.append(make("label", {}, make("span", {}, "temperature"), slider, value), chart, buttons);

function scaled(at) {  // divide the log-odds by a temperature: bins, calibration error, loss
  const bins = Array.from({ length: 10 }, () => ({ count: 0, sure: 0, right: 0 }));
  let loss = 0;
  data.odds.forEach((odds, row) => {
    const sure = 1 / (1 + Math.exp(-odds / at)), bin = bins[Math.min(9, Math.floor(10 * sure))];
    bin.count += data.count[row];
    bin.sure += data.count[row] * sure;
    bin.right += data.right[row];
    loss -= data.right[row] * Math.log(sure) + (data.count[row] - data.right[row]) * Math.log(1 - sure);
  });
  return { bins, error: bins.reduce((sum, bin) => sum + Math.abs(bin.sure - bin.right), 0) / total, loss: loss / total };
}

const tried = Array.from({ length: 251 }, (_, at) => (50 + at) / 100);
const best = tried.reduce((one, other) => (scaled(other).loss < scaled(one).loss ? other : one));

function show() {
  const { bins, error, loss } = scaled(data.temperature);
  slider.value = Math.round(100 * data.temperature);
  value.textContent = number(data.temperature);
  slider.setAttribute("aria-valuetext", `temperature ${number(data.temperature)}`);
  chart.replaceChildren();
  const svg = draw(chart, "svg", { viewBox: "0 0 640 300", role: "img", "aria-label": `share right by how sure, calibration error ${number(error, 3)}` });
  const x = (sure) => 60 + 1100 * (sure - 0.5), y = (right) => 190 - 340 * (right - 0.5);
  draw(svg, "line", { x1: x(0.5), y1: y(0.5), x2: x(1), y2: y(1), stroke: "var(--ink)", "stroke-dasharray": "5 5" });
  const told = bins.filter((bin) => bin.count);
  draw(svg, "polyline", { points: told.map((bin) => `${x(bin.sure / bin.count)},${y(bin.right / bin.count)}`).join(" "), fill: "none", stroke: "var(--query)", "stroke-width": 3 });
  told.forEach((bin) => draw(svg, "circle", { cx: x(bin.sure / bin.count), cy: y(bin.right / bin.count), r: 7, fill: "var(--query)", class: "dot" }));
  bins.forEach((bin, at) => {
    if (at < 5) return;
    const high = 46 * bin.count / total;
    draw(svg, "rect", { x: x(at / 10) + 6, y: 262 - high, width: 98, height: high, fill: "var(--key)" });
    draw(svg, "text", { x: x(at / 10 + 0.05), y: 256 - high, "text-anchor": "middle", "font-size": 18 }, `${Math.round(100 * bin.count / total)} %`);
    draw(svg, "text", { x: x(at / 10), y: 284, "text-anchor": "middle", "font-size": 18 }, number(at / 10, 1));
  });
  draw(svg, "text", { x: 70, y: 24, "font-size": 18 }, "share right; dashed: as sure as right");
  say(`Calibration error ${number(error, 3)}, loss ${number(loss, 3)}. ${data.temperature === 1 ? "As it is." : data.temperature < 1 ? "Sharper: still surer of itself." : "Softer: less sure."} No verdict changes.`);
}

slider.oninput = () => { data.temperature = slider.value / 100; show(); };
for (const [text, at] of [["as it is: 1", 1], ["least loss", best]]) {
  const button = make("button", { type: "button" }, text);
  button.onclick = () => { data.temperature = at; show(); };
  buttons.append(button);
}
show();
