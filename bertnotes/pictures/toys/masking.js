// data: {words, pieces, rate, chance, fate}: a sentence, random pieces, the rate at the start, and two random numbers a word.
const slider = make("input", { type: "range", min: 0, max: 100, step: 1, id: "rate", "aria-label": "share of the tokens that is chosen" });
const shown = make("b"), chips = make("div", { class: "chips" }), again = make("button", { type: "button" }, "new random numbers");
toy.append(make("label", {}, make("span", {}, "chosen, of 100"), slider, shown), chips, make("div", { class: "buttons" }, again));

function read(at) {  // what the model reads in the place of a word, and what was done to it
  if (data.chance[at] >= data.rate) return { text: data.words[at], done: "" };
  if (data.fate[at] < 0.8) return { text: "[MASK]", done: "hidden" };
  if (data.fate[at] < 0.9) return { text: data.words[at], done: "stays" };
  return { text: data.pieces[at % data.pieces.length], done: "random" };
}

function show() {
  shown.textContent = `${Math.round(100 * data.rate)} %`;
  slider.setAttribute("aria-valuetext", shown.textContent);
  const count = { hidden: 0, stays: 0, random: 0 };
  chips.replaceChildren(...data.words.map((word, at) => {
    const { text, done } = read(at);
    if (done) count[done] += 1;
    return make("div", { class: done ? "chip chosen" : "chip" }, make("small", {}, word), make("small", {}, data.chance[at].toFixed(2)), make("b", {}, text), make("small", {}, done || "\u00a0"));
  }));
  const all = count.hidden + count.stays + count.random;
  say(`${all} of ${data.words.length} tokens are chosen: ${count.hidden} hidden, ${count.stays} left as they are, ${count.random} replaced. The model is asked about these ${all}.`);
}

slider.value = 100 * data.rate;
slider.oninput = () => { data.rate = Number(slider.value) / 100; show(); };
again.onclick = () => {
  data.chance = data.words.map(() => Math.random());
  data.fate = data.words.map(() => Math.random());
  show();
};
show();
