// On a narrow page each row of a table becomes a block, in which each cell tells its column: see site.css.
for (const table of document.querySelectorAll("table.docutils")) {
  const columns = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
  for (const row of table.tBodies[0].rows) [...row.cells].forEach((cell, at) => (cell.dataset.column = columns[at] ?? ""));
}
