// The button of the page that is meant for paper.
document.querySelector("[data-print]")?.addEventListener("click", () => print());
