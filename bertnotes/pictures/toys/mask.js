// data: {words, scores, values, mask}: scores already divided by the root; mask: true = may look. Click a cell, or tab to the
// grid, walk with the arrow keys and press space.
const count = data.words.length;
const grid = make("div", { class: "grid", role: "grid", "aria-label": "who may look at whom" });
grid.style.gridTemplateColumns = `max-content repeat(${count}, minmax(0, 1fr))`;
const result = make("div", { class: "numbers" }), buttons = make("div", { class: "buttons" });
toy.append(make("div", { class: "side" }, make("p", { class: "axes" }, "this word ↓ … looks at →"), grid, buttons), result);
const cells = data.words.map(() => []);
const mask = data.mask;
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function attend() {
  const weights = data.scores.map((row, from) => softmax(row.map((score, to) => (mask[from][to] ? score : -Infinity))));
  return { weights, outputs: weights.map((row) => mix(row, data.values)) };
}

function show(last = null) {
  const { weights, outputs } = attend();
  cells.forEach((row, from) => row.forEach((cell, to) => {
    const may = mask[from][to], weight = weights[from][to];
    cell.textContent = may ? number(weight) : "0";
    cell.className = may ? "may" : "not";
    cell.style.setProperty("--share", `${Math.round(100 * weight)}%`);
    cell.style.color = may && weight > (dark.matches ? 0.5 : 0.72) ? "var(--ground)" : "";
    cell.setAttribute("aria-pressed", may);
    cell.setAttribute("aria-label", `${data.words[from]} ${may ? "may look" : "must not look"} at ${data.words[to]}, weight ${number(weight)}`);
  }));
  const rows = data.words.map((word, from) => [word, number(weights[from].reduce((a, b) => a + b, 0)), vector(outputs[from], 2)]);
  result.replaceChildren(table([["word"], ["row adds up to"], ["output"]], rows));
  const empty = data.words.filter((_, from) => !mask[from].some(Boolean));
  if (empty.length) {
    say(`${empty.join(" and ")} may look at nothing. Plain softmax would divide 0 by 0 and give NaN; here the weights and the output are 0.`);
  } else if (last) {
    const [from, to] = last, who = data.words[from], whom = data.words[to];
    say(mask[from][to] ? `${who} may look at ${whom} again.` : `${who} must not look at ${whom}: its weight goes to the words that remain.`);
  } else {
    say("Click a cell: may this word look there? The rest of its row shares the weight.");
  }
}

function toggle(from, to) {
  mask[from][to] = !mask[from][to];
  show([from, to]);
}

function focus(from, to) {  // one cell of the grid is in the tab order
  cells.flat().forEach((cell) => { cell.tabIndex = -1; });
  const cell = cells[(from + count) % count][(to + count) % count];
  cell.tabIndex = 0;
  return cell;
}

grid.append(make("span"), ...data.words.map((word) => make("b", { class: "key" }, word)));
data.words.forEach((word, from) => {
  grid.append(make("b", { class: "query" }, word));
  data.words.forEach((_, to) => {
    const cell = make("button", { type: "button" });
    cell.onclick = () => { focus(from, to); toggle(from, to); };
    cell.onkeydown = (event) => {
      const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!way) return;
      event.preventDefault();
      focus(from + way[0], to + way[1]).focus();
    };
    cells[from].push(cell);
    grid.append(cell);
  });
});
const masks = { "all may": () => true, "causal": (from, to) => to <= from, "hide the last word": (_, to) => to < count - 1, "first may see nothing": (from) => from > 0 };
for (const [name, may] of Object.entries(masks)) {
  const button = make("button", { type: "button" }, name);
  button.onclick = () => { mask.forEach((row, from) => row.forEach((_, to) => { row[to] = may(from, to); })); show(); };
  buttons.append(button);
}
dark.addEventListener("change", () => show());
focus(0, 0);
show();
