// data: {pieces, sizes, word}: pieces in the order in which they were made, lengths of the list to choose from, a word to begin with.
const field = make("input", { type: "text", id: "word", maxlength: 24, spellcheck: "false", autocomplete: "off", autocapitalize: "off", "aria-label": "a word" });
const slider = make("input", { type: "range", id: "size", min: 0, max: data.sizes.length - 1, step: 1, "aria-label": "length of the list" });
const shown = make("b"), boxes = make("div", { class: "pieces", role: "img" });
toy.append(make("label", {}, make("span", {}, "word"), field), make("label", {}, make("span", {}, "list"), slider, shown), boxes);
const rank = new Map(data.pieces.map((piece, at) => [piece, at]));

function cut(word, size) {  // always the longest piece of the first `size` that fits
  const pieces = [];
  for (let start = 0; start < word.length;) {
    let end = word.length;
    while (end > start && !(rank.get((start ? "##" : "") + word.slice(start, end)) < size)) end--;
    if (end === start) return ["[UNK]"];
    pieces.push((start ? "##" : "") + word.slice(start, end));
    start = end;
  }
  return pieces;
}

function show() {
  const size = data.sizes[slider.value], word = field.value.trim().toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").split(/\s+/)[0], pieces = cut(word, size);
  shown.textContent = `${size.toLocaleString("en")} pieces`;
  slider.setAttribute("aria-valuetext", shown.textContent);
  boxes.replaceChildren(...pieces.map((piece) => make("span", { class: piece.replace("##", "").length > 1 ? "long" : "" }, piece)));
  boxes.setAttribute("aria-label", pieces.join(" "));
  say(!word ? "Type a word." : pieces[0] === "[UNK]" ? "No piece fits at some place: the whole word is unknown."
    : `${pieces.length} ${pieces.length === 1 ? "piece" : "pieces"}; with the shortest list ${cut(word, data.sizes[0]).length}.`);
}

field.value = data.word;
slider.value = Math.floor(data.sizes.length / 2);
field.oninput = slider.oninput = show;
show();
