// A blurred sentence is shown, or hidden again, by a click, the Enter key or the space bar.
"use strict";

const spoilers = [...document.querySelectorAll(".spoiler")];
const labels = new Map(spoilers.map((spoiler) => [spoiler, spoiler.getAttribute("aria-label")]));

function show(spoiler, shown) {
  spoiler.setAttribute("aria-expanded", shown);
  if (shown) {
    spoiler.removeAttribute("aria-label"); // read out the sentence itself
    spoiler.firstElementChild.removeAttribute("aria-hidden");
  } else {
    spoiler.setAttribute("aria-label", labels.get(spoiler));
    spoiler.firstElementChild.setAttribute("aria-hidden", "true");
  }
}

function toggle(spoiler) {
  show(spoiler, spoiler.getAttribute("aria-expanded") !== "true");
}

for (const spoiler of spoilers) {
  spoiler.addEventListener("click", () => toggle(spoiler));
  spoiler.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      toggle(spoiler);
    }
  });
}

document.getElementById("all")?.addEventListener("click", () => spoilers.forEach((spoiler) => show(spoiler, true)));
