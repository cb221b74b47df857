// Keeps the page fresh: the stream says that something has changed, and the page is fetched again.
// While nobody looks at it nothing is fetched and no connection is kept.

/** Least time between two fetches, in milliseconds. */
const PAUSE = 1000;
/** Between looks while there is no stream. */
const POLL = 15_000;
/** For one answer. */
const PATIENCE = 10_000;

let stream = null;
let fetching = false;
let wanted = false;
/** When the page was last known to be fresh. */
let heard = Date.now();

function lost() {
  const banner = document.getElementById("connection");
  const since = new Date(heard).toLocaleTimeString();
  banner.textContent = `No connection to Bootwatch since ${since}. What is shown is from then.`;
  banner.hidden = false;
  document.getElementById("live")?.setAttribute("hidden", "");
}

function found() {
  heard = Date.now();
  document.getElementById("connection").hidden = true;
}

/** Says in one sentence what changed for the reader, and only then. */
function announce(main, before) {
  if (main.dataset.level === before) return;
  const headline = document.getElementById("now-h").textContent;
  document.getElementById("announcer").textContent = `${main.dataset.level}: ${headline}`;
}

/** Puts a newer page in the place of this one. */
function take(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const [main, newer] = [document, fresh].map((page) => page.getElementById("main"));
  if (!newer) return;
  setClock(newer);
  here(fresh);
  tick(fresh);
  const before = main.dataset.level;
  document.title = fresh.title;
  for (const selector of ["header", "main", "footer"]) {
    morph(document.querySelector(selector), fresh.querySelector(selector));
  }
  // There is none where the data is old.
  const live = document.getElementById("live");
  if (live && stream?.readyState === EventSource.OPEN) {
    live.textContent = "live";
    live.hidden = false;
  }
  announce(main, before);
}

/** Fetches the page, at most once a second; a wish during a fetch is one more fetch after it. */
async function refresh() {
  wanted = true;
  if (fetching) return;
  fetching = true;
  while (wanted && !document.hidden) {
    wanted = false;
    try {
      const answer = await fetch("./", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      take(await answer.text());
      found();
    } catch {
      lost();
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
  fetching = false;
}

function listen() {
  if (stream || document.hidden) return;
  const opened = new EventSource("api/v1/stream");
  stream = opened;
  opened.addEventListener("change", refresh);
  opened.addEventListener("error", () => {
    // Otherwise the browser comes back by itself.
    if (opened.readyState === EventSource.CLOSED && stream === opened) stream = null;
  });
}

function look() {
  if (document.hidden) {
    stream?.close();
    stream = null;
    return;
  }
  listen();
  refresh();
}

function startLive() {
  document.addEventListener("visibilitychange", look);
  listen();
  setInterval(() => {
    if (document.hidden) return;
    listen();
    if (stream?.readyState !== EventSource.OPEN) refresh();
  }, POLL);
}
