// Times that move: what is left, how old something is, and what time it is where the reader sits.

/** The server's clock minus ours, in milliseconds. */
let skew = 0;

function setClock(main) {
  const there = Date.parse(main.dataset.now);
  if (!Number.isNaN(there)) skew = there - Date.now();
}

/** A length of time in the two largest units that matter, as the server writes it, but with seconds
 * up to an hour: a number that moves shows that the page is alive. */
function span(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [minutes, hours, days] = [60, 3600, 86400].map((unit) => Math.floor(seconds / unit));
  const two = (number) => String(number).padStart(2, "0");
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${two(minutes % 60)} min`;
  if (minutes > 0) return `${minutes} min ${two(seconds % 60)} s`;
  return `${seconds} s`;
}

/** Puts the present into every moving time below `root`. */
function tick(root) {
  const now = Date.now() + skew;
  const put = (time, milliseconds) => {
    const text = span(milliseconds);
    if (time.textContent !== text) time.textContent = text;
  };
  for (const time of root.querySelectorAll("time[data-left]")) put(time, Date.parse(time.dateTime) - now);
  for (const time of root.querySelectorAll("time[data-age]")) put(time, now - Date.parse(time.dateTime));
}

/** Adds the reader's own time where the server's words do not have it. */
function here(root) {
  for (const time of root.querySelectorAll("time[data-at]")) {
    const at = new Date(time.dateTime);
    const two = (number) => String(number).padStart(2, "0");
    const local = `${two(at.getHours())}:${two(at.getMinutes())}`;
    if (!time.textContent.includes(local)) time.append(`, ${local} here`);
  }
}
