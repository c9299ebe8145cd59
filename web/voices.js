// SPDX-License-Identifier: Apache-2.0
/* The menu of voices: what the server has, and a sample of the one that is chosen. */
import { link } from '/link.js';
import { find, reason } from '/panels.js';
import { make } from '/view.js';
import { player } from '/voice.js';

const SAMPLE = 'Hello. This is how I read your answers aloud.';
const HZ = 22050;
const NOBODYS = -2; /* turn: what has been played of it is not told to the server */
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
  if (menu.selectedIndex < 0) menu.value = ''; /* there is no such voice any more */
}

/** @param {string} voice '': the standard one */
async function play(voice) {
  player.begin(NOBODYS, HZ); /* while it is still the press */
  const body = JSON.stringify({ text: SAMPLE, format: 'pcm', rate: HZ, ...(voice && { voice }) });
  const response = await link.request('/tts', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  player.push(NOBODYS, await response.arrayBuffer());
  if (player.turn === NOBODYS) player.finish();
}

/**
 * Asks the server which there are; those that were known stay where it does not say.
 * @param {() => void} silence whatever sounds
 */
export async function refresh(silence) {
  const menu = /** @type {HTMLSelectElement} */ (find('voice')), button = find('sample');
  button.disabled = false;
  button.onclick = () => {
    silence();
    play(menu.value).catch((error) => (find('state').textContent = reason(error)));
  };
  fill(menu, await link.json('/voices'));
}
