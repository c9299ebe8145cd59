// SPDX-License-Identifier: Apache-2.0
/* The panel of models: which one answers, which are here, which can be had. Loaded when it is opened
 * first. The server is asked how things are; a download and a change go on without this page, which
 * joins those that it finds under way. */
import { ask, good, link, linesOf, sentence } from '/link.js';
import { BUILT_IN, ModelRow, QUOTE, machineOf, modelsOf, viewOf, withoutName } from '/model-row.js';
import { Panel, find, reason } from '/panels.js';
import { make } from '/view.js';
import { Trouble, sleep } from '/voice.js';

const WATCH_MS = 1000;
const BACKOFF_MS = [500, 1000, 2000, 4000];
const PACE_MS = 5000; /* over which the rate is measured */
const PARTS = 4; /* of a download, that a screen reader is told of */
const KINDS = { llm: 'Answers', stt: 'Hears', tts: 'Speaks', vad: 'Notices speech', embed: 'Compares texts' };
const BROKEN = 'The download broke off. What has come is kept: get it again, and it goes on from there.';

const FORGOTTEN = 'It answers, but that could not be written down: at the next start the options say who answers.';
const AT_FIRST = { done: 0, total: 0, rate: 0, part: 0, isFollowed: false, isLost: false, isApart: false, isCancelled: false };

let key = ''; /* of the operator, typed here; on this machine there may be none */

const operate = async (path, init) => good(await ask(path, key, init));

function send(path, body) {
  return operate(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

/** What the server tells of work, up to its end; throws what it ends with otherwise. */
async function* eventsOf(path, body) {
  let event = '';
  for await (const line of linesOf(await send(path, body))) {
    if (line.startsWith('event:')) event = line.slice(6).trim();
    if (!line.startsWith('data:')) continue;
    const data = JSON.parse(line.slice(5));
    /* Of the other codes, some mean more to a request: that the key is wrong, or that there is no server. */
    if (event === 'error') throw new Trouble(sentence(data.message), data.code === 'canceled' ? data.code : '');
    yield data;
    if (event === 'done') return;
  }
  throw new Trouble(BROKEN, 'gone');
}

/* --- what is seen --- */

function makeDialog() {
  const head = find('engines').querySelector('.head').cloneNode(true);
  const title = head.querySelector('h2');
  title.id = 'models-title';
  title.textContent = 'Models';
  const state = make('p');
  state.id = 'models-state';
  state.role = 'status';
  const list = make('div');
  list.id = 'models-list';
  list.tabIndex = -1;
  const dialog = make('dialog', '', head, state, list, makeUnlock(), makeAnother());
  dialog.id = 'models';
  dialog.setAttribute('aria-labelledby', title.id);
  document.body.append(dialog);
}

function makeUnlock() {
  const form = makeForm('unlock', 'Key', 'password', 'Unlock');
  form.querySelector('.note').textContent = 'Models are got, changed and removed by whoever runs this server. Its key brings the buttons; this page forgets it when it is left.';
  return form;
}

function makeForm(id, name, type, action) {
  const field = make('input');
  field.type = type;
  field.required = true;
  field.autocomplete = 'off';
  field.spellcheck = false;
  field.ariaLabel = name;
  const failed = make('p', 'failed');
  failed.role = 'alert';
  const form = make('form', 'ask', make('p', 'note'), make('div', 'line', field, make('button', 'pill', action)), failed);
  form.id = id;
  return form;
}

function makeAnother() {
  const form = makeForm('fetch', 'Where the model is', 'text', 'Get');
  form.querySelector('.note').textContent = 'From Hugging Face: hf:OWNER/REPOSITORY:FILE. From elsewhere: its https address, a blank, and sha256: with its SHA-256, and for a voice once more with that of its .json.';
  form.querySelector('input').placeholder = 'hf:…';
  form.querySelector('input').after(makeKinds());
  const details = make('details', '', make('summary', '', 'Another model'), form);
  details.id = 'another';
  return details;
}

/** What it is for: a file of a language model tells it. */
function makeKinds() {
  const select = make('select', '', new Option('By its file', ''), ...Object.entries(KINDS).map(([kind, words]) => new Option(words, kind)));
  select.ariaLabel = 'What it is for';
  return select;
}

function loadStyle() {
  const style = make('link');
  style.rel = 'stylesheet';
  style.href = '/models.css';
  document.head.append(style);
  return new Promise((resolve, reject) => {
    style.onload = resolve;
    style.onerror = reject;
  });
}

/* --- what is done --- */

class ModelsPanel extends Panel {
  /** How things are, as far as is known. @type {Shelf} */
  #shelf;
  #isOperator = true; /* until the server says otherwise */
  #isWatching = false;
  #again = false; /* something has changed since the server was asked */
  /** @type {Map<string, ModelRow>} */
  #rows = new Map();
  /** Downloads under way, by name. @type {Map<string, PullNow>} */
  #pulls = new Map();
  /** What went wrong, by name. @type {Map<string, string>} */
  #troubles = new Map();
  /** The change that this page has asked for. @type {Shelf['answers']['change']} */
  #change = null;
  #lostChange = ''; /* one whose end this page has missed */

  constructor() {
    makeDialog();
    super('models');
    find('models-button').onclick = () => {
      find('engines').close(); /* which the button is in */
      this.dialog.showModal();
      this.show();
    };
    find('unlock').onsubmit = (e) => this.#submitted(e, (words) => this.#unlock(words));
    find('fetch').onsubmit = (e) => this.#submitted(e, (words) => this.#fetch(words));
  }

  #submitted(e, take) {
    e.preventDefault();
    this.#complain(e.target.id, '');
    take(e.target.querySelector('input').value.trim());
  }

  #complain(form, words) {
    find(form).querySelector('.failed').textContent = words;
  }

  show() {
    this.say(this.#shelf ? machineOf(this.#shelf) : 'Looking at this machine …');
    this.#rows.clear(); /* they get a new order */
    this.list.replaceChildren();
    if (this.#shelf) this.#draw();
    this.#watch();
  }

  /* --- how things are --- */

  async #ask() {
    if (this.#isOperator)
      try {
        return await (await operate('/models')).json();
      } catch (error) {
        if (!this.#locks(error)) throw error;
        if (key) this.#complain('unlock', 'That key is not right.');
        key = '';
      }
    return link.json('/models');
  }

  /** Who is not let in as the operator sees the list alone. */
  #locks(error) {
    const locks = ['unauthorized', 'forbidden'].includes(error.code);
    if (locks) this.#isOperator = false;
    return locks;
  }

  #unlock(words) {
    key = words;
    find('unlock').reset();
    this.#isOperator = true;
    this.#watch();
  }

  /** Asks, and goes on asking while something is under way that nobody else tells this page of. */
  async #watch() {
    this.#again = true;
    if (this.#isWatching) return;
    this.#isWatching = true;
    let failures = 0;
    do
      try {
        this.#again = false;
        const shelf = await this.#ask();
        if (this.#again) continue;
        if (failures || !this.#shelf) this.say(failures ? 'Connected again.' : machineOf(shelf));
        failures = 0;
        this.#take(shelf);
        if (this.#again) continue;
        if (!this.#isUnsettled()) break;
        await sleep(WATCH_MS);
      } catch (error) {
        if (error.code === 'key') {
          this.say(reason(error)); /* and nobody wants to be asked for it on and on */
          break;
        }
        this.say(`${reason(error)} Trying again …`);
        await sleep(BACKOFF_MS[failures++] ?? BACKOFF_MS.at(-1));
      }
    while (this.#again || this.dialog.open);
    this.#isWatching = false;
  }

  #isUnsettled() {
    const { pulls, answers } = this.#shelf;
    return pulls.some(({ name }) => !this.#pulls.get(name)?.isFollowed) || (answers.change && !this.#change);
  }

  /** @param {Shelf} shelf */
  #take(shelf) {
    const before = this.#shelf && this.#chosen();
    this.#shelf = shelf;
    for (const [name, pull] of this.#pulls) {
      if (pull.isFollowed || shelf.pulls.some((other) => other.name === name)) continue;
      this.#pulls.delete(name);
      if (shelf.models.some((model) => model.name === name && model.installed)) this.say(`${name} is here.`);
      else if (pull.isLost && !pull.isCancelled) this.#trouble(name, BROKEN);
    }
    for (const now of shelf.pulls) {
      const pull = this.#pulls.get(now.name);
      if (pull?.isFollowed) continue;
      if (this.#isOperator && !pull?.isApart) this.#get({ name: now.name }, true);
      else this.#progress(this.#begin(now.name), now);
    }
    const chosen = this.#chosen();
    if (before && chosen !== before) this.#chose(chosen);
    if (this.#lostChange && !shelf.answers.change) {
      if (chosen !== this.#lostChange && !shelf.answers.failed) this.#troubles.set(this.#lostChange, 'The change broke off. Try it again.');
      this.#lostChange = '';
    }
    this.#draw();
  }

  #chosen() {
    return modelsOf(this.#shelf, []).find(({ kind, in_use }) => kind === 'llm' && in_use).name;
  }

  #chose(name) {
    this.say(`${name === QUOTE ? BUILT_IN : name} answers now.`);
    if (document.body.dataset.phase === 'idle') link.connect(true); /* it tells the page of its engines */
  }

  /* --- downloads --- */

  /** @returns {PullNow} */
  #begin(name) {
    if (!this.#pulls.has(name)) this.#pulls.set(name, { ...AT_FIRST, samples: [] });
    this.#troubles.delete(name);
    return this.#pulls.get(name);
  }

  #follow(name) {
    const pull = Object.assign(this.#begin(name), { isFollowed: true, isLost: false });
    this.#draw();
    return pull;
  }

  #progress(pull, { name, done, total }) {
    const at = performance.now();
    if (done < pull.done) pull.samples = []; /* it has begun anew */
    const isFirst = !pull.samples.length;
    pull.samples.push({ at, done });
    while (at - pull.samples[0].at > PACE_MS) pull.samples.shift();
    const [first] = pull.samples;
    const rate = at > first.at ? (1000 * (done - first.done)) / (at - first.at) : 0;
    const part = total ? Math.floor((PARTS * done) / total) : 0;
    if (part > pull.part && part < PARTS && !isFirst) this.say(`${(100 * part) / PARTS} % of ${name} are here.`);
    Object.assign(pull, { done, total, rate, part });
    this.#rows.get(name)?.progress(pull);
  }

  /** Begins a download or joins one. @param {{name?: string, source?: string, sha256?: string, more_sha256?: string, kind?: string}} wish */
  async #get(wish, joins = false) {
    let { name } = wish;
    let pull = name && this.#follow(name);
    let isTold = false; /* that it is under way */
    try {
      for await (const now of eventsOf('/models/pull', wish)) {
        isTold = true;
        name = now.name;
        pull ||= this.#follow(name);
        if (now.done === undefined) continue;
        if (wish.source && now.done && !pull.done) find('fetch').reset(); /* it comes */
        this.#progress(pull, now);
      }
      this.say(`${name} is here.`);
    } catch (error) {
      if (!pull) this.#complain('fetch', reason(error));
      else if (pull.isCancelled || error.code === 'canceled') this.say(`Stopped. What has come of ${name} is kept.`);
      else if ((joins && !isTold) || error.code === 'gone') {
        Object.assign(pull, { isFollowed: false, isLost: true, isApart: error.code !== 'gone' });
        await sleep(WATCH_MS);
      } else this.#fail(name, error);
    }
    if (!pull?.isLost) this.#pulls.delete(name);
    this.#watch();
  }

  #fetch(words) {
    const [, source, sha256, more_sha256] = /^(\S+)\s+(?:sha256:)?(\S+)(?:\s+(?:sha256:)?(\S+))?$/.exec(words) ?? [];
    const kind = find('fetch').querySelector('select').value || undefined;
    this.#get(source ? { source, sha256, more_sha256, kind } : { source: words, kind });
  }

  async #cancel(name) {
    const pull = this.#pulls.get(name);
    pull.isCancelled = true;
    this.#draw();
    try {
      await send('/models/cancel', { name });
    } catch (error) {
      if (['not_found', 'conflict'].includes(error.code)) return; /* it has just ended */
      pull.isCancelled = false;
      this.#fail(name, error);
      this.#draw();
    }
  }

  /* --- what is here --- */

  async #use(name) {
    const change = (this.#change = { to: name, state: '' });
    this.#troubles.delete(name);
    this.#draw();
    try {
      for await (const { state, kept } of eventsOf('/models/use', { name })) {
        change.state = state ?? change.state;
        if (kept === false) this.#troubles.set(name, FORGOTTEN);
        this.#draw();
      }
    } catch (error) {
      if (error.code === 'gone') this.#lostChange = name;
      else this.#fail(name, error);
    }
    if (this.#change === change) this.#change = null;
    this.#watch();
  }

  async #remove(name) {
    this.#troubles.delete(name);
    try {
      await operate(`/models/${encodeURIComponent(name)}`, { method: 'DELETE' });
      this.say(`${name} was removed.`);
    } catch (error) {
      this.#fail(name, error);
    }
    this.#watch();
  }

  #fail(name, error) {
    if (this.#locks(error)) key = '';
    this.#trouble(name, reason(error));
  }

  /** One that is on no list has no row any more, and what was wished stands in the form. */
  #trouble(name, words) {
    if (name === QUOTE || this.#shelf.models.some((model) => model.name === name)) return this.#troubles.set(name, words);
    find('another').open = true;
    this.#complain('fetch', `${name}: ${withoutName(name, words)}`);
  }

  /* --- what is shown --- */

  #draw() {
    const models = modelsOf(this.#shelf, [...this.#pulls.keys()]);
    for (const model of models) {
      if (!this.#rows.has(model.name)) this.#add(model);
      this.#rows.get(model.name).show(this.#view(model));
    }
    for (const [name, row] of this.#rows) {
      if (models.some((model) => model.name === name)) continue;
      if (row.element.contains(document.activeElement)) this.list.focus();
      row.element.remove();
      this.#rows.delete(name);
    }
    const unlock = find('unlock');
    if (this.#isOperator && unlock.contains(document.activeElement)) this.list.focus();
    unlock.hidden = this.#isOperator;
    find('another').hidden = !this.#isOperator;
  }

  /** @param {Model} model */
  #view(model) {
    return viewOf(model, this.#shelf, {
      isOperator: this.#isOperator,
      pull: this.#pulls.get(model.name),
      change: this.#change ?? this.#shelf.answers.change,
      trouble: this.#troubles.get(model.name),
    });
  }

  /** A row below the heading of its kind. @param {Model} model */
  #add({ name, kind }) {
    const row = new ModelRow(name === QUOTE ? BUILT_IN : name, { act: () => this.#act(name), remove: () => this.#remove(name) });
    this.#rows.set(name, row);
    const id = `models-${kind}`;
    if (!find(id)) {
      const list = make('ul');
      list.id = id;
      this.list.append(make('h3', '', KINDS[kind] ?? kind), list);
    }
    find(id).append(row.element);
  }

  /** The one button of a row. */
  #act(name) {
    if (this.#pulls.has(name)) this.#cancel(name);
    else if (modelsOf(this.#shelf, []).find((model) => model.name === name)?.installed) this.#use(name);
    else this.#get({ name });
  }
}

await loadStyle();
new ModelsPanel();
find('models-button').click();
