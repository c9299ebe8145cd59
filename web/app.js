// SPDX-License-Identifier: Apache-2.0
/* What is pressed, typed and said, and the server's events. One question at a time: a new one ends it. */
import { link, sentence } from '/link.js';
import { HistoryPanel } from '/history.js';
import { DocumentsPanel, EnginesPanel, askKey, find, reason } from '/panels.js';
import { make, makeTurn } from '/view.js';
import { Trouble, microphone, player, sleep } from '/voice.js';

const OUT_HZ = 22050;
const TAP_MS = 350; /* a shorter press is a tap */
const CONFLICT_MS = 150; /* until the server notices that we left */
const NEAR_PX = 240; /* so near its end the page follows new words */
const TOUCH = matchMedia('(pointer: coarse)').matches;
const STOPS = TOUCH ? '' : ' Escape stops it.';
const LOST = 'The connection to the server was lost. Ask again when it is back.';
const TAKEN = 'The microphone was taken away. Plug it in and try again.';

const engines = new EnginesPanel('engines');
const history = new HistoryPanel('history');
new DocumentsPanel('documents');
/* It takes its button over. */
find('models-button').onclick = () => import('/models.js').catch((error) => engines.say(reason(error)));

const ids = 'welcome talk conversation question form hold hands-free use-rag aloud voice again announcer';
const [welcome, talk, conversation, question, form, hold, free, useRag, aloud, voice, again, announcer] = ids.split(' ').map(find);

let phase = 'idle';
let current;
let before;
let chatting; /* aborts /chat */
/** Turns by number, and those without one yet, oldest first. */
const turns = new Map();
const unnumbered = [];
let askedAt = 0;
let waits = false; /* what is typed, for a connection */

let pressed = false;
let latched = false; /* by a tap: it listens until the next press */
let pressedAt = 0;
let handsFree = false;
let waking = false; /* the browser is asking for the microphone */
let gone = false; /* the connection, since it was lost */
let session = '';

function enter(next, words) {
  const says = {
    idle: `Hold the button${TOUCH ? '' : ' or the space bar,'} and speak.`,
    opening: 'Opening the microphone …',
    listening: latched ? 'Listening. Press again when you have finished.' : 'Listening …',
    attending: 'Listening. Just speak.',
    hearing: 'You are speaking …',
    thinking: 'Thinking …',
    answering: `Answering.${STOPS}`,
    speaking: handsFree ? 'Speaking. You may interrupt.' : `Speaking.${STOPS}`,
  };
  if (next === 'idle' && handsFree) next = 'attending';
  phase = next;
  document.body.dataset.phase = next;
  find('stop').hidden = !busy();
  find('send').hidden = busy();
  hold.ariaPressed = String(next === 'listening');
  showLevel(0);
  find('state').textContent = words ?? says[next];
}

const busy = () => ['thinking', 'answering', 'speaking'].includes(phase);

const showLevel = (level) => hold.style.setProperty('--level', level);

function announce(words) {
  announcer.append(make('p', '', words));
  if (announcer.childElementCount > 12) announcer.firstElementChild.remove();
}

function tell(words, retry = false) {
  find('trouble').hidden = !words;
  find('trouble-text').textContent = words;
  again.hidden = !retry;
}

const keep = (turn) => turn.text && history.add(turn);

function newTurn(aloud, onover = keep) {
  welcome.hidden = true;
  before = current;
  current = makeTurn(conversation, { announce, aloud, onover, grown });
  talk.scrollTop = talk.scrollHeight;
  return current;
}

function grown() {
  if (talk.scrollHeight - talk.clientHeight - talk.scrollTop < NEAR_PX) talk.scrollTop = talk.scrollHeight;
}

function think() {
  askedAt = performance.now();
  enter('thinking');
}

/** One event of a turn, whichever way it came. */
function show(turn, event) {
  const mine = turn === current;
  const { type } = event;
  if (type === 'partial') turn.partial(event.text, event.stable);
  else if (type === 'speech_started') enter('hearing');
  else if (type === 'speech_stopped') think();
  else if (type === 'final') {
    turn.ask(event.text);
    /* Who went on before the answer began has asked one question. */
    if (mine && before?.question && !before.text && event.text.startsWith(before.question)) before.element.remove();
  } else if ((type === 'duck' || type === 'resumed') && event.turn === player.turn) {
    player.duck(type === 'duck');
    enter('speaking', type === 'duck' ? 'You are speaking …' : undefined);
  } else if (type === 'citation') turn.citation(event);
  else if (type === 'token') {
    if (mine && phase === 'thinking') enter('answering');
    turn.token(event.content);
  } else if (type === 'interrupted') {
    if (event.turn === player.turn) player.clear();
    turn.interrupted(event.heard);
    if (mine && busy()) enter('idle');
  } else if (type === 'error') {
    turn.fail(sentence(event.error.message));
    if (mine) {
      player.clear();
      enter('idle');
    }
  } else if (type === 'end') {
    if (turn.text) turn.end(event.timings);
    else turn.fail(`Nothing was understood. ${handsFree ? 'S' : 'Hold the button until you have finished, and s'}peak clearly.`);
    if (mine && player.turn < 0) enter('idle');
  }
}

/* --- asking and stopping --- */

function interrupt() {
  waits = false;
  chatting?.abort();
  if (player.turn >= 0) player.onplayed(player.playedMs);
  if (phase !== 'idle') link.send({ type: 'cancel' });
  player.clear();
  if (current && !current.over && !current.aloud) current.interrupted('');
}

function stop(words) {
  if (phase === 'listening') microphone.end();
  pressed = latched = false;
  interrupt();
  enter('idle', words);
}

function ask(words) {
  interrupt();
  if (!aloud.checked && !handsFree) chat(words, newTurn(false));
  else if (link.ready && link.send({ type: 'text', text: words })) unnumbered.push(newTurn(true));
  else {
    waits = true;
    question.value = words;
    grow();
    return enter('idle', 'It will be asked as soon as the server is there.');
  }
  player.unlock(OUT_HZ);
  current.ask(words);
  think();
}

async function chat(words, turn, tries = 3) {
  const { signal } = (chatting = new AbortController());
  try {
    for await (const event of link.chat(words, useRag.checked, signal)) show(turn, event);
    if (!turn.over) throw new Trouble(LOST);
  } catch (error) {
    if (signal.aborted) return;
    if (error.code === 'not_found') link.sessionId = ''; /* it has ended: another one */
    else if (error.code !== 'conflict' || tries < 1) {
      turn.fail(reason(error));
      return enter('idle');
    }
    await sleep(CONFLICT_MS);
    if (!signal.aborted) chat(words, turn, tries - 1);
  }
}

/* --- push to talk --- */

async function openMicrophone() {
  player.unlock(OUT_HZ);
  enter('opening');
  if (!handsFree && !link.ready) throw new Trouble('There is no connection to the server yet.');
  await microphone.open(handsFree);
}

async function pressDown() {
  if (handsFree) return busy() && stop();
  if (pressed) return latched && finishUtterance();
  pressed = true;
  pressedAt = performance.now();
  interrupt();
  try {
    await openMicrophone();
  } catch (error) {
    return stop(reason(error));
  }
  if (!pressed) return enter('idle', 'The microphone is ready. Hold the button and speak.');
  if (!link.send({ type: 'start' })) return stop();
  unnumbered.push(newTurn(true));
  current.partial('', '');
  microphone.begin(heard);
  enter('listening');
}

function heard(frame, level) {
  link.send(frame);
  showLevel(level);
}

function letGo(mayLatch) {
  if (!pressed || latched) return;
  if (phase !== 'listening') pressed = false; /* the microphone was not there yet */
  else if (performance.now() - pressedAt >= TAP_MS) finishUtterance();
  else if (!mayLatch) stop('Hold it while you speak.');
  else latch();
}

function latch() {
  latched = true;
  enter('listening');
}

async function finishUtterance() {
  if (phase !== 'listening') return;
  pressed = latched = false;
  think();
  await microphone.end();
  link.send({ type: 'stop' });
}

hold.onpointerdown = (e) => {
  if (e.button) return;
  e.preventDefault(); /* no selection, no focus jump */
  hold.setPointerCapture(e.pointerId);
  pressDown();
};
hold.onpointerup = () => letGo(true);
hold.onpointercancel = () => letGo(false);
hold.oncontextmenu = (e) => e.preventDefault();
/* Enter and assistive tools click without a pointer: it latches, however long the microphone took. */
hold.onclick = async (e) => {
  if (e.detail) return;
  await pressDown();
  if (phase === 'listening') latch();
};
microphone.onlost = () => (handsFree ? endHandsFree(TAKEN) : pressed && stop(TAKEN));

function isTalkKey(e) {
  if (e.code !== 'Space' || e.ctrlKey || e.altKey || e.metaKey || e.isComposing) return false;
  if (e.target === question) return !question.value;
  return e.target === hold || !e.target.closest('input, textarea, select, button, summary, dialog');
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

/* --- hands-free --- */

function setHandsFree(on) {
  handsFree = on;
  free.ariaPressed = String(on);
}

async function beginHandsFree() {
  if (waking) return;
  stop();
  waking = true;
  setHandsFree(true);
  try {
    await openMicrophone();
    if (handsFree) renew(); /* ready begins it */
    else microphone.close();
  } catch (error) {
    if (handsFree) endHandsFree(reason(error));
  }
  waking = false;
}

async function endHandsFree(words) {
  setHandsFree(false);
  stop(words);
  await microphone.end();
  microphone.close();
  link.send({ type: 'stop' });
  renew();
}

free.onclick = () => (handsFree ? endHandsFree() : beginHandsFree());
document.onvisibilitychange = () => {
  if (document.hidden && handsFree) endHandsFree('Hands-free was switched off when this page was hidden.');
};

function grow() {
  question.style.height = 'auto';
  question.style.height = `${question.scrollHeight}px`;
}
form.onsubmit = (e) => {
  e.preventDefault();
  const words = question.value.trim();
  if (!words) return;
  question.value = '';
  grow();
  ask(words);
};
question.onkeydown = (e) => {
  if (e.key !== 'Enter' || e.shiftKey || e.isComposing) return;
  e.preventDefault();
  form.requestSubmit();
};
question.oninput = () => {
  waits = false; /* it is not finished */
  grow();
};
find('stop').onclick = () => stop();
for (const button of welcome.getElementsByTagName('button')) button.onclick = () => ask(button.textContent);

/* --- the server --- */

link.askKey = askKey;
addEventListener('pagehide', () => {
  if (!current || current.over) return;
  current.over = true;
  keep(current);
});
addEventListener('pageshow', (e) => e.persisted && stop());
link.wishes = () => ({
  format: 'pcm_s16le',
  rate: 16000,
  output: { format: 'pcm', rate: OUT_HZ },
  mode: handsFree ? 'hands_free' : 'push_to_talk',
  use_rag: useRag.checked,
  ...(voice.value && { voice: voice.value }),
});

/** Takes leave of what the server was doing. */
function endTurns(how = (turn) => turn.interrupted('')) {
  for (const turn of [...unnumbered.splice(0), ...turns.values()]) if (!turn.over) how(turn);
  turns.clear();
}

function renew() {
  endTurns();
  link.connect(true);
}

useRag.onchange = voice.onchange = () => {
  stop();
  renew();
};
again.onclick = () => link.connect();
addEventListener('online', again.onclick);

link.onstate = (state, detail) => {
  document.body.dataset.link = state;
  if (state === 'ready') begun(detail);
  else if (state === 'leaving') tell('The server is shutting down. This page will connect again by itself.');
  else {
    gone = true;
    find('status').textContent = 'Not connected';
    tell(`${detail} Trying again …`, true);
  }
};

history.onopen = (kept) => {
  if (!kept && !current) return; /* it is empty already */
  stop();
  endTurns();
  current = null;
  conversation.replaceChildren(welcome);
  welcome.hidden = !!kept;
  for (const turn of kept?.turns ?? []) newTurn(true, () => {}).restore(turn);
  announce(kept ? 'An earlier conversation is shown.' : 'A new conversation.');
  session = link.sessionId = kept?.session ?? '';
  link.connect(true);
};

function begun({ name, greeting, engines: state, resume, session_id }) {
  document.title = find('name').textContent = name;
  find('greeting').replaceChildren(greeting);
  engines.engines = { ...engines.engines, ...state };
  import('/voices.js').then((it) => it.refresh(stop)).catch(() => {});
  find('status').replaceChildren(...(engines.builtIn ? ['Built-in', make('span', 'long', ' engines'), ', English only'] : ['Connected']));
  tell('');
  const forgotten = session && session !== session_id;
  session = session_id;
  if (!resume.resumed) afresh(forgotten);
  gone = false;
  if (!waits) return;
  waits = false;
  form.requestSubmit();
}

/** The server knows nothing of what was under way. @param {boolean} forgotten nor of what was said */
function afresh(forgotten) {
  const cut = current && !current.over && current.aloud;
  endTurns((turn) => turn.fail(LOST));
  if (player.turn >= 0) player.finish(); /* what has come is heard to its end */
  else if (pressed || cut) stop();
  if (current && (gone || forgotten)) {
    const words = forgotten ? 'The server has forgotten what was said above. A new conversation begins here.' : 'Connected again. The conversation goes on.';
    conversation.append(make('p', 'note', words));
    announce(words);
  }
  if (handsFree && link.send({ type: 'start' })) {
    microphone.begin(heard);
    if (player.turn < 0) enter('idle');
  }
}

link.onevent = (event) => {
  let turn = turns.get(event.turn);
  if (!turn && handsFree && event.type === 'speech_started') {
    turn = newTurn(true);
    turn.partial('', '');
  }
  turn ??= unnumbered.shift();
  if (!turn) return event.type === 'error' && enter(handsFree && busy() ? phase : 'idle', sentence(event.error.message));
  if (event.turn !== undefined) turns.set(event.turn, turn);
  if (event.type === 'audio_start' && turn === current) player.begin(event.turn, event.rate);
  else if (event.type === 'audio_end' && event.turn === player.turn) player.finish();
  else show(turn, event);
};
link.onsound = (turn, samples) => player.push(turn, samples);

player.onstart = (late_ms) => {
  enter('speaking');
  current.heardAfter(performance.now() - askedAt + late_ms);
};
player.onplayed = (ms) => link.send({ type: 'played', turn: player.turn, ms });
player.ondrained = () => phase === 'speaking' && enter('idle');

enter('idle');
link.connect();
