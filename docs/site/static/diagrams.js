// Draws each diagram in the colours of the page, and again when the reader chooses others.
const diagrams = [...document.querySelectorAll("pre.mermaid")].map((element) => ({ element, text: element.textContent }));
const preference = matchMedia("(prefers-color-scheme: dark)");
let drawn;

async function draw() {
  const chosen = document.body.dataset.theme;
  const theme = chosen === "dark" || (chosen !== "light" && preference.matches) ? "dark" : "neutral";
  if (theme === drawn) return;
  drawn = theme;
  mermaid.initialize({
    startOnLoad: false,
    theme,
    fontFamily: "var(--font-stack)",
    sequence: { actorMargin: 12, width: 125, height: 48, mirrorActors: false },
  });
  for (const { element, text } of diagrams) {
    element.removeAttribute("data-processed");
    element.textContent = text;
  }
  await mermaid.run({ nodes: diagrams.map(({ element }) => element) });
}

new MutationObserver(draw).observe(document.body, { attributeFilter: ["data-theme"] });
preference.addEventListener("change", draw);
draw();
