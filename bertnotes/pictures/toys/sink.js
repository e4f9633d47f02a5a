// data: {sentences: [{words, gap, guesses}], factors, losses, at}: guesses[factor] = five "piece percent"; losses[factor] of an
// exam. The last of both is where nobody may look at [CLS].
let chosen = 0, at = data.at, forbidden = false;
const texts = make("div", { class: "buttons" }), line = make("div", { class: "line" }), result = make("div");
const slider = make("input", { type: "range", min: 0, max: data.factors.length - 1, step: 1, value: at, id: "factor", "aria-label": "the value of [CLS] is multiplied by" });
const shown = make("b"), forbid = make("button", { type: "button", id: "forbid" }, "nobody may look at [CLS]");
toy.append(texts, make("label", {}, make("span", {}, "value of [CLS] ×"), slider, shown, forbid), line, result);

const now = () => (forbidden ? data.factors.length : at);
const guesses = () => data.sentences[chosen].guesses[now()].map((guess) => { const gap = guess.lastIndexOf(" "); return [guess.slice(0, gap), Number(guess.slice(gap + 1))]; });
const normal = data.factors.indexOf(1);

function show() {
  const { words, gap } = data.sentences[chosen], factor = String(data.factors[at]);
  shown.textContent = factor;
  slider.setAttribute("aria-valuetext", `times ${factor}`);
  slider.disabled = forbidden;
  forbid.setAttribute("aria-pressed", forbidden);
  [...texts.children].forEach((button, number) => button.setAttribute("aria-pressed", number === chosen));
  line.replaceChildren(...words.map((word, place) => make("span", place === gap ? { class: "gap" } : {}, place === gap ? "?" : word)));
  result.replaceChildren(table([["five best guesses"], ["probability"], [""]], guesses().map(([piece, percent]) => [piece, `${percent} %`, bar(percent / 100)])));
  const more = data.losses[now()] - data.losses[normal];
  say(`Loss in the exam: ${number(data.losses[now()])}` + (now() === normal ? ", mini as it is." : `, ${number(Math.abs(more))} ${more < 0 ? "less" : "more"} than as it is.`));
}

data.sentences.forEach((one, number) => {
  const button = make("button", { type: "button" }, one.words.map((word, place) => (place === one.gap ? "___" : word)).slice(0, 5).join(" ") + " ...");
  button.onclick = () => { chosen = number; show(); };
  texts.append(button);
});
forbid.onclick = () => { forbidden = !forbidden; show(); };
slider.oninput = () => { at = Number(slider.value); show(); };
show();
