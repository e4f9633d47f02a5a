// data: {words, layers, target, rule}: click the word to be named, choose a rule, then go up layer by layer. carriers(): for each
// level, the positions that hold something of the target; the one before it has to name it.
const count = data.words.length, levels = data.layers + 1;
const rules = {
  "all but the next": (from, to) => to !== from + 1,
  "only back": (from, to) => to <= from,
  "hidden in the text": () => true,
};
let step = 0;
const side = make("div", { class: "side" }), ways = make("div", { class: "buttons" }), steps = make("div", { class: "buttons" });
toy.append(side, make("div", { class: "choices" }, make("p", {}, "The rule that is to keep the word out:"), ways, make("p", {}, "Go up one layer:"), steps));

function carriers() {
  const may = rules[data.rule], found = [data.words.map((_, at) => at === data.target && data.rule !== "hidden in the text")];
  for (let level = 1; level < levels; level++) {
    found.push(data.words.map((_, from) => found[level - 1].some((holds, to) => holds && may(from, to))));
  }
  return found;
}

const x = (at) => 70 + 110 * at, y = (level) => 60 + 110 * (levels - 1 - level);

function show() {
  const holds = carriers(), may = rules[data.rule];
  const names = data.rule === "hidden in the text" ? data.target : data.target - 1;  // the position that has to name it
  side.replaceChildren();
  const svg = draw(side, "svg", { viewBox: `0 0 ${110 * count + 110} ${y(0) + 66}`, role: "group", "aria-label": "words, and the layers over them" });
  for (let level = 1; level < levels; level++) {
    for (let from = 0; from < count; from++) for (let to = 0; to < count; to++) {
      if (!may(from, to)) continue;
      const lit = level <= step && holds[level - 1][to];
      draw(svg, "line", { x1: x(to), y1: y(level - 1) - 17, x2: x(from), y2: y(level) + 17, class: lit ? "lit" : "path" });
    }
  }
  for (let level = 0; level < levels; level++) {
    draw(svg, "text", { x: 110 * count + 30, y: y(level) + 6, class: "small" }, level ? `layer ${level}` : "words");
    data.words.forEach((_, at) => {
      const lit = level <= step && holds[level][at];
      draw(svg, "circle", { cx: x(at), cy: y(level), r: 16, class: `${lit ? "holds" : "node"}${at === names && level === levels - 1 ? " names" : ""}` });
    });
  }
  data.words.forEach((word, at) => {
    const text = at === data.target && data.rule === "hidden in the text" ? "[MASK]" : word;
    draw(svg, "text", { x: x(at), y: y(0) + 42, class: at === data.target ? "word target" : "word" }, text);
    if (!at) return;  // nobody has to name the first word
    const place = draw(svg, "circle", { cx: x(at), cy: y(0), r: 24, class: "choose", tabindex: 0, role: "button", "aria-label": `let ${word} be named`, "aria-pressed": at === data.target });
    const choose = () => { data.target = at; step = 0; show(); };
    place.onclick = choose;
    place.onkeydown = (event) => {
      if (![" ", "Enter"].includes(event.key)) return;
      event.preventDefault();
      choose();
      side.querySelectorAll(".choose")[at - 1].focus();
    };
  });
  for (const button of ways.children) button.setAttribute("aria-pressed", button.textContent === data.rule);
  words(holds, names);
}

function words(holds, names) {
  const who = data.words[names], target = data.words[data.target], there = holds[step].filter(Boolean).length;
  if (data.rule === "hidden in the text") {
    say(`${target} is not in the input: it stands nowhere, so in no layer can anyone copy it. Its own position has to name it.`);
  } else if (!step) {
    say(`The position of ${who} (ringed, at the top) has to name ${target}. Filled: who holds something of ${target}. Go up one layer.`);
  } else if (holds[step][names]) {
    say(`After ${step} layer${step > 1 ? "s" : ""} ${there} of ${count} positions hold something of ${target}, and ${who} is among them: ${target} sees itself.`);
  } else {
    say(`After ${step} layer${step > 1 ? "s" : ""} ${there} of ${count} positions hold something of ${target}. ${who} is not among them.`);
  }
}

for (const name of Object.keys(rules)) {
  const button = make("button", { type: "button" }, name);
  button.onclick = () => { data.rule = name; step = 0; show(); };
  ways.append(button);
}
for (const [name, next] of [["next layer", () => Math.min(step + 1, levels - 1)], ["back to the words", () => 0]]) {
  const button = make("button", { type: "button" }, name);
  button.onclick = () => { step = next(); show(); };
  steps.append(button);
}
show();
