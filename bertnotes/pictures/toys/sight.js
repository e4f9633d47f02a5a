// data: {sentences: [{words, gap, guesses}], before, after}: guesses[before * (words after the gap + 1) + after] = five "piece percent".
let chosen = 0, before = data.before, after = data.after;
const texts = make("div", { class: "buttons" }), line = make("div", { class: "line" }), result = make("div");
const sliders = ["before", "after"].map((side) => make("input", { type: "range", min: 0, step: 1, id: side, "aria-label": `words ${side} the gap that may be seen` }));
const shown = [make("b"), make("b")];
toy.append(texts, ...sliders.map((slider, at) => make("label", {}, make("span", {}, ["words before", "words after"][at]), slider, shown[at])), line, result);

const sentence = () => data.sentences[chosen];
const sides = () => [sentence().gap, sentence().words.length - 1 - sentence().gap];
const guesses = () => sentence().guesses[before * (sides()[1] + 1) + after].map((guess) => { const at = guess.lastIndexOf(" "); return [guess.slice(0, at), Number(guess.slice(at + 1))]; });

function show() {
  const { words, gap } = sentence();
  [before, after] = [before, after].map((count, at) => Math.min(count, sides()[at]));
  sliders.forEach((slider, at) => {
    slider.max = sides()[at];
    slider.value = [before, after][at];
    shown[at].textContent = `${slider.value} of ${slider.max}`;
    slider.setAttribute("aria-valuetext", shown[at].textContent);
  });
  [...texts.children].forEach((button, at) => button.setAttribute("aria-pressed", at === chosen));
  line.replaceChildren(...words.map((word, at) => {
    if (at === gap) return make("span", { class: "gap" }, "?");
    return at >= gap - before && at <= gap + after ? make("span", {}, word) : make("span", { class: "hidden", "aria-label": "hidden" }, word);
  }));
  const five = guesses(), place = five.findIndex(([piece]) => piece === words[gap]);
  result.replaceChildren(table([["five best guesses"], ["probability"], [""]], five.map(([piece, percent]) => [make("span", { class: piece === words[gap] ? "right" : "" }, piece), `${percent} %`, bar(percent / 100)])));
  say(place < 0 ? `“${words[gap]}”, which stood there, is not among the five.` : `“${words[gap]}”, which stood there, is number ${place + 1}, with ${five[place][1]} %.`);
}

data.sentences.forEach((one, at) => {
  const button = make("button", { type: "button" }, one.words.map((word, place) => (place === one.gap ? "___" : word)).slice(0, 6).join(" ") + " ...");
  button.onclick = () => { chosen = at; show(); };
  texts.append(button);
});
sliders.forEach((slider, at) => { slider.oninput = () => { if (at) after = Number(slider.value); else before = Number(slider.value); show(); }; });
show();
