// data: {words, scores, temperature}: the scores of one query, before they are divided.
const LEAST = Math.log10(0.05), MOST = Math.log10(50);
const slider = make("input", { type: "range", min: LEAST, max: MOST, step: 0.01, id: "temperature", "aria-label": "temperature" });
const shown = make("b"), result = make("div", { class: "result" });
const buttons = make("div", { class: "buttons" });
toy.append(make("label", {}, "colder", slider, "hotter", shown), buttons, result);
let temperature = data.temperature;

function attend() {
  const weights = softmax(data.scores.map((score) => score / temperature));
  return { weights };
}

function show() {
  const { weights } = attend(), digits = temperature < 1 ? 3 : 2;
  slider.setAttribute("aria-valuetext", `temperature ${number(temperature, digits)}`);
  shown.textContent = `T = ${number(temperature, digits)}`;
  const rows = data.words.map((word, at) => [word, number(data.scores[at], 1), number(data.scores[at] / temperature), bar(weights[at]), number(weights[at], 3)]);
  result.replaceChildren(table([["word"], ["score"], ["÷ T"], ["weight"], [""]], rows));
  say(temperature < 0.5 ? "Cold: the best key takes all." : temperature > 20 ? "Hot: nearly equal shares." : "");
}

function set(value) {
  temperature = value;
  slider.value = Math.log10(value);
  show();
}

for (const [text, value] of [["cold: 0.05", 0.05], ["√2, as here", Math.SQRT2], ["hot: 50", 50]]) {
  const button = make("button", { type: "button" }, text);
  button.onclick = () => set(value);
  buttons.append(button);
}
slider.oninput = () => { temperature = 10 ** Number(slider.value); show(); };
set(data.temperature);
