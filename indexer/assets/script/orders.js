// Copying commands; acknowledging and silencing with the token, which stays in this tab.

/** Tells how something went, for a few seconds. */
function tell(text) {
  const answer = document.getElementById("answer");
  answer.textContent = text;
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => { answer.textContent = ""; }, 6000);
}

/** Asks for the token unless it is known; null when the reader does not want to. */
function credentials(why) {
  const known = sessionStorage.getItem("token");
  if (known) return Promise.resolve({ token: known, author: sessionStorage.getItem("author") });
  const dialog = document.getElementById("token");
  const [token, author] = ["token-text", "token-author"].map((id) => document.getElementById(id));
  if (why) document.getElementById("token-why").textContent = why;
  token.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      const given = dialog.returnValue === "ok" ? token.value.trim() : "";
      token.value = "";
      if (!given) return done(null);
      sessionStorage.setItem("token", given);
      sessionStorage.setItem("author", author.value.trim());
      done({ token: given, author: author.value.trim() });
    }, { once: true });
  });
}

/** Sends an order; true when it was taken. */
async function order(path, body) {
  let why = "";
  for (;;) {
    const given = await credentials(why);
    if (!given) return false;
    const named = given.author && body.comment !== undefined ? { author: given.author, ...body } : body;
    let answer;
    try {
      answer = await fetch(path, {
        method: "POST",
        headers: { "Authorization": `Bearer ${given.token}`, "Content-Type": "application/json" },
        body: JSON.stringify(named),
        signal: AbortSignal.timeout(PATIENCE),
      });
    } catch {
      tell("Bootwatch did not answer; nothing is known of the order.");
      return false;
    }
    if (answer.ok) return true;
    const said = await answer.json().catch(() => ({}));
    if (answer.status !== 401) {
      tell(`Not done: ${said.error ?? `status ${answer.status}`}.`);
      return false;
    }
    sessionStorage.removeItem("token");
    why = "That token was not accepted.";
  }
}

async function give(control, path, body) {
  control.disabled = true;
  if (await order(path, body)) {
    tell("Done. It shows here in a moment.");
    setTimeout(refresh, 1500);
  }
  control.disabled = false;
}

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    // Without TLS a browser gives no clipboard; the old way works anywhere.
    getSelection().selectAllChildren(code);
    if (!document.execCommand("copy")) return tell("Marked: copy it by hand.");
  }
  tell("Copied.");
}

/** Asks how long and why, then orders the silence. */
function silence(button) {
  const matchers = JSON.parse(button.dataset.silence);
  const [dialog, what, length, why] =
    ["silence", "silence-what", "silence-for", "silence-why"].map((id) => document.getElementById(id));
  what.textContent = Object.entries(matchers).map(([label, value]) => `${label}=${value}`).join(" ");
  why.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "ok") return;
    give(button, "api/v1/silences", { matchers, for: length.value, comment: why.value });
  }, { once: true });
}

function startOrders() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.matches("[data-copy]")) copy(button);
    if (button?.matches("[data-silence]")) silence(button);
    if (button?.matches("[data-order]")) {
      // Ending a silence says nothing more; knowing of an incident may.
      const body = button.dataset.order.endsWith("/ack") ? { comment: "" } : {};
      give(button, button.dataset.order, body);
    }
  });
}
