// data: {size, words, counts, start}: numbers a word, words of a sentence, the numbers of heads to choose from, where to begin.
const slider = make("input", { type: "range", min: 0, max: data.counts.length - 1, step: 1, id: "heads", "aria-label": "number of heads" });
const shown = make("b"), strips = make("div", { class: "strips" }), facts = make("div");
toy.append(make("label", {}, make("span", {}, "heads"), slider, shown), strips, facts);
let at = data.start;

function count() {  // what a number of heads means for its size, its weights and the parameters
  const heads = data.counts[at], size = data.size / heads;
  return { heads, size, parameters: 4 * (data.size ** 2 + data.size), weights: heads * data.words ** 2 };
}

function strip(name, heads, size) {
  const holder = make("div", { class: `strip ${name}`, role: "img", "aria-label": `${name}: ${heads} strips of ${size} numbers` });
  for (let number = 0; number < data.size; number++) {
    const head = Math.floor(number / size), last = (number + 1) % size === 0 && number + 1 < data.size;
    holder.append(make("i", { class: `${head % 2 ? "" : "odd"} ${last ? "cut" : ""}` }));
  }
  return holder;
}

function show() {
  const { heads, size, parameters, weights } = count(), plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
  shown.textContent = `${plural(heads, "head")} of ${plural(size, "number")}`;
  slider.setAttribute("aria-valuetext", shown.textContent);
  strips.replaceChildren(...["query", "key", "value"].flatMap((name) => [make("b", { class: name }, name), strip(name, heads, size)]));
  facts.replaceChildren(table([["all heads together"], [""]], [
    ["parameters: four matrices and their biases", parameters.toLocaleString("en")],
    [`attention weights, for ${data.words} words`, `${heads} × ${data.words} × ${data.words} = ${weights.toLocaleString("en")}`],
    ["scores are divided by", `√${size} ≈ ${number(Math.sqrt(size))}`],
  ]));
  say(heads === 1 ? "One head: one row of weights for each word." : size === 1 ? "Each head compares a query and a key by a single number."
    : `Each word has ${heads} rows of weights, and each head compares by ${size} numbers.`);
}

slider.value = at;
slider.oninput = () => { at = Number(slider.value); show(); };
show();
