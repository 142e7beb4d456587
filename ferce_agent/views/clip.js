// The cursor of each timeline: a slider that mouse, finger and arrow keys move, and a line that says the exact values.
"use strict";
const data = JSON.parse(document.getElementById("curves").textContent);
const clock = (seconds) => {
  const hundredths = Math.round(seconds * 100), whole = Math.floor(hundredths / 100);
  const pad = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return (hours ? hours + ":" + pad(minutes) : minutes) + ":" + pad(whole % 60) + "." + pad(hundredths % 100);
};
const share = (permille) =>
  permille > 0 && permille < 10 ? "<1%" : permille < 1000 && permille >= 995 ? ">99%" : Math.round(permille / 10) + "%";
const signed = (hundredths) => (hundredths > 0 ? "+" : hundredths < 0 ? "−" : "") + (Math.abs(hundredths) / 100).toFixed(2);
const nearest = (times, time) => {
  let low = 0, high = times.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle; else high = middle;
  }
  return time - times[low] <= times[high] - time ? low : high;
};
const ranked = (names, values, least, most) =>
  names.map((name, place) => [name, values[place]]).filter((pair) => pair[1] !== null && pair[1] >= least)
    .sort((one, other) => other[1] - one[1]).slice(0, most);
const told = (track, index) => {
  const time = track.t[index], parts = [];
  const gap = track.g.find((one) => one[0] <= time && time <= one[1]);
  if (track.p[index]) {
    parts.push(ranked(data.terms, track.p[index], 10, 3).map((one) => one[0] + " " + share(one[1])).join(", "));
    parts.push("valence " + signed(track.v[index]) + ", arousal " + signed(track.a[index]));
  } else if (gap || !data.restricted) {
    parts.push("no reading" + (gap ? ": " + gap[2] : ""));
  }
  const moved = ranked(track.u, track.m[index], 15, 4);
  if (moved.length) parts.push(moved.map((one) => one[0] + " " + (one[1] / 100).toFixed(2)).join(", "));
  parts.push("quality " + (track.q[index] / 100).toFixed(2));
  for (const one of track.e) if (one[0] <= time && time <= one[1]) parts.push("within: " + one[2]);
  return parts.join("; ");
};
for (const timeline of document.querySelectorAll(".timeline")) {
  const track = data.tracks[timeline.dataset.track];
  const slider = timeline.querySelector("input"), said = timeline.querySelector("output");
  if (!track || !track.t.length) continue;
  const first = Number(slider.min), last = Number(slider.max);
  const show = () => {
    const index = nearest(track.t, Number(slider.value)), time = track.t[index];
    timeline.style.setProperty("--at", last > first ? (Number(slider.value) - first) / (last - first) : 0);
    slider.setAttribute("aria-valuetext", clock(time));
    said.textContent = clock(time) + ": " + told(track, index);
    timeline.classList.add("pointed");
  };
  const follow = (event) => {
    const plot = timeline.querySelector(".graph").getBoundingClientRect();
    if (event.clientX < plot.left - 8 || event.clientX > plot.right + 8) return;
    slider.value = first + (last - first) * Math.min(Math.max((event.clientX - plot.left) / plot.width, 0), 1);
    show();
  };
  timeline.querySelector(".controls").hidden = false;
  slider.addEventListener("input", show);
  slider.addEventListener("focus", show);
  timeline.querySelector(".lanes").addEventListener("pointermove", follow);
  timeline.querySelector(".lanes").addEventListener("pointerdown", follow);
  timeline.addEventListener("go", (event) => { slider.value = event.detail; slider.focus({preventScroll: true}); show(); });
}
for (const button of document.querySelectorAll("button[data-track]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const timeline = document.querySelector('.timeline[data-track="' + button.dataset.track + '"]');
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    timeline.scrollIntoView({behavior: still ? "auto" : "smooth", block: "center"});
    timeline.dispatchEvent(new CustomEvent("go", {detail: button.dataset.time}));
  });
}
