// The page of -display web: noVNC's client in a frame of our own. What needs a secret to be seen (viewers, screenshots) is asked
// of the server with a token that this page made up and showed it when it connected: it is good as long as the connection is.
import RFB from "../novnc/core/rfb.js";
import KeyTable from "../novnc/core/input/keysym.js";
import keysyms from "../novnc/core/input/keysymdef.js";

const $ = (id) => document.getElementById(id);
const token = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

const kept = {
  get(name, otherwise) { try { return localStorage.getItem("govm." + name) ?? otherwise; } catch { return otherwise; } },
  set(name, value) { try { localStorage.setItem("govm." + name, value); } catch { /* a browser that keeps nothing */ } },
};

let rfb = null;       // the connection, once it is made
let connected = false;
let wait = 1000;      // before the next attempt
let retry = 0;        // its timer
let secrets = null;   // what was typed into the dialog, for reconnections
let refused = "";     // why the last attempt was
let asked = ["password"]; // what the server wants to know

function url() {
  const u = new URL("rfb", location.href);
  u.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  u.searchParams.set("token", token);
  if (!window.isSecureContext) u.searchParams.set("old", "1"); // no crypto.subtle there
  return u.href;
}

function connect() {
  clearTimeout(retry);
  $("message").hidden = true;
  $("state").textContent = "connecting";
  refused = "";
  rfb = new RFB($("screen"), url(), { shared: true, wsProtocols: ["binary"], credentials: secrets ?? undefined });
  rfb.background = "transparent";
  rfb.addEventListener("connect", onConnect);
  rfb.addEventListener("disconnect", onDisconnect);
  rfb.addEventListener("credentialsrequired", (e) => login(e.detail.types));
  // The page itself came from this server: who could pose as the one could as the other.
  rfb.addEventListener("serververification", () => rfb.approveServer());
  rfb.addEventListener("securityfailure", (e) => { refused = e.detail.reason || "not let in"; secrets = null; });
  rfb.addEventListener("desktopname", (e) => { document.title = $("name").textContent = e.detail.name; });
  rfb.addEventListener("capabilities", () => { $("powerbutton").hidden = !rfb.capabilities.power; });
  rfb.addEventListener("clipboard", onClipboard);
  apply();
}

function onConnect() {
  connected = true;
  wait = 1000;
  $("state").textContent = "";
  rfb.focus();
}

function onDisconnect(e) {
  connected = false;
  lift();
  rfb = null;
  $("powerbutton").hidden = true;
  if (refused) {
    login(asked, refused);
    $("state").textContent = refused;
    return;
  }
  $("state").textContent = e.detail.clean ? "the machine has ended, or sent this page away" : "the connection broke";
  $("said").textContent = "No connection to the machine.";
  $("message").hidden = $("again").hidden = false;
  retry = setTimeout(connect, wait);
  wait = Math.min(2 * wait, 15000);
}

function login(types, why = "") {
  asked = types;
  const dialog = $("login");
  $("userrow").hidden = !types.includes("username");
  $("why").textContent = why;
  dialog.returnValue = "";
  dialog.onclose = () => {
    if (dialog.returnValue !== "ok") {
      $("said").textContent = why || "A password is needed.";
      $("message").hidden = $("again").hidden = false;
      rfb?.disconnect();
      return;
    }
    secrets = { username: $("user").value, password: $("password").value };
    if (rfb) rfb.sendCredentials(secrets); else connect();
  };
  dialog.showModal();
  $(types.includes("username") ? "user" : "password").focus();
}

$("again").onclick = () => { wait = 1000; connect(); };

// View.

function apply() {
  const size = $("size").value;
  if (!rfb) return;
  rfb.scaleViewport = size === "fit";
  rfb.resizeSession = size === "follow";
  rfb.clipViewport = rfb.dragViewport = size === "actual" && matchMedia("(pointer: coarse)").matches;
  rfb.qualityLevel = Number($("quality").value);
  rfb.viewOnly = $("looking").checked;
  rfb.showDotCursor = $("dot").checked;
}

for (const id of ["size", "quality"]) {
  $(id).value = kept.get(id, $(id).value);
  if (!$(id).value) $(id).selectedIndex = 0; // kept by another version
  $(id).onchange = () => { kept.set(id, $(id).value); apply(); };
}
for (const id of ["looking", "dot"]) {
  $(id).checked = kept.get(id, "") === "1";
  $(id).onchange = () => { kept.set(id, $(id).checked ? "1" : ""); apply(); };
}

$("full").onclick = async () => {
  if (document.fullscreenElement) return document.exitFullscreen();
  await document.documentElement.requestFullscreen({ navigationUI: "hide" });
  navigator.keyboard?.lock?.().catch(() => {}); // Alt-Tab, the system key … reach the guest
  rfb?.focus();
};
document.addEventListener("fullscreenchange", () => {
  $("full").textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
  if (!document.fullscreenElement) navigator.keyboard?.unlock?.();
});

// Keys: each by its keysym and by its place on the keyboard.

const place = {
  Ctrl: ["XK_Control_L", "ControlLeft"], Alt: ["XK_Alt_L", "AltLeft"], AltGr: ["XK_ISO_Level3_Shift", "AltRight"], Shift: ["XK_Shift_L", "ShiftLeft"],
  Super: ["XK_Super_L", "MetaLeft"], Menu: ["XK_Menu", "ContextMenu"], Del: ["XK_Delete", "Delete"], Backspace: ["XK_BackSpace", "Backspace"],
  Tab: ["XK_Tab", "Tab"], Esc: ["XK_Escape", "Escape"], PrtSc: ["XK_Print", "PrintScreen"], SysRq: ["XK_Sys_Req", "PrintScreen"], Pause: ["XK_Pause", "Pause"], Ins: ["XK_Insert", "Insert"],
  ScrLk: ["XK_Scroll_Lock", "ScrollLock"], NumLk: ["XK_Num_Lock", "NumLock"], L: ["XK_l", "KeyL"], R: ["XK_r", "KeyR"], D: ["XK_d", "KeyD"],
};
for (let n = 1; n <= 12; n++) place["F" + n] = ["XK_F" + n, "F" + n];

const key = (name, down) => rfb?.sendKey(KeyTable[place[name][0]], place[name][1], down);

function chord(names) {
  for (const n of names) key(n, true);
  for (const n of names.toReversed()) key(n, false);
  rfb?.focus();
}

const chords = ["Ctrl Alt Del", "Ctrl Alt Backspace", "Alt Tab", "Alt F4", "Ctrl Esc", "Super", "Super L", "Super R", "Super D", "Tab", "Esc", "PrtSc", "Alt SysRq", "Pause", "ScrLk", "NumLk", "Menu", "Ins", "Del"];
for (let n = 1; n <= 12; n++) chords.push("F" + n);
for (let n = 1; n <= 7; n++) chords.push("Ctrl Alt F" + n);
for (const c of chords) {
  const b = document.createElement("button");
  b.textContent = c.replaceAll(" ", "+");
  b.onclick = () => chord(c.split(" "));
  $("chords").append(b);
}
for (const n of ["Ctrl", "Alt", "AltGr", "Shift", "Super"]) {
  const b = document.createElement("button");
  b.textContent = n;
  b.setAttribute("aria-pressed", "false");
  b.onclick = () => {
    const down = b.getAttribute("aria-pressed") !== "true";
    b.setAttribute("aria-pressed", String(down));
    key(n, down);
    rfb?.focus();
  };
  $("holds").append(b);
}

// lift lets go of what is held down by the buttons.
function lift() {
  for (const b of $("holds").children) {
    if (b.getAttribute("aria-pressed") === "true" && connected) key(b.textContent, false);
    b.setAttribute("aria-pressed", "false");
  }
}

// character types one, by its keysym alone: the server knows the guest's layout.
function character(c) {
  const named = { "\n": KeyTable.XK_Return, "\t": KeyTable.XK_Tab, "\b": KeyTable.XK_BackSpace };
  rfb?.sendKey(named[c] ?? keysyms.lookup(c.codePointAt(0)), null);
}

// The keyboard of phones and tablets writes into a hidden field, whose changes are typed.
const blank = "\u00a0".repeat(64);
const osk = $("osk");
let before = blank;
$("typing").onclick = () => {
  $("keys").hidePopover();
  osk.value = before = blank;
  osk.focus();
  osk.setSelectionRange(blank.length, blank.length);
};
osk.addEventListener("input", () => {
  const old = Array.from(before), now = Array.from(osk.value);
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same++;
  for (let i = old.length; i > same; i--) character("\b");
  for (const c of now.slice(same)) character(c);
  before = osk.value;
  if (now.length < 16 || now.length > 512) osk.value = before = blank;
});

// Clipboard.

function onClipboard(e) {
  $("text").value = e.detail.text;
  if (window.isSecureContext && document.hasFocus()) navigator.clipboard?.writeText(e.detail.text).catch(() => {});
}
$("give").onclick = () => rfb?.clipboardPasteFrom($("text").value);
$("take").onclick = async () => {
  try {
    $("text").value = await navigator.clipboard.readText();
    rfb?.clipboardPasteFrom($("text").value);
  } catch {
    $("text").placeholder = "The browser does not allow it here: paste with the keyboard instead.";
    $("text").focus();
  }
};
$("type").onclick = async () => {
  $("clip").hidePopover();
  for (const c of $("text").value.replaceAll("\r\n", "\n")) {
    character(c);
    await new Promise((done) => setTimeout(done, 5)); // a guest's keyboard buffer is short
  }
  rfb?.focus();
};
window.addEventListener("focus", async () => {
  if (!connected || !window.isSecureContext) return;
  try {
    const p = await navigator.permissions.query({ name: "clipboard-read" });
    if (p.state !== "granted") return;
    const text = await navigator.clipboard.readText();
    if (text !== $("text").value) {
      $("text").value = text;
      rfb?.clipboardPasteFrom(text);
    }
  } catch { /* a browser that does not let pages read it */ }
});

// What is asked of the server.

const ask = async (what) => {
  const r = await fetch("api/" + what, { headers: { Authorization: "Token " + token }, cache: "no-store" });
  if (!r.ok) throw new Error(await r.text());
  return r;
};

$("shot").onclick = async () => {
  try {
    const a = document.createElement("a");
    a.href = URL.createObjectURL(await (await ask("screenshot.png")).blob());
    a.download = document.title.replace(/[^\w.-]+/g, "_") + "-" + new Date().toISOString().replace(/[:.]/g, "-") + ".png";
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 10000);
  } catch (e) {
    $("state").textContent = e.message;
  }
};

const bytes = (n) => n < 1e6 ? Math.round(n / 1e3) + " KB" : (n / 1e6).toFixed(1) + " MB";

async function list() {
  if (!$("who").matches(":popover-open")) return;
  try {
    const rows = (await (await ask("viewers")).json()).map((v) => {
      const row = document.createElement("tr");
      row.className = v.me ? "me" : "";
      for (const text of [v.address, (v.user ?? "") + (v.viewOnly ? " (only looks)" : ""), v.security + ", " + v.encoding, bytes(v.sent)]) {
        const cell = document.createElement("td");
        cell.textContent = text;
        row.append(cell);
      }
      return row;
    });
    $("list").replaceChildren(...rows);
  } catch (e) {
    $("list").textContent = e.message;
  }
  setTimeout(list, 2000);
}
$("who").addEventListener("toggle", (e) => { if (e.newState === "open") list(); });

for (const b of document.querySelectorAll("[data-power]")) {
  b.onclick = () => {
    $("power").hidePopover();
    if (confirm(b.textContent + "?")) rfb?.[b.dataset.power]();
  };
}

connect();
