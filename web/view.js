// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * How a conversation looks: turns, their sources and their waterfalls. Everything that comes from a
 * server, a document or a model becomes a text node, never markup.
 */

/** @template {keyof HTMLElementTagNameMap} K @param {K} tag @param {string} [className] @param {...(Node|string)} children */
export function make(tag, className = '', ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

export function makeButton(className, onclick, ...children) {
  const button = make('button', className, ...children);
  button.type = 'button';
  button.onclick = onclick;
  return button;
}

function duration(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms >= 10 ? Math.round(ms) : ms.toFixed(1)} ms`;
}

/* --- a small part of Markdown, as nodes --- */

function inline(text, cite) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*|\[(\d{1,2})\]/g)) {
    const [whole, code, bold, number] = match;
    const node = code ? make('code', '', code) : bold ? make('strong', '', bold) : cite(Number(number));
    if (!node) continue;
    nodes.push(text.slice(from, match.index), node);
    from = match.index + whole.length;
  }
  return [...nodes, text.slice(from)];
}

const ITEM = /^\s*(?:[-*]|(\d+)\.)\s+/;

function paragraph(block, cite) {
  const code = /^```\w*\n?([^]*?)\n?(?:```)?$/.exec(block);
  if (code) return make('pre', '', make('code', '', code[1]));
  const lines = block.split('\n');
  if (lines.every((line) => ITEM.test(line))) {
    const items = lines.map((line) => make('li', '', ...inline(line.replace(ITEM, ''), cite)));
    return make(ITEM.exec(block)[1] ? 'ol' : 'ul', '', ...items);
  }
  const [, heading, rest] = /^#+ +(.*)\n?([^]*)/.exec(block) ?? [];
  if (!heading) return make('p', '', ...inline(block, cite));
  return make('p', '', make('strong', '', heading), rest && make('br'), ...inline(rest, cite));
}

function markdown(text, cite) {
  const blocks = text.split(/(```[^]*?(?:```|$))|\n{2,}/);
  return blocks.filter((block) => block?.trim()).map((block) => paragraph(block.trim(), cite));
}

/* --- the waterfall --- */

let waterfallsOpen = true;

/** Bars on one time axis. It ends soon after the first sound (or word): what comes later overlaps
 * with listening and runs off the edge. @param {Timings} timings */
function waterfall(timings, heardMs) {
  const { first_audio_ms: sound, first_token_ms: word } = timings;
  const axis = Math.max(1, heardMs, 1.15 * (sound ?? Math.max(word ?? 0, timings.total_ms)));
  const rows = timings.stages.map(({ name, start_ms, ms }) => {
    const bar = make('span', `bar ${name}`);
    bar.style.left = `${(100 * start_ms) / axis}%`;
    bar.style.width = `${(100 * ms) / axis}%`;
    const track = make('span', 'track', bar);
    track.ariaHidden = 'true';
    return make('li', '', make('span', '', name), track, make('span', 'ms', duration(ms)));
  });
  const facts = Object.entries({ 'first word': word, 'first sound': sound, 'heard here': heardMs || null });
  const known = facts.filter(([, ms]) => ms !== null).map(([fact, ms]) => `${fact} ${duration(ms)}`);
  const chart = make('details', 'waterfall', make('summary', '', known.join(' · ')), make('ol', 'stages', ...rows));
  chart.open = waterfallsOpen;
  chart.ontoggle = () => (waterfallsOpen = chart.open);
  return chart;
}

/* --- one turn --- */

export class Turn {
  text = '';
  question = '';
  over = false;
  heardMs = 0;
  #announced = 0; /* characters of the text */
  #drawing = 0;
  #timings;
  #cited = new Map();
  #said = make('p', 'said');
  #words = make('div', 'words');
  #sources = make('ul', 'sources');
  #passages = make('div');
  #foot = make('div', 'foot');
  #answer = make('div', 'answer', this.#words, this.#sources, this.#passages, this.#foot);
  element = make('article', 'turn', this.#said, this.#answer);

  /** @param {HTMLElement} conversation @param {(words: string) => void} announce for screen readers
   * @param {boolean} aloud the answer is heard: a screen reader would only talk over it */
  constructor(conversation, announce, aloud) {
    this.announce = announce;
    this.aloud = aloud;
    this.#sources.ariaLabel = 'Sources';
    this.#answer.hidden = true;
    conversation.append(this.element);
  }

  /** What is heard so far. @param {string} text @param {string} stable the part that will stay */
  partial(text, stable) {
    this.element.classList.add('listening');
    this.#said.replaceChildren(stable, make('span', 'unsure', text.slice(stable.length)));
    this.#grown();
  }

  /** The answer is awaited. */
  ask(question) {
    this.element.classList.remove('listening');
    this.question = question;
    this.#said.replaceChildren(question || '…');
    this.#answer.hidden = false;
    this.#answer.classList.add('waiting');
    this.#grown();
  }

  citation({ index, title, text, source }) {
    const passage = make('blockquote', 'passage', ...markdown(text, () => null), make('footer', '', source || title));
    passage.hidden = true;
    const open = () => this.#toggle(index);
    const chip = makeButton('chip', open, make('span', 'number', String(index)), make('span', 'title', title));
    chip.ariaExpanded = 'false';
    this.#cited.set(index, { chip, passage });
    this.#passages.append(passage);
    this.#sources.append(make('li', '', chip));
  }

  /** Opens one passage, closes the others. */
  #toggle(index) {
    for (const [i, { chip, passage }] of this.#cited) {
      passage.hidden = i !== index || !passage.hidden;
      chip.ariaExpanded = String(!passage.hidden);
      if (!passage.hidden) passage.scrollIntoView({ block: 'nearest' });
    }
  }

  /** A small number in the answer that opens its source. @type {Cite} */
  #reference = (index) => {
    if (!this.#cited.has(index)) return null;
    const button = makeButton('number', () => this.#toggle(index), String(index));
    button.ariaLabel = `source ${index}`;
    return button;
  };

  token(text) {
    this.text += text;
    this.#drawing ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    if (!this.text) return;
    this.#answer.classList.remove('waiting');
    this.#words.replaceChildren(...markdown(this.text, this.#reference));
    this.#speak(this.over);
    this.#grown();
  }

  #grown() {
    this.element.dispatchEvent(new Event('grown', { bubbles: true }));
  }

  /** Whole sentences go to the screen reader as they come, not every word. */
  #speak(all) {
    if (this.aloud) return;
    const rest = this.text.slice(this.#announced);
    const end = all ? rest.length : rest.search(/[.?!\n]\s[^]*$/) + 1;
    const words = rest.slice(0, end).replace(/[`*]|\[\d+\]/g, '').trim();
    this.#announced += end;
    if (words) this.announce(words);
  }

  end(timings) {
    this.#finish();
    this.#timings = timings;
    this.#chart();
    this.announce(`End of the answer. Sources: ${this.#cited.size}.`);
  }

  /** @param {number} ms from the end of speech to the loudspeaker, as measured here */
  heard(ms) {
    this.heardMs = ms;
    if (this.#timings) this.#chart();
  }

  #chart() {
    if (this.#timings.stages.length) this.#close(waterfall(this.#timings, this.heardMs));
  }

  /** @param {string} heard how much of the answer was heard; the rest is shown paler */
  interrupted(heard) {
    this.#finish();
    const rest = this.text.startsWith(heard) ? this.text.slice(heard.length).replace(/\s*\[\d+\]/g, '') : '';
    if (rest) this.#words.replaceChildren(make('p', '', heard, make('span', 'unsure', rest)));
    this.#close(make('p', 'note', 'Stopped here.'));
  }

  fail(message) {
    this.#finish();
    this.#close(make('p', 'failed', message));
    this.announce(message);
  }

  #finish() {
    if (this.over) return;
    this.over = true;
    this.#draw();
    this.#answer.hidden = false;
    this.#answer.classList.remove('waiting');
    this.element.classList.remove('listening');
    if (!this.#said.textContent) this.#said.textContent = '…';
  }

  /** @param {HTMLElement} end below the answer */
  #close(end) {
    this.#foot.replaceChildren(end);
    this.#grown();
  }
}
