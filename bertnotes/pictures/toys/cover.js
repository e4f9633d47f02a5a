// data: {sentences: [{words, percents}], at}: percents = two digits of the probability of "positive" for each set of covered
// words; the bit of word 0 is the lowest. at: the set to begin with.
let chosen = 0, covered = data.at;
const texts = make("div", { class: "buttons" }), line = make("div", { class: "line" }), meter = make("div", { class: "meter" }), fill = make("i"), mark = make("b");
const uncover = make("button", { type: "button", id: "uncover" }, "uncover all");
meter.append(fill);
toy.append(texts, line, make("div", { class: "result" }, make("span", {}, "positive"), meter, mark), uncover);

const percent = (sentence, set) => Number(sentence.percents.slice(2 * set, 2 * set + 2));

function show() {
  const sentence = data.sentences[chosen], now = percent(sentence, covered), whole = percent(sentence, 0);
  [...texts.children].forEach((button, number) => button.setAttribute("aria-pressed", number === chosen));
  [...line.children].forEach((button, at) => {
    const hidden = (covered >> at) & 1;
    button.textContent = hidden ? "[MASK]" : sentence.words[at];
    button.setAttribute("aria-pressed", Boolean(hidden));
    button.setAttribute("aria-label", `${sentence.words[at]}, ${hidden ? "covered" : "shown"}`);
  });
  fill.style.width = `${now}%`;
  mark.textContent = `${now} %`;
  const hidden = sentence.words.filter((_, at) => (covered >> at) & 1);
  say(hidden.length ? `Without ${hidden.join(" ")}: ${now} % instead of ${whole} %.` + ((now < 50) !== (whole < 50) ? " The verdict is turned round." : "") : `Nothing is covered: ${whole} % positive. Press a word.`);
}

function begin() {
  line.replaceChildren(...data.sentences[chosen].words.map((_, at) => {
    const button = make("button", { type: "button" });
    button.onclick = () => { covered ^= 1 << at; show(); };
    return button;
  }));
  show();
}

data.sentences.forEach((one, number) => {
  const button = make("button", { type: "button" }, one.words.slice(0, 4).join(" ") + " ...");
  button.onclick = () => { chosen = number; covered = 0; begin(); };
  texts.append(button);
});
uncover.onclick = () => { covered = 0; show(); };
begin();
