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
    // Never smaller than the page's text: a diagram that doesn't fit can be moved.
    flowchart: { useMaxWidth: false, nodeSpacing: 16, rankSpacing: 36, wrappingWidth: 110, padding: 8 },
    sequence: { useMaxWidth: false, actorMargin: 10, width: 96, height: 48, mirrorActors: false, diagramMarginX: 4 },
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
