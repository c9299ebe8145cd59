// SPDX-License-Identifier: Apache-2.0
/* The menu of voices: what the server has, and a sample of the one that is chosen. */
import { link } from '/link.js';
import { find, reason } from '/panels.js';
import { make } from '/view.js';
import { player, sleep } from '/voice.js';

const SAMPLE = 'Hello. This is how I read your answers aloud.';
const NOBODYS = -2; /* turn: what has been played of it is not told to the server */
const AGAIN_MS = 2000; /* while the voices are being loaded */
const ABOUT = { rms: 'a man', slt: 'a woman', awb: 'a Scot', kal: 'a robot' };
const GROUPS = { flite: 'Built in', espeak: 'Built in, by language' };

/** "de" → "German (de)", as the browser knows. @param {string} tag */
function languageOf(tag) {
  try {
    const name = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' }).of(tag);
    return name ? `${name} (${tag})` : tag;
  } catch {
    return tag; /* no tag in its eyes */
  }
}

/** @param {Voice} voice */
function labelOf({ name, engine, language }) {
  if (engine === 'espeak') return languageOf(language);
  return ABOUT[name] && engine === 'flite' ? `${name}, ${ABOUT[name]}` : name;
}

/** @param {HTMLSelectElement} menu @param {VoiceList} list */
function fill(menu, { standard, voices }) {
  const chosen = menu.value, [first] = menu.options;
  first.textContent = standard ? `Default (${standard})` : 'Default';
  menu.replaceChildren(first);
  /** @type {Map<string, HTMLElement>} */
  const groups = new Map();
  for (const voice of voices) {
    const title = voice.remote ? 'Of another server' : (GROUPS[voice.engine] ?? 'Of the model');
    if (!groups.has(title)) {
      const group = make('optgroup');
      group.label = title;
      groups.set(title, group);
    }
    const option = make('option', '', labelOf(voice));
    option.value = voice.name;
    groups.get(title).append(option);
  }
  menu.append(...groups.values());
  menu.value = chosen;
  if (menu.selectedIndex >= 0) return;
  menu.value = ''; /* there is no such voice any more */
  menu.dispatchEvent(new Event('change'));
}

let pressed = new AbortController(); /* the last press on the button, and what came of it */
let silentAt = 0;

/** @param {string} voice '': the standard one @param {AbortSignal} signal */
async function play(voice, signal) {
  const { rate } = /** @type {any} */ (link.wishes()).output;
  player.begin(NOBODYS, rate); /* while it is still the press */
  const body = JSON.stringify({ text: SAMPLE, format: 'pcm', rate, ...(voice && { voice }) });
  const response = await link.request('/tts', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body, signal });
  const samples = await response.arrayBuffer();
  if (signal.aborted || player.turn !== NOBODYS) return; /* something else is heard by now */
  silentAt = performance.now() + (samples.byteLength / 2 / rate) * 1000;
  player.push(NOBODYS, samples);
  player.finish();
}

/** A second press ends what sounds. @param {string} voice @param {() => void} silence */
function press(voice, silence) {
  const sounds = player.turn === NOBODYS && performance.now() < silentAt;
  pressed.abort();
  pressed = new AbortController();
  silentAt = 0;
  const free = find('hands-free');
  if (free.getAttribute('aria-pressed') === 'true') free.click(); /* the microphone would take it for a question */
  silence();
  const { signal } = pressed;
  if (!sounds) play(voice, signal).catch((error) => !signal.aborted && player.turn === NOBODYS && (find('state').textContent = reason(error)));
}

let asks = false, known = '';

/**
 * Asks the server which there are, again and again while it does not say; those that were known stay.
 * @param {() => void} silence whatever sounds
 */
export async function refresh(silence) {
  const menu = /** @type {HTMLSelectElement} */ (find('voice')), button = find('sample');
  button.disabled = false;
  button.onclick = () => press(menu.value, silence);
  if (asks) return;
  asks = true;
  for (; link.ready; await sleep(AGAIN_MS)) {
    const list = await link.json('/voices').catch(() => null);
    if (!list) continue;
    if (known !== JSON.stringify(list)) fill(menu, list);
    known = JSON.stringify(list);
    break;
  }
  asks = false;
}
