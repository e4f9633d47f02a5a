// data: {confidence, right, at}: of each answer how sure the model was, in hundredths, and whether it was right (1) or not (0).
const BINS = 20, slider = make("input", { type: "range", min: 0, max: 99, step: 1, id: "threshold", "aria-label": "threshold" });
const shown = make("b"), chart = make("div", { class: "chart" });
toy.append(make("label", {}, make("span", {}, "threshold"), slider, shown), chart);
const bins = Array.from({ length: BINS }, () => [0, 0]);  // right and wrong ones of each
data.confidence.forEach((sure, at) => { bins[Math.min(BINS - 1, Math.floor(sure * BINS / 100))][data.right[at] ? 0 : 1]++; });
const most = Math.max(...bins.map(([right, wrong]) => right + wrong)), unit = Math.min(22, 130 / most), wide = 640 / BINS;

function counted(threshold) {  // how many are answered, and how many of these are right
  const kept = data.confidence.map((sure, at) => [sure, data.right[at]]).filter(([sure]) => sure >= threshold);
  return [kept.length, kept.reduce((sum, [, right]) => sum + right, 0)];
}

function show() {
  const threshold = Number(slider.value), [answered, right] = counted(threshold), all = data.confidence.length;
  shown.textContent = number(threshold / 100);
  slider.setAttribute("aria-valuetext", `threshold ${number(threshold / 100)}`);
  const text = answered ? `${answered} of ${all} are answered, ${right} of them right (${Math.round(100 * right / answered)} %)` : `none of ${all} is answered`;
  chart.replaceChildren();
  const svg = draw(chart, "svg", { viewBox: "0 0 640 190", role: "img", "aria-label": `answers by confidence; ${text}` });
  bins.forEach(([good, bad], at) => {
    const x = at * wide + 2, fade = (at + 1) * 100 / BINS <= threshold ? 0.35 : 1;
    draw(svg, "rect", { x, y: 150 - unit * good, width: wide - 4, height: unit * good, fill: "var(--query)", opacity: fade, class: "right" });
    draw(svg, "rect", { x, y: 150 - unit * (good + bad), width: wide - 4, height: unit * bad, fill: "var(--key)", opacity: fade, class: "wrong" });
  });
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) draw(svg, "text", { x: 640 * tick, y: 174, "text-anchor": tick === 0 ? "start" : tick === 1 ? "end" : "middle", "font-size": 18 }, String(tick));
  draw(svg, "line", { x1: 6.4 * threshold, x2: 6.4 * threshold, y1: 4, y2: 154, stroke: "var(--ink)", "stroke-width": 3 });
  say(`From ${number(threshold / 100)} on: ${text}. ${all - answered} go to a person. (Blue: right, orange: wrong.)`);
}

slider.value = data.at;
slider.oninput = show;
show();
