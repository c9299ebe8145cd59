// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * The page: what is pressed and typed on one side, the server's events on the other. One question is
 * under way at a time; asking anew ends the one before.
 */
import { Link, sentence } from '/link.js';
import { DocumentsPanel, EnginesPanel, askKey, find, reason } from '/panels.js';
import { Turn, make } from '/view.js';
import { Microphone, Player, Trouble, sleep } from '/voice.js';

/** @typedef {import('./types').TurnEvent} TurnEvent */
/** @typedef {'idle'|'opening'|'listening'|'thinking'|'answering'|'speaking'} Phase */

const OUT_HZ = 22050;
const TAP_MS = 350; /* a shorter press is a tap: it latches the button */
const CONFLICT_MS = 150; /* until the server has noticed that we left */
const CONFLICTS = 3;
const NEAR_PX = 240; /* so near to the end, the page follows new words */
const TOUCH = matchMedia('(pointer: coarse)').matches;
const STOPS = TOUCH ? '' : ' Escape stops it.';

const link = new Link();
const microphone = new Microphone();
const player = new Player();
const engines = new EnginesPanel(link);
new DocumentsPanel(link);

const talk = find('talk', HTMLElement);
const conversation = find('conversation', HTMLElement);
const question = find('question', HTMLTextAreaElement);
const form = find('form', HTMLFormElement);
const hold = find('hold', HTMLButtonElement);
const useRag = find('use-rag', HTMLInputElement);
const aloud = find('aloud', HTMLInputElement);
const voice = find('voice', HTMLSelectElement);
const again = find('again', HTMLButtonElement);

/** @type {Phase} */
let phase = 'idle';
/** @type {Turn} */
let current;
/** The running /chat. @type {AbortController} */
let chatting;
/** Turns by number, and those without one yet, oldest first. @type {Map<number, Turn>} */
const turns = new Map();
/** @type {Turn[]} */
const unnumbered = [];
let askedAt = 0;

/* Pressed: listening. Let go: over. A tap latches; the next press ends it. */
let pressed = false;
let latched = false;
let pressedAt = 0;

/* --- what the page says --- */

/** @param {Phase} next @param {string} [words] */
function enter(next, words) {
  const says = {
    idle: TOUCH ? 'Hold the button and speak.' : 'Hold the button or the space bar, and speak.',
    opening: 'Opening the microphone …',
    listening: latched ? 'Listening. Press again when you have finished.' : 'Listening …',
    thinking: 'One moment …',
    answering: `Answering.${STOPS}`,
    speaking: `Speaking.${STOPS}`,
  };
  phase = next;
  document.body.dataset.phase = next;
  const busy = next === 'thinking' || next === 'answering' || next === 'speaking';
  find('stop', HTMLButtonElement).hidden = !busy;
  find('send', HTMLButtonElement).hidden = busy;
  hold.ariaPressed = String(next === 'listening');
  find('state', HTMLParagraphElement).textContent = words ?? says[next];
}

/** @param {string} words */
function announce(words) {
  const announcer = find('announcer', HTMLDivElement);
  announcer.append(make('p', '', words));
  if (announcer.childElementCount > 12) announcer.firstElementChild.remove();
}

/** @param {string} words "" when it is over @param {boolean} [retry] */
function tell(words, retry = false) {
  find('trouble', HTMLDivElement).hidden = !words;
  find('trouble-text', HTMLSpanElement).textContent = words;
  again.hidden = !retry;
}

/** @param {boolean} spoken the answer will be */
function newTurn(spoken) {
  document.getElementById('welcome')?.remove();
  current = new Turn(conversation, announce, spoken);
  talk.scrollTo({ top: talk.scrollHeight });
  return current;
}

conversation.addEventListener('grown', () => {
  const below = talk.scrollHeight - talk.clientHeight - talk.scrollTop;
  if (below < NEAR_PX) talk.scrollTo({ top: talk.scrollHeight });
});

/** One event of a turn, whichever way it came. @param {Turn} turn @param {TurnEvent} event */
function show(turn, event) {
  const mine = turn === current;
  if (event.type === 'partial') turn.partial(event.text, event.stable);
  else if (event.type === 'final') turn.ask(event.text);
  else if (event.type === 'citation') turn.citation(event);
  else if (event.type === 'token') {
    if (mine && phase === 'thinking') enter('answering');
    turn.token(event.content);
  } else if (event.type === 'interrupted') turn.interrupted(event.heard);
  else if (event.type === 'error') {
    turn.fail(sentence(event.error.message));
    if (mine) quiet();
  } else if (event.type === 'end') {
    if (turn.text) turn.end(event.timings);
    else turn.fail('Nothing was understood. Hold the button until you have finished, and speak clearly.');
    if (mine && player.turn < 0) enter('idle');
  }
}

/* --- asking and stopping --- */

/** @param {string} [words] */
function quiet(words) {
  player.clear();
  enter('idle', words);
}

/** Ends what is under way, here and at the server. */
function interrupt() {
  chatting?.abort();
  if (player.turn >= 0) link.send({ type: 'played', turn: player.turn, ms: player.playedMs });
  if (phase !== 'idle') link.send({ type: 'cancel' });
  player.clear();
  if (current && !current.over && !current.aloud) current.interrupted('');
}

/** @param {string} [words] */
function stop(words) {
  if (phase === 'listening') microphone.end();
  pressed = latched = false;
  interrupt();
  enter('idle', words);
}

/** @param {string} words */
function ask(words) {
  interrupt();
  if (!aloud.checked) chat(words, newTurn(false));
  else if (link.send({ type: 'text', text: words })) unnumbered.push(newTurn(true));
  else return tell('There is no connection to the server yet.', true);
  player.unlock(OUT_HZ);
  askedAt = performance.now();
  current.ask(words);
  enter('thinking');
}

/** @param {string} words @param {Turn} turn */
async function chat(words, turn) {
  const mine = (chatting = new AbortController());
  for (let conflicts = 0; ; conflicts++) {
    try {
      for await (const event of link.chat(words, useRag.checked, mine.signal)) show(turn, event);
      if (!turn.over) throw new Trouble('The connection was lost in the middle of the answer. Ask again.');
      return;
    } catch (error) {
      if (mine.signal.aborted) return;
      if (error.code !== 'conflict' || conflicts === CONFLICTS) {
        turn.fail(reason(error));
        return quiet();
      }
    }
    await sleep(CONFLICT_MS);
  }
}

/* --- push to talk --- */

async function pressDown() {
  if (pressed) return latched && finishUtterance();
  pressed = true;
  pressedAt = performance.now();
  player.unlock(OUT_HZ);
  interrupt();
  enter('opening');
  try {
    if (!link.ready) throw new Trouble('There is no connection to the server yet. Wait a moment.');
    await microphone.open();
  } catch (error) {
    return stop(reason(error));
  }
  if (!pressed) return enter('idle', 'The microphone is ready. Hold the button and speak.');
  if (!link.send({ type: 'start' })) return stop();
  unnumbered.push(newTurn(true));
  current.partial('', '');
  microphone.begin((frame, level) => {
    link.send(frame);
    hold.style.setProperty('--level', String(Math.min(1, level * 5)));
  });
  enter('listening');
}

/** @param {boolean} mayLatch a short press keeps listening */
function letGo(mayLatch) {
  if (!pressed || latched) return;
  const tap = performance.now() - pressedAt < TAP_MS;
  if (phase !== 'listening') pressed = false; /* the microphone was not there yet */
  else if (!tap) finishUtterance();
  else if (!mayLatch) stop('Hold it while you speak.');
  else {
    latched = true;
    enter('listening');
  }
}

async function finishUtterance() {
  if (phase !== 'listening') return;
  pressed = latched = false;
  askedAt = performance.now();
  enter('thinking');
  await microphone.end();
  link.send({ type: 'stop' });
}

hold.addEventListener('pointerdown', (e) => {
  if (e.button !== 0) return;
  e.preventDefault(); /* no selection, no focus jump */
  hold.setPointerCapture(e.pointerId);
  pressDown();
});
hold.addEventListener('pointerup', () => letGo(true));
hold.addEventListener('pointercancel', () => letGo(false));
hold.addEventListener('contextmenu', (e) => e.preventDefault());
/* Enter and assistive tools click without a pointer. */
hold.addEventListener('click', async (e) => {
  if (e.detail !== 0) return;
  await pressDown();
  letGo(true);
});
microphone.onlost = () => pressed && stop('The microphone was taken away. Plug it in and try again.');

/** The space bar talks unless it has something else to do where it is pressed. @param {KeyboardEvent} e */
function isTalkKey(e) {
  if (e.code !== 'Space' || e.ctrlKey || e.altKey || e.metaKey || e.isComposing) return false;
  if (e.target === question) return question.value === '';
  return e.target === hold || !(/** @type {Element} */ (e.target).closest('input, textarea, select, button, summary, dialog'));
}

addEventListener('keydown', (e) => {
  if (isTalkKey(e)) {
    e.preventDefault();
    if (!e.repeat) pressDown();
  } else if (e.key === 'Escape' && !document.querySelector('dialog[open]')) stop();
  else if (e.key.length === 1 && !e.ctrlKey && !e.metaKey && !e.altKey && e.target === document.body)
    question.focus(); /* whoever begins to type, types a question */
});
addEventListener('keyup', (e) => {
  if (e.code !== 'Space' || !pressed) return;
  e.preventDefault();
  letGo(false);
});
addEventListener('blur', () => letGo(false));

/* --- typing --- */

function grow() {
  question.style.height = 'auto';
  question.style.height = `${question.scrollHeight}px`;
}
form.addEventListener('submit', (e) => {
  e.preventDefault();
  const words = question.value.trim();
  if (!words) return;
  question.value = '';
  grow();
  ask(words);
});
question.addEventListener('keydown', (e) => {
  if (e.key !== 'Enter' || e.shiftKey || e.isComposing) return;
  e.preventDefault();
  form.requestSubmit();
});
question.addEventListener('input', grow);
find('stop', HTMLButtonElement).addEventListener('click', () => stop());
for (const button of document.querySelectorAll('.suggestion'))
  button.addEventListener('click', () => ask(button.textContent));

/* --- the server --- */

link.askKey = askKey;
link.wishes = () => ({
  format: 'pcm_s16le',
  rate: 16000,
  output: { format: 'pcm', rate: OUT_HZ },
  mode: 'push_to_talk',
  use_rag: useRag.checked,
  ...(voice.value && { voice: voice.value }),
  session_id: link.sessionId,
});
for (const wish of [useRag, voice])
  wish.addEventListener('change', () => {
    if (phase !== 'idle') stop();
    link.connect();
  });
again.addEventListener('click', () => link.connect());
addEventListener('online', () => !link.ready && link.connect());

link.onstate = (state, detail) => {
  document.body.dataset.link = state;
  const status = find('status', HTMLSpanElement);
  if (state === 'ready') {
    document.title = find('name', HTMLSpanElement).textContent = detail.name;
    document.getElementById('greeting')?.replaceChildren(detail.greeting);
    engines.engines = { ...engines.engines, ...detail.engines };
    status.replaceChildren(...(engines.builtIn ? ['Built-in', make('span', 'long', ' engines'), ', English only'] : ['Connected']));
    return tell('');
  }
  if (state === 'leaving') return tell('The server is shutting down. This page will connect again by itself.');
  status.textContent = 'Not connected';
  tell(`${detail} Trying again …`, true);
  for (const turn of [...unnumbered.splice(0), ...turns.values()])
    if (!turn.over) turn.fail('The connection to the server was lost. Ask again when it is back.');
  turns.clear();
  if (phase !== 'idle' && current?.aloud && player.turn < 0) stop();
};

link.onevent = (event) => {
  const turn = turns.get(event.turn) ?? unnumbered.shift();
  if (!turn) return;
  if (event.turn !== undefined) turns.set(event.turn, turn);
  if (event.type === 'audio_start' && turn === current) player.begin(event.turn, event.rate);
  else if (event.type === 'audio_end' && event.turn === player.turn) player.finish();
  else show(turn, event);
};
link.onsound = (turn, samples) => player.push(turn, samples);

player.onstart = (late_ms) => {
  enter('speaking');
  current.heard(performance.now() - askedAt + late_ms);
};
player.onplayed = (ms) => link.send({ type: 'played', turn: player.turn, ms });
player.ondrained = () => phase === 'speaking' && enter('idle');

enter('idle');
link.connect();
