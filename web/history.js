// SPDX-License-Identifier: Apache-2.0
/* Earlier conversations, in localStorage: each has a name of its own, so that tabs do not write over
 * one another. What is read there may have been written by anybody. */
import { link } from '/link.js';
import { Panel, count, find, reason, removeButton } from '/panels.js';
import { make, makeButton } from '/view.js';

const PREFIX = 'repartee '; /* the time when it began follows */
const OFF = 'repartee-off';
const MOST = 50;
const MOST_CHARS = 2e6; /* of all together; browsers allow some five million */

let storage = null;
try {
  storage = localStorage;
} catch {
  /* the browser keeps nothing for this page */
}

const isOn = () => storage && !storage.getItem(OFF);

/** The newest first. */
const names = () => Object.keys(storage ?? {}).filter((name) => name.startsWith(PREFIX)).sort().reverse();

const areText = (...all) => all.every((x) => typeof x === 'string');
const isTurn = (turn) => areText(turn.question, turn.text) && turn.citations.every(({ title, text }) => areText(title, text));

/** @returns {Kept} */
function read(name) {
  try {
    const { session, turns } = JSON.parse(storage.getItem(name));
    if (/^\w+$/.test(session) && turns.length && turns.every(isTurn)) return { session, turns };
  } catch {
    return null;
  }
}

/** The oldest make room. */
function write(name, value) {
  const text = JSON.stringify(value);
  const others = name === OFF ? [] : names().filter((other) => other !== name);
  let room = MOST_CHARS - text.length;
  others.forEach((other, i) => {
    room -= storage.getItem(other)?.length ?? 0;
    if (room < 0 || i > MOST - 2) storage.removeItem(other);
  });
  for (;;)
    try {
      return storage.setItem(name, text);
    } catch {
      const oldest = others.pop();
      if (!oldest) return;
      storage.removeItem(oldest);
    }
}

export class HistoryPanel extends Panel {
  #shown = ''; /* the name of what is on the page, if it has one */
  /** Puts one of them on the page, or nothing. @type {(kept?: Kept) => void} */
  onopen;

  constructor(id) {
    super(id);
    const keep = find('keep');
    keep.disabled = !storage;
    keep.onchange = () => (keep.checked ? storage.removeItem(OFF) : write(OFF, 1));
    find('new').onclick = () => this.#open('');
    find('delete-all').onclick = () => this.#delete();
  }

  show() {
    find('keep').checked = isOn();
    this.list.replaceChildren(...names().map((name) => this.#row(name, read(name))));
    this.say(storage ? '' : 'This browser keeps nothing for this page.');
  }

  #row(name, kept) {
    const title = kept?.turns[0].question || 'Without words';
    const facts = [new Date(Number(name.split(' ')[1])).toLocaleString(), count(kept?.turns.length ?? 0, 'question')];
    const open = makeButton('', () => this.#open(name), make('strong', '', title), make('small', '', facts.join(' · ')));
    open.ariaCurrent = String(name === this.#shown);
    return make('li', '', open, removeButton(title, () => this.#delete(name)));
  }

  #open(name) {
    this.#put(name);
    this.dialog.close();
  }

  #put(name) {
    const kept = read(name);
    this.onopen(kept);
    this.#shown = kept ? name : '';
  }

  /** One, or all with what is on the page; the server forgets them too. @param {string} [name] */
  async #delete(name) {
    const now = link.sessionId;
    if (!name || name === this.#shown) this.#put('');
    const gone = name ? [name] : names();
    const sessions = new Set(gone.map((each) => read(each)?.session));
    if (!name) sessions.add(now);
    for (const each of gone) storage.removeItem(each);
    this.show();
    find('new').focus();
    try {
      for (const session of sessions) if (session) await link.end(session);
      this.say('Deleted, here and at the server.');
    } catch (error) {
      this.say(`Deleted here. The server may remember it for a while: ${reason(error)}`);
    }
  }

  /** One more turn of what is on the page. @param {KeptTurn} turn */
  add({ question, text, heard, citations }) {
    if (!isOn()) return;
    this.#shown ||= `${PREFIX}${Date.now()} ${Math.random()}`;
    const turns = [...(read(this.#shown)?.turns ?? []), { question, text, heard, citations }];
    while (JSON.stringify(turns).length > MOST_CHARS / 4) turns.shift();
    write(this.#shown, { session: link.sessionId, turns });
  }
}
