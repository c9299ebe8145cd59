// SPDX-License-Identifier: Apache-2.0
/* How a model looks in its panel: what it is, what is under way with it, what can be done. The elements
 * stay the same as long as the panel has the row, so that the focus does. */
import { sentence } from '/link.js';
import { make, makeButton } from '/view.js';

export const QUOTE = 'quote';
export const BUILT_IN = 'The built-in answerer';
const QUOTES = 'It reads out the sentences of your documents that fit best, and makes up none of its own.';
const CHOSEN_BY = { remote: 'A server elsewhere. The option llm.url names it, so it is not changed here.', scripted: 'It says what a test has written, and is not changed here.' };
const STATES = { loading: 'Loading …', warming: 'Warming up …', waiting: 'Waiting …', restoring: 'Going back …' };
const WORDS_PER_TOKEN = 0.75; /* of English */
const SURE = 'Remove for good?';

function sizeOf(bytes) {
  if (bytes < 999.5e6) return `${Math.max(1, Math.round(bytes / 1e6))} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

const memoryOf = (mib) => sizeOf(mib * 1048576);

/** @param {number | null} tokens a second */
function speedOf(tokens) {
  if (!tokens) return '';
  const words = tokens * WORDS_PER_TOKEN;
  if (words < 0.75) return 'less than a word a second';
  return words < 1.5 ? 'about a word a second' : `about ${Math.round(words)} words a second`;
}

/** "en zh and 27 others" → "English, Chinese and 27 others" */
function languagesOf(text) {
  const names = new Intl.DisplayNames('en', { type: 'language' });
  const [codes] = /^([a-z]{2}( |$))*/.exec(text);
  const known = codes.split(' ').filter(Boolean).map((code) => names.of(code));
  return [known.join(', '), text.slice(codes.length)].filter(Boolean).join(' ');
}

function leftOf(seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;
}

/** "120 of 491 MB · 3.2 MB/s · 2 minutes left" @param {PullNow} pull */
function paceOf({ done, total, rate }) {
  const facts = [total ? `${Math.floor(done / 1e6)} of ${sizeOf(total)}` : sizeOf(done)];
  if (total > 999.5e6) facts[0] = `${(done / 1e9).toFixed(2)} of ${sizeOf(total)}`;
  if (total && done >= total) return `${facts[0]} · checking …`;
  if (rate) facts.push(rate < 1e6 ? `${Math.round(rate / 1e3)} kB/s` : `${(rate / 1e6).toFixed(1)} MB/s`);
  if (rate && total) facts.push(`${leftOf((total - done) / rate)} left`);
  return facts.join(' · ');
}

/* --- what is said of a model --- */

/** @param {Shelf} shelf */
export function machineOf({ machine: { memory_mib, disk_free } }) {
  const facts = [memory_mib && `${memoryOf(memory_mib)} of memory`, disk_free && `${sizeOf(disk_free)} free on its disk`].filter(Boolean);
  return facts.length ? `This machine has ${facts.join(' and ')}.` : '';
}

const NOTHING = { kind: 'llm', size: 0, licence: '', languages: '', memory_mib: 0, source: '', known: false, gated: false, instead: '', in_use: false, installed: false, fits: true, suits: false, tokens_per_second: null };

/** Who answers is first, then what is here, what suits this machine, what fits it. @param {Model} model */
function rank({ in_use, installed, suits, fits }, isPulled) {
  const first = [in_use, isPulled || installed, suits, fits].indexOf(true);
  return first < 0 ? 4 : first;
}

/** All that has a row: also who answers without being a model of the list, and what is just being got.
 * @param {Shelf} shelf @param {string[]} pulled @returns {Model[]} */
export function modelsOf({ answers, models }, pulled) {
  const { driver, model } = answers;
  const all = [{ ...NOTHING, name: QUOTE, installed: true, in_use: driver === QUOTE }, ...models];
  if (!all.some(({ kind, in_use }) => kind === 'llm' && in_use)) all.push({ ...NOTHING, name: model || driver, installed: true, in_use: true });
  for (const name of pulled) if (!all.some((one) => one.name === name)) all.push({ ...NOTHING, name });
  const rankOf = (/** @type {Model} */ one) => rank(one, pulled.includes(one.name));
  return all.sort((a, b) => rankOf(a) - rankOf(b));
}

/** @param {Model} model */
function markOf({ kind, installed, in_use, suits }, isChanging) {
  if (in_use && !isChanging) return kind === 'llm' ? 'answers now' : 'in use';
  return suits && !installed ? 'suits this machine' : '';
}

/** @param {Model} model @param {Shelf} shelf */
function noteOn({ kind, name, size, memory_mib, installed, in_use, known, gated, instead, fits }, { answers, machine }) {
  if (name === QUOTE) return QUOTES;
  if (in_use && CHOSEN_BY[answers.driver]) return CHOSEN_BY[answers.driver];
  if (!fits) return `Too large: it needs ${memoryOf(memory_mib)} of memory, and this machine has ${memoryOf(machine.memory_mib)}.`;
  if (installed) return kind === 'llm' || in_use ? '' : `It is here. It is used once ${kind === 'vad' ? '' : `${kind}.model names it and `}the server has been started again.`;
  if (!known) return '';
  const notes = [];
  if (gated) notes.push('Gated: agree to its licence at Hugging Face, and give the server a token (HF_TOKEN).');
  if (gated && instead) notes.push(`Free for all: ${instead}.`);
  if (machine.disk_free && size > machine.disk_free) notes.push(`The disk has only ${sizeOf(machine.disk_free)} left.`);
  return notes.join(' ');
}

/** In its own row a model need not be named. */
export function withoutName(name, words) {
  const start = `${name}: `;
  return words.toLowerCase().startsWith(start.toLowerCase()) ? words.slice(start.length) : words;
}

/** @param {Model} model @param {Shelf} shelf @param {Course} course @returns {ModelView} */
export function viewOf(model, shelf, { isOperator, pull, change, trouble }) {
  const { name, kind, size, memory_mib, tokens_per_second, licence, languages, installed, in_use, fits, suits } = model;
  const { driver, failed } = shelf.answers;
  const state = change?.to === name && (STATES[change.state] ?? STATES.loading);
  const isListed = shelf.models.includes(model);
  const wrong = trouble ?? (failed?.model === name && !state ? failed.message : '');
  let action = '';
  if (pull) action = pull.isCancelled ? 'Stopping …' : 'Cancel';
  else if (!installed) action = fits ? 'Get' : '';
  else if (kind === 'llm' && !in_use && !CHOSEN_BY[driver]) action = 'Use';
  return {
    isNow: in_use && !state,
    mark: markOf(model, !!state),
    facts: [size && sizeOf(size), memory_mib && `${memoryOf(memory_mib)} of memory`, speedOf(tokens_per_second), licence, languagesOf(languages)],
    note: noteOn(model, shelf),
    action: state || (isOperator ? action : ''),
    isMain: (action === 'Use' && isListed) || (action === 'Get' && suits),
    isBusy: !!state || !!pull?.isCancelled,
    isRemovable: isOperator && isListed && installed && !in_use && !pull && !state,
    pull,
    trouble: wrong ? sentence(withoutName(name, wrong)) : '',
  };
}

/* --- its row --- */

export class ModelRow {
  #title = make('strong');
  #mark = make('span', 'mark');
  #facts = make('small');
  #note = make('p', 'note');
  #bar = make('span', 'bar');
  #track = make('div', 'track', this.#bar);
  #pace = make('p', 'note');
  #pull = make('div', 'pull', this.#track, this.#pace);
  #trouble = make('p', 'failed');
  #act;
  #remove;

  /** @param {string} title @param {{act: () => void, remove: () => void}} on */
  constructor(title, on) {
    this.#title.textContent = title;
    this.#track.role = 'progressbar';
    this.#track.ariaLabel = `Getting ${title}`;
    this.#track.ariaValueMin = '0';
    this.#track.ariaValueMax = '100';
    this.#trouble.role = 'alert';
    /* The second press of a double click would undo what the first has begun. */
    this.#act = makeButton('pill', (e) => e.detail < 2 && !this.#act.ariaDisabled && on.act());
    this.#remove = makeButton('plain', (e) => e.detail < 2 && this.#removal(on.remove));
    this.#remove.onblur = () => this.#unsure();
    this.#unsure();
    const name = make('div', 'name', this.#title, this.#mark);
    this.element = make('li', 'model', name, this.#facts, this.#note, this.#pull, this.#trouble, make('div', 'deeds', this.#remove, this.#act));
    this.element.tabIndex = -1;
  }

  #unsure() {
    this.#remove.classList.remove('sure');
    this.#remove.textContent = 'Remove';
    this.#remove.ariaLabel = `Remove ${this.#title.textContent}`;
  }

  /** The first press asks, the second removes. */
  #removal(remove) {
    if (this.#remove.classList.toggle('sure')) this.#remove.textContent = this.#remove.ariaLabel = SURE;
    else {
      this.#unsure();
      remove();
    }
  }

  /** @param {ModelView} view */
  show({ isNow, mark, facts, note, action, isMain, isBusy, isRemovable, pull, trouble }) {
    const held = [this.#act, this.#remove].find((button) => button === document.activeElement);
    this.element.classList.toggle('chosen', isNow);
    this.#put(this.#mark, mark);
    this.#put(this.#facts, facts.filter(Boolean).join(' · '));
    this.#put(this.#note, note);
    this.#put(this.#trouble, trouble);
    this.#act.hidden = !action;
    this.#act.className = isMain ? 'primary' : 'pill';
    this.#act.textContent = action;
    this.#act.ariaLabel = isBusy ? null : `${action} ${this.#title.textContent}`;
    this.#act.ariaDisabled = isBusy ? 'true' : null;
    this.#remove.hidden = !isRemovable;
    this.#pull.hidden = !pull;
    if (pull) this.progress(pull);
    if (held?.hidden) this.element.focus();
  }

  #put(element, words) {
    element.hidden = !words;
    if (element.textContent !== words) element.textContent = words;
  }

  /** @param {PullNow} pull */
  progress(pull) {
    const percent = pull.total ? Math.floor((100 * pull.done) / pull.total) : null;
    this.#track.classList.toggle('unknown', percent === null);
    this.#bar.style.width = percent === null ? '' : `${percent}%`;
    this.#track.ariaValueNow = percent === null ? null : String(percent);
    this.#pace.textContent = paceOf(pull);
    this.#track.ariaValueText = this.#pace.textContent;
  }
}
