// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* The dialogs: documents, engines, and the question for a key. */
import { sentence } from '/link.js';
import { make, makeButton } from '/view.js';
import { Trouble, sleep } from '/voice.js';

/** @typedef {import('./link.js').Link} Link */
/** @typedef {import('./types').Document} Document */
/** @typedef {import('./types').Engine} Engine */

const POLL_MS = 300;

/** @template {HTMLElement} T @param {string} id @param {new () => T} type @returns {T} */
export function find(id, type) {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`#${id} is missing`);
}

/** @param {unknown} error */
export function reason(error) {
  return error instanceof Trouble ? error.message : 'Something went wrong on this page. Reload it and try again.';
}

/** @param {number} n @param {string} what */
const count = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;

/** A dialog that a button opens. */
class Panel {
  /** @param {Link} link @param {string} id */
  constructor(link, id) {
    this.link = link;
    this.dialog = find(id, HTMLDialogElement);
    this.dialog.querySelector('.close').addEventListener('click', () => this.dialog.close());
    this.dialog.addEventListener('click', (e) => e.target === this.dialog && this.dialog.close()); /* beside it */
    find(`${id}-button`, HTMLButtonElement).addEventListener('click', () => {
      this.dialog.showModal();
      this.show();
    });
  }

  show() {}
}

export class DocumentsPanel extends Panel {
  #list = find('document-list', HTMLUListElement);
  #state = find('document-state', HTMLParagraphElement);

  /** @param {Link} link */
  constructor(link) {
    super(link, 'documents');
    const files = find('files', HTMLInputElement);
    files.addEventListener('change', () => {
      const chosen = [...files.files];
      files.value = '';
      if (chosen.length) this.#do(`Adding ${count(chosen.length, 'document')} …`, () => this.#add(chosen));
    });
  }

  show() {
    this.#do('', async () => '');
  }

  /** Shows how `work` goes, then the list as it is. @param {string} meanwhile @param {() => Promise<string>} work */
  async #do(meanwhile, work) {
    this.#state.textContent = meanwhile;
    try {
      const done = await work();
      const { documents } = await (await this.link.request('/rag/documents')).json();
      this.#list.replaceChildren(...documents.map((d) => this.#row(d)));
      this.#state.textContent = done || (documents.length ? '' : 'There are none yet.');
    } catch (error) {
      this.#state.textContent = reason(error);
    }
  }

  /** @param {Document} document */
  #row({ doc_id, title, source, state, bytes, chunks, shared }) {
    const facts = [source, `${Math.ceil(bytes / 1000)} kB`, state === 'done' ? count(chunks, 'passage') : state];
    const row = make('li', '', make('div', '', make('strong', '', title), make('small', '', facts.join(' · '))));
    if (shared) return row; /* everybody's: the manual */
    const remove = makeButton('plain', () => this.#remove(doc_id, title, remove), 'Delete');
    remove.ariaLabel = `Delete ${title}`;
    row.append(remove);
    return row;
  }

  /** The first press asks, the second deletes. @param {string} id @param {string} title @param {HTMLButtonElement} button */
  #remove(id, title, button) {
    if (!button.classList.contains('sure')) {
      button.classList.add('sure');
      button.textContent = button.ariaLabel = 'Delete for good?';
      return;
    }
    this.#do('', async () => {
      await this.link.request(`/rag/documents/${id}`, { method: 'DELETE' });
      return `${title} was deleted.`;
    });
  }

  /** @param {File[]} files */
  async #add(files) {
    const body = new FormData();
    for (const file of files) body.append('file', file, file.name);
    const { job } = await (await this.link.request('/rag/ingest', { method: 'POST', body })).json();
    for (;;) {
      const now = await (await this.link.request(`/rag/jobs/${job}`)).json();
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

const ROLES = { stt: 'Hears', llm: 'Answers', tts: 'Speaks' };
const NAMES = { sphinx: 'PocketSphinx', quote: 'Quote, the best sentences of the documents', builtin: 'flite and espeak-ng' };

export class EnginesPanel extends Panel {
  /** @type {Record<string, Engine>} */
  engines = {};
  #list = find('engine-list', HTMLDListElement);

  /** @param {Link} link */
  constructor(link) {
    super(link, 'engines');
  }

  async show() {
    this.#fill();
    /* Details are for trusted callers: on loopback a request without a token is one. */
    const details = await fetch('/readyz').then((response) => response.json()).catch(() => ({}));
    this.engines = details.engines ?? this.engines;
    this.#fill();
  }

  #fill() {
    const rows = Object.entries(this.engines).map(([role, { driver, model, state }]) => {
      const name = NAMES[driver] ?? [driver, model].filter(Boolean).join(', ');
      const lamp = make('span', state === 'ready' ? 'lamp on' : 'lamp');
      return [make('dt', '', ROLES[role] ?? role), make('dd', '', name, make('small', '', lamp, state))];
    });
    this.#list.replaceChildren(...rows.flat());
  }

  get builtIn() {
    return this.engines.llm?.driver === 'quote' && this.engines.stt?.driver === 'sphinx';
  }
}

let asked = false;

/** Asks for the server's key; asked again, the one before was wrong. @returns {Promise<string>} */
export function askKey() {
  const dialog = find('key', HTMLDialogElement);
  const input = find('key-input', HTMLInputElement);
  find('key-state', HTMLParagraphElement).textContent = asked ? 'That key is not right.' : '';
  asked = true;
  dialog.showModal();
  return new Promise((resolve, reject) => {
    find('key-form', HTMLFormElement).onsubmit = (e) => {
      e.preventDefault();
      const key = input.value.trim();
      input.value = '';
      dialog.oncancel = null;
      dialog.close();
      resolve(key);
    };
    dialog.oncancel = () => {
      asked = false;
      reject(new Trouble('This server wants a key.', 'key'));
    };
  });
}
