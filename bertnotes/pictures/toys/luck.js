// data: {heads, cases, hits, limits}: how many coins, how often each is thrown, and how often each came up heads at first.
const coins = make("input", { type: "range", min: 0, max: data.limits.heads.length - 1, step: 1, id: "coins", "aria-label": "number of coins" });
const throws = make("input", { type: "range", min: 0, max: data.limits.cases.length - 1, step: 1, id: "throws", "aria-label": "throws of each coin" });
const many = make("b"), often = make("b"), again = make("button", { type: "button" }, "throw again"), chart = make("div", { class: "chart" });
toy.append(make("label", {}, make("span", {}, "coins"), coins, many), make("label", {}, make("span", {}, "throws of each"), throws, often), chart, make("div", { class: "buttons" }, again));

const toss = () => Array.from({ length: data.cases }, () => Number(Math.random() < 0.5)).reduce((a, b) => a + b, 0);

function show() {
  many.textContent = data.heads;
  often.textContent = data.cases;
  coins.setAttribute("aria-valuetext", `${data.heads} coins`);
  throws.setAttribute("aria-valuetext", `${data.cases} throws`);
  const best = Math.max(...data.hits), mean = data.hits.reduce((a, b) => a + b, 0) / data.heads;
  const counts = Array.from({ length: data.cases + 1 }, (_, hits) => data.hits.filter((one) => one === hits).length), top = Math.max(...counts);
  const wide = 640 / (data.cases + 1);
  chart.replaceChildren();
  const svg = draw(chart, "svg", { viewBox: "0 0 640 190", role: "img", "aria-label": `how many coins came up heads how often; the best ${best} times` });
  counts.forEach((count, hits) => {
    const x = hits * wide, high = 120 * count / top, color = hits === best ? "var(--key)" : "var(--query)";
    draw(svg, "rect", { x: x + 2, y: 140 - high, width: wide - 4, height: high, fill: color, class: "bar-of" });
    if (count && hits === best) draw(svg, "text", { x: x + wide / 2, y: 132 - high, "text-anchor": "middle", "font-size": 20 }, count);
    if (hits % Math.ceil(data.cases / 8) === 0) draw(svg, "text", { x: x + wide / 2, y: 164, "text-anchor": "middle", "font-size": 18 }, hits);
  });
  draw(svg, "text", { x: 320, y: 186, "text-anchor": "middle", "font-size": 18 }, "right, of so many");
  say(`The best of ${data.heads} is right in ${best} of ${data.cases} (${Math.round(100 * best / data.cases)} %). The average one is right in ${number(mean, 1)}. Nobody knows anything.`);
}

function change() {
  data.heads = data.limits.heads[Number(coins.value)];
  data.cases = data.limits.cases[Number(throws.value)];
  data.hits = Array.from({ length: data.heads }, toss);
  show();
}

coins.value = data.limits.heads.indexOf(data.heads);
throws.value = data.limits.cases.indexOf(data.cases);
coins.oninput = throws.oninput = again.onclick = change;
show();
