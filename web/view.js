// SPDX-License-Identifier: Apache-2.0
/* How a turn looks. Everything that comes from a server, a document or a model becomes a text node,
 * never markup. */

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

/** @param {Element} conversation @param {TurnWishes} wishes */
export function makeTurn(conversation, { announce, aloud, onover, grown }) {
  const said = make('p', 'said');
  const words = make('div', 'words');
  const sources = make('ul', 'sources');
  const passages = make('div');
  const foot = make('div', 'foot');
  const answer = make('div', 'answer', words, sources, passages, foot);
  const element = make('article', 'turn', said, answer);
  const cited = new Map();
  let announced = 0; /* characters of the text */
  let drawing = 0;
  let heardMs = 0;
  let timings;

  sources.ariaLabel = 'Sources';
  answer.hidden = true;
  conversation.append(element);

  function toggle(index) {
    for (const [i, { chip, passage }] of cited) {
      passage.hidden = i !== index || !passage.hidden;
      chip.ariaExpanded = String(!passage.hidden);
      if (!passage.hidden) passage.scrollIntoView({ block: 'nearest' });
    }
  }

  /** A small number in the answer that opens its source. */
  function reference(index) {
    if (!cited.has(index)) return null;
    const button = makeButton('number', () => toggle(index), String(index));
    button.ariaLabel = `source ${index}`;
    return button;
  }

  function draw() {
    cancelAnimationFrame(drawing);
    drawing = 0;
    if (!turn.text) return;
    answer.className = 'answer';
    words.replaceChildren(...markdown(turn.text, reference));
    if (!aloud) speak(turn.over);
    grown();
  }

  /** Whole sentences go to the screen reader as they come, not every word. */
  function speak(all) {
    const rest = turn.text.slice(announced);
    const end = all ? rest.length : rest.search(/[.?!\n]\s[^]*$/) + 1;
    const whole = rest.slice(0, end).replace(/[`*]|\[\d+\]/g, '').trim();
    announced += end;
    if (whole) announce(whole);
  }

  function finish() {
    if (turn.over) return;
    turn.over = true;
    draw();
    answer.hidden = false;
    answer.className = 'answer';
    element.className = 'turn';
    if (!said.textContent) said.textContent = '…';
    onover(turn);
  }

  function close(end) {
    foot.replaceChildren(end);
    grown();
  }

  function chart() {
    if (timings?.stages.length) close(waterfall(timings, heardMs));
  }

  /** @type {Turn} */
  const turn = {
    aloud,
    element,
    question: '',
    text: '',
    citations: [],
    over: false,

    partial(text, stable) {
      element.classList.add('listening');
      said.replaceChildren(stable, make('span', 'unsure', text.slice(stable.length)));
      grown();
    },

    ask(question) {
      element.className = 'turn';
      turn.question = question;
      said.replaceChildren(question || '…');
      answer.hidden = false;
      answer.classList.add('waiting');
      grown();
    },

    citation({ index, title, text, source }) {
      turn.citations.push({ index, title, text, source });
      const passage = make('blockquote', 'passage', ...markdown(text, () => null), make('footer', '', source || title));
      passage.hidden = true;
      const chip = makeButton('chip', () => toggle(index), make('span', 'number', String(index)), make('span', 'title', title));
      chip.ariaExpanded = 'false';
      cited.set(index, { chip, passage });
      passages.append(passage);
      sources.append(make('li', '', chip));
    },

    token(text) {
      turn.text += text;
      drawing ||= requestAnimationFrame(draw);
    },

    end(measured) {
      finish();
      timings = measured;
      chart();
      announce(`End of the answer. Sources: ${cited.size}.`);
    },

    heardAfter(ms) {
      heardMs = ms;
      chart();
    },

    interrupted(heard) {
      turn.heard = heard;
      finish();
      const rest = turn.text.startsWith(heard) ? turn.text.slice(heard.length).replace(/\s*\[\d+\]/g, '') : '';
      if (rest) words.replaceChildren(make('p', '', heard, make('span', 'unsure', rest)));
      close(make('p', 'note', 'Stopped here.'));
    },

    fail(message) {
      finish();
      close(make('p', 'failed', message));
      announce(message);
    },

    restore({ question, text, heard, citations }) {
      turn.ask(question);
      citations.forEach(turn.citation);
      turn.text = text;
      if (heard === undefined) finish();
      else turn.interrupted(heard);
    },
  };
  return turn;
}
