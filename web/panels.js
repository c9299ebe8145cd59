// SPDX-License-Identifier: Apache-2.0
/* The dialogs: documents, engines, and the question for a key. */
import { link, sentence } from '/link.js';
import { make, makeButton } from '/view.js';
import { Trouble, sleep } from '/voice.js';

const POLL_MS = 300;

/** @param {string} id @returns {any} the element */
export const find = (id) => document.getElementById(id);

export function reason(error) {
  return error instanceof Trouble ? error.message : 'Something went wrong on this page. Reload it and try again.';
}

export const count = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;

/** A dialog that a button opens. */
export class Panel {
  constructor(id) {
    this.dialog = find(id);
    this.list = find(`${id}-list`);
    this.dialog.onclick = (e) => {
      if (e.target === this.dialog) this.dialog.close(); /* beside it */
    };
    find(`${id}-button`).onclick = () => {
      this.dialog.showModal();
      this.show();
    };
  }

  show() {}

  say(words) {
    find(`${this.dialog.id}-state`).textContent = words;
  }
}

export function removeButton(title, onclick) {
  const button = makeButton('plain', onclick, 'Delete');
  button.ariaLabel = `Delete ${title}`;
  return button;
}

export class DocumentsPanel extends Panel {
  constructor(id) {
    super(id);
    const files = find('files');
    files.onchange = () => {
      const chosen = [...files.files];
      files.value = '';
      if (chosen.length) this.#do(`Adding ${count(chosen.length, 'document')} …`, () => this.#add(chosen));
    };
  }

  show() {
    this.#do('', () => '');
  }

  /** Shows how `work` goes, then the list as it is. */
  async #do(meanwhile, work) {
    this.say(meanwhile);
    try {
      const done = await work();
      const rows = [];
      for (let at = '/rag/documents?limit=100'; at; ) {
        const { documents, next } = await link.json(at);
        rows.push(...documents.map((d) => this.#row(d)));
        at = next;
      }
      this.list.replaceChildren(...rows);
      this.say(done || (rows.length ? '' : 'There are none yet.'));
    } catch (error) {
      this.say(reason(error));
    }
  }

  #row({ doc_id, title, source, state, bytes, chunks, shared, note }) {
    const facts = [source, `${Math.ceil(bytes / 1000)} kB`, state === 'done' ? count(chunks, 'passage') : state];
    if (note) facts.push(note);
    const row = make('li', '', make('div', '', make('strong', '', title), make('small', '', facts.join(' · '))));
    if (!shared) row.append(removeButton(title, (e) => this.#remove(doc_id, title, e.target))); /* else the manual */
    return row;
  }

  /** The first press asks, the second deletes. */
  #remove(id, title, button) {
    if (button.classList.toggle('sure')) button.textContent = button.ariaLabel = 'Delete for good?';
    else
      this.#do('', async () => {
        await link.request(`/rag/documents/${id}`, { method: 'DELETE' });
        return `${title} was deleted.`;
      });
  }

  async #add(files) {
    const body = new FormData();
    for (const file of files) body.append('file', file);
    const { job } = await link.json('/rag/ingest', { method: 'POST', body });
    for (;;) {
      const now = await link.json(`/rag/jobs/${job}`);
      if (now.state === 'failed') throw new Trouble(sentence(now.error ?? 'the documents could not be read'));
      if (now.state === 'done') {
        const left = now.skipped + now.failed;
        const out = left ? ` Left out: ${left}. ${now.error ? sentence(now.error) : ''}` : '';
        return `Added ${count(now.documents, 'document')}, ${count(now.chunks, 'passage')}.${out}`;
      }
      await sleep(POLL_MS);
    }
  }
}

const ROLES = { stt: 'Hears', llm: 'Answers', tts: 'Speaks', embed: 'Embeds' };
const NAMES = { sphinx: 'PocketSphinx', quote: 'Quote, the best sentences of the documents', builtin: 'flite and espeak-ng' };

export class EnginesPanel extends Panel {
  /** @type {Record<string, Engine>} */
  engines = {};

  async show() {
    this.#fill();
    /* Details are for trusted callers, as one on loopback without a token is. */
    const details = await fetch('/readyz').then((r) => r.json()).catch(() => ({}));
    this.engines = details.engines ?? this.engines;
    this.#fill();
  }

  #fill() {
    const rows = Object.entries(this.engines).map(([role, { driver, model, state }]) => {
      const name = NAMES[driver] ?? [driver, model].filter(Boolean).join(', ');
      const lamp = make('span', state === 'ready' ? 'lamp on' : 'lamp');
      return [make('dt', '', ROLES[role] ?? role), make('dd', '', name, make('small', '', lamp, state))];
    });
    this.list.replaceChildren(...rows.flat());
  }

  get builtIn() {
    return this.engines.llm?.driver === 'quote' && this.engines.stt?.driver === 'sphinx';
  }
}

let asked = false;

/** Asked again, the one before was wrong. */
export function askKey() {
  const dialog = find('key');
  find('key-state').textContent = asked ? 'That key is not right.' : '';
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve, reject) => {
    dialog.onclose = () => {
      const key = find('key-input').value.trim();
      find('key-form').reset();
      asked = dialog.returnValue === 'given';
      if (asked) resolve(key);
      else reject(new Trouble('This server wants a key.', 'key'));
    };
  });
}
