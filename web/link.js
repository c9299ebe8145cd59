// SPDX-License-Identifier: Apache-2.0
/*
 * The way to the server: a session with its short-lived token (in memory only), requests, the
 * event stream of /chat and the WebSocket of /voice. After a cut that comes back by itself and goes on
 * where it was: both sides count what has arrived, and send the rest again.
 */
import { Trouble } from '/voice.js';

const GONE = 'The server cannot be reached.';
const REFRESH_AT = 0.8; /* of the token's life */
const BACKOFF_MS = [300, 600, 1200, 2500, 5000];
const BACKOFF_MAX_MS = 10000;
const KEPT = 3000; /* messages for a server that is away: a minute of sound */
const THANKS_EVERY = 50; /* binary messages */
const JSON_TYPE = { 'Content-Type': 'application/json' };

/** @type {Link} */
export const link = { ready: false, sessionId: '', request, json, chat, connect, send, end };

let token = '';
let tokenSession; /* the token ends with it */
let beginning;
/** @type {WebSocket} */
let socket;
let attempts = 0;
let refresh, retry; /* timers */
/** @type {Place} */
let place = {};
let sent = []; /* messages that may not have arrived */
let arrived = 0; /* how many have, and were let go of */

/** "too large" → "Too large." @param {string} text */
export function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : first + '.';
}

export async function good(response) {
  if (response.ok) return response;
  const error = (await response.json().catch(() => null))?.error;
  const wait = Number(response.headers.get('Retry-After'));
  const advice = wait > 0 ? ` Try again in ${wait} s.` : '';
  throw new Trouble(sentence(error?.message ?? `status ${response.status}`) + advice, error?.code);
}

/* --- requests --- */

const cut = (error) => {
  throw error.name === 'AbortError' ? error : new Trouble(GONE, 'gone');
};

/** @param {string} bearer a token, a key or nothing */
export function ask(path, bearer, init) {
  const headers = { ...init?.headers, ...(bearer && { Authorization: `Bearer ${bearer}` }) };
  return fetch(path, { ...init, headers }).catch(cut);
}

const post = (path, bearer) => ask(path, bearer, { method: 'POST', headers: JSON_TYPE, body: '{}' });

/** A token; and a session, if there is none. */
function begin() {
  beginning ??= newSession().finally(() => (beginning = null));
  return beginning;
}

async function newSession() {
  let response = await post('/session', token);
  if (token && response.status === 401) response = await post('/session', '');
  while (response.status === 401) response = await post('/session', await link.askKey());
  const session = await (await good(response)).json();
  link.sessionId ||= session.session_id;
  keep(session);
}

function keep(session) {
  token = session.token;
  tokenSession = session.session_id;
  clearTimeout(refresh);
  const life_s = Math.max(10, session.expires_at - Date.now() / 1000);
  refresh = setTimeout(async () => {
    const response = await post('/session/refresh', token).catch(() => null);
    if (response?.ok) keep(await response.json()); /* else the next 401 asks for another */
  }, life_s * REFRESH_AT * 1000);
}

async function request(path, init) {
  if (!token) await begin();
  let response = await ask(path, token, init);
  if (response.status === 401) {
    await begin();
    response = await ask(path, token, init);
  }
  return good(response);
}

async function json(path, init) {
  return (await request(path, init)).json();
}

async function end(id) {
  if (id === tokenSession) {
    await begin();
    if (link.ready) connect(true); /* the other token ends */
  }
  await request(`/session/${id}`, { method: 'DELETE' }).catch((error) => {
    if (error.code !== 'not_found') throw error;
  });
}

/** Of a stream of events. */
export async function* linesOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ''; ; ) {
    const { done, value } = await reader.read().catch(cut);
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    yield* lines;
  }
}

async function* chat(message, use_rag, signal) {
  if (!link.sessionId) await begin();
  const body = JSON.stringify({ message, use_rag, session_id: link.sessionId });
  const response = await request('/chat', { method: 'POST', headers: JSON_TYPE, body, signal });
  for await (const line of linesOf(response)) if (line.startsWith('data:')) yield JSON.parse(line.slice(5));
}

/* --- the WebSocket --- */

async function connect(anew = false) {
  clearTimeout(retry);
  if (anew) {
    forget();
    socket?.close(1000);
    socket = null;
  } else if (socket) return;
  link.ready = false;
  try {
    if (!token || !link.sessionId) await begin();
  } catch (error) {
    return lost(error);
  }
  if (socket) return; /* somebody was faster */
  const mine = new WebSocket('/voice');
  mine.binaryType = 'arraybuffer';
  const who = { token, session_id: link.sessionId, resume: place };
  mine.onopen = () => mine.send(JSON.stringify({ type: 'hello', ...who, ...link.wishes() }));
  mine.onmessage = ({ data }) => mine === socket && receive(data);
  mine.onclose = () => mine === socket && lost(new Trouble(GONE));
  socket = mine;
}

function lost(why) {
  socket = null;
  link.ready = false;
  const wait_ms = (BACKOFF_MS[attempts++] ?? BACKOFF_MAX_MS) * (0.8 + 0.4 * Math.random());
  if (why.code !== 'key') retry = setTimeout(connect, wait_ms);
  link.onstate('gone', why.message);
}

function forget() {
  place = {};
  sent = [];
  arrived = 0;
}

/** @param {number} count messages that the server has */
function letGo(count) {
  sent.splice(0, count - arrived);
  arrived = count;
}

function receive(data) {
  if (typeof data !== 'string') {
    if (++place.sound % THANKS_EVERY === 0) send({ type: 'received', seq: place.seq, sound: place.sound });
    link.onsound(new DataView(data).getUint32(0, true), data.slice(4));
    return;
  }
  const event = JSON.parse(data);
  if (link.ready && event.seq) place.seq = event.seq;
  if (event.type === 'ready') begun(event);
  else if (event.type === 'received') letGo(event.messages);
  else if (event.type === 'going_away') link.onstate('leaving', event);
  else if (link.ready || event.type !== 'error') link.onevent(event);
  else if (event.error.code === 'not_found') {
    link.sessionId = ''; /* the session has ended: another one */
    connect(true);
  } else token = ''; /* the server closes; the next attempt has a new one */
}

function begun(event) {
  const { id, resumed, received } = event.resume;
  if (resumed) letGo(received);
  else forget();
  place = { id, seq: event.seq, sound: resumed ? place.sound : 0 };
  link.sessionId = event.session_id;
  link.ready = true;
  attempts = 0;
  for (const message of sent) socket.send(message);
  link.onstate('ready', event);
}

/** @param {object | Samples} message */
function send(message) {
  if (sent.length >= KEPT) forget();
  if (!place.id) return false;
  const data = message instanceof Int16Array ? message : JSON.stringify(message);
  sent.push(data);
  if (link.ready && socket?.readyState === WebSocket.OPEN) socket.send(data);
  return true;
}
