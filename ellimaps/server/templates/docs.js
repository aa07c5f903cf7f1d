// The page to try an image: asks this server alone, as a program would.
"use strict";

const byId = (id) => document.getElementById(id);
for (const place of document.querySelectorAll(".address")) place.textContent = location.origin;

const headers = () => {
  const token = byId("token")?.value;
  return token ? { Authorization: `Bearer ${token}` } : {};
};

const base64Of = (file) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });

async function told(response) {
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}

function show(rows) {
  byId("answer").replaceChildren();
  for (const [name, value] of rows) {
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    byId("answer").append(term, text);
  }
}

// Of two classes the probability is the second one's.
const of = (about, answer) => {
  const values = about.classes.map(String);
  const meant = values.length === 2 ? values[1] : String(answer[about.label]);
  return ` of ${about.class_names[meant] ?? meant}`;
};

async function classify(event) {
  event.preventDefault();
  show([]);
  byId("said").textContent = "Classifying ...";
  try {
    const about = await told(await fetch("api", { headers: headers() }));
    const cell = await base64Of(byId("image").files[0]);
    const answer = await told(
      await fetch("v1/predict", {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headers() },
        body: JSON.stringify({ cell }),
      }),
    );
    const value = String(answer[about.label]);
    const name = about.class_names[value];
    show([
      [about.label.replaceAll("_", " "), name && name !== value ? `${name} (${value})` : value],
      ["Probability", `${(100 * answer.probability).toFixed(1)} %${of(about, answer)}`],
      ...answer.warnings.map((text) => ["Warning", text]),
      ["Time", `${answer.seconds.toFixed(2)} s`],
      ["Model", answer.model],
    ]);
    byId("said").textContent = "";
  } catch (error) {
    byId("said").textContent = error.message;
  }
}

byId("try").addEventListener("submit", classify);
