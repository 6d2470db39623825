// Writes corpus.json: expressions, answers, and whether survey-core shows a question for them.
//
//   npm install survey-core@3.1.1 && node corpus.cjs > corpus.json
//
// The tests read what it wrote; they need neither this nor survey-core.

const fs = require("fs");
const path = require("path");
const { Model } = require("survey-core");

let state = 20260301;
function dice() {
  // Park and Miller: the same expressions from everybody.
  state = (state * 48271) % 2147483647;
  return state / 2147483647;
}
const one = (of) => of[Math.floor(dice() * of.length)];
const some = (of) => of.filter(() => dice() < 0.4);

const survey = {
  elements: [
    { type: "rating", name: "score", rateMin: 0, rateMax: 10 },
    { type: "radiogroup", name: "who", choices: ["Buyer", "seller", { value: 3, text: "Three" }] },
    { type: "checkbox", name: "why", choices: ["price", "speed", "care"] },
    { type: "boolean", name: "again" },
    { type: "text", name: "words" },
    { type: "text", name: "day", inputType: "date" },
    { type: "matrix", name: "lines", columns: [1, 2, 3, 4, 5], rows: ["clean", "calm"] },
  ],
};

const answers = [{}];
while (answers.length < 40) {
  const each = {};
  if (dice() < 0.75) each.score = Math.floor(dice() * 11);
  if (dice() < 0.75) each.who = one(["Buyer", "seller", 3]);
  const why = some(["price", "speed", "care"]);
  if (why.length) each.why = why;
  if (dice() < 0.7) each.again = dice() < 0.5;
  if (dice() < 0.5) each.words = one(["<b>hm</b>", "0", "да"]);
  if (dice() < 0.5) each.day = "2026-02-28";
  const lines = {};
  for (const row of ["clean", "calm"]) if (dice() < 0.5) lines[row] = 1 + Math.floor(dice() * 5);
  if (Object.keys(lines).length) each.lines = lines;
  answers.push(each);
}

const quoted = (text) => (dice() < 0.5 ? `'${text}'` : `"${text}"`);
const cased = (word) => (dice() < 0.2 ? word.toUpperCase() : word);
const listed = (of) => `[${(of.length ? of : [one(["price", "speed"])]).join(dice() < 0.5 ? "," : ", ")}]`;
const numbers = () => `[${[0, 3, 5, 9].filter(() => dice() < 0.6).concat([7]).join(",")}]`;

function look() {
  const kind = Math.floor(dice() * 9);
  const compare = one(["=", "==", "equal", "!=", "<>", "notequal", ">", "greater", "<", "less", ">=", "greaterorequal", "<=", "lessorequal"]);
  const same = one(["=", "==", "equal", "!=", "<>", "notequal"]);
  const score = Math.floor(dice() * 11);
  if (kind === 0) return `{score} ${compare} ${dice() < 0.2 ? quoted(score) : score}`;
  if (kind === 1) return `${score} ${one(["=", "!=", ">", "<", ">=", "<="])} {score}`;
  if (kind === 2) return `{score} ${one(["anyof", "noneof"])} ${numbers()}`;
  if (kind === 3) return `{who} ${same} ${one([quoted("Buyer"), quoted("BUYER"), quoted("seller"), "3", quoted("3")])}`;
  if (kind === 4) return `{Who} ${one(["anyof", "noneof"])} [${one(["'buyer'", "'seller',3", "3"])}]`;
  if (kind === 5) {
    const op = one(["contains", "contain", "*=", "notcontains", "notcontain", "anyof", "allof", "noneof", "=", "!="]);
    // Lists that differ by capitals are now the same there, now not: we refuse to guess.
    const speed = op.endsWith("=") && op !== "*=" ? '"speed"' : '"SPEED"';
    const many = listed(some(["'price'", speed, "'care'"]));
    const list = many.includes("'") || many.includes('"') ? many : "['price']";
    const alone = op.includes("contain") || op === "*=";
    return `{why} ${op} ${alone && dice() < 0.5 ? quoted(one(["price", "Care"])) : list}`;
  }
  if (kind === 6) return `{again} ${same} ${one(["true", "false", "'true'", "False"])}`;
  if (kind === 7) return `{lines.${one(["clean", "calm", "Calm"])}} ${compare} ${1 + Math.floor(dice() * 5)}`;
  return `{${one(["score", "who", "why", "again", "words", "day", "lines", "lines.calm"])}} ${cased(one(["empty", "notempty"]))}`;
}

function expression(deep) {
  const throw_ = dice();
  if (deep === 0 || throw_ < 0.3) return look();
  if (throw_ < 0.55) return `${expression(deep - 1)} ${one(["and", "AND", "&&"])} ${expression(deep - 1)}`;
  if (throw_ < 0.8) return `${expression(deep - 1)} ${one(["or", "Or", "||"])} ${expression(deep - 1)}`;
  if (throw_ < 0.9) return `(${expression(deep - 1)})`;
  return `${one(["!", "negate "])}(${expression(deep - 1)})`;
}

const expressions = new Set();
while (expressions.size < 300) expressions.add(look());
while (expressions.size < 900) expressions.add(expression(3));

const shown = {};
for (const each of expressions) {
  const elements = [...survey.elements, { type: "comment", name: "last", visibleIf: each }];
  const model = new Model({ elements });
  shown[each] = answers
    .map((data) => {
      model.data = data;
      return model.getQuestionByName("last").isVisible ? "1" : "0";
    })
    .join("");
}
const version = JSON.parse(
  fs.readFileSync(path.join(path.dirname(require.resolve("survey-core")), "package.json")),
).version;
const lines = Object.entries(shown).map(([e, bits]) => `  ${JSON.stringify(e)}: "${bits}"`);
console.log(`{
 "survey_core": ${JSON.stringify(version)},
 "survey": ${JSON.stringify(survey)},
 "answers": [
  ${answers.map((each) => JSON.stringify(each)).join(",\n  ")}
 ],
 "shown": {
${lines.join(",\n")}
 }
}`);
