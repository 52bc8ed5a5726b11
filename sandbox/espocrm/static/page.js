// Keeps list, notes and queue fresh while nobody types.
async function refresh() {
  for (const part of document.querySelectorAll("[data-part]")) {
    if (part.contains(document.activeElement)) continue;
    try {
      const answer = await fetch(part.dataset.part);
      if (answer.ok) part.innerHTML = await answer.text();
    } catch (error) { /* the sandbox is gone; the next round tries again */ }
  }
}
setInterval(refresh, 2000);
