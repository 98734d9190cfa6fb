// The editor of a calendar: Monday's hours for the other working days. Without it everything works by plain fields.

const week = document.querySelector("[data-week]");
const copy = week?.querySelector("[data-copy-week]");
const times = day => [...day.querySelectorAll("input[type=time]")];

if (copy) {
  copy.hidden = false;
  copy.addEventListener("click", () => {
    const [monday, ...others] = week.querySelectorAll(".week-day");
    for (const day of others.slice(0, 4)) times(day).forEach((field, at) => { field.value = times(monday)[at]?.value ?? ""; });
    week.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

// The grid says nothing while the service is round the clock.
const always = document.querySelector("[name=is_always]");
const fold = () => { if (week && always) week.hidden = always.checked; };
always?.addEventListener("change", fold);
fold();

// Another country or region has other holidays.
document.addEventListener("change", event => {
  if (event.target.matches("[data-place]")) document.getElementById("holidays").dispatchEvent(new Event("placechosen"));
});
