// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Everything that a server is asked for, as flows (flows.js), for two servers: one that quotes, in the plain
 * and open to this machine, and one with a language model, TLS and a key.
 */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, renameSync } from 'node:fs';
import http from 'node:http';
import { startRelay } from './cut.js';
import { Talk, answerOf, ask, askByCommand, documents, eventsOf, form, jobDone, raw, refuse, Refused, talking } from './flows.js';
import { sha256, someBytes, startHub } from './hub.js';
import { encodeOgg, packetsOf, webmOf } from './opus.js';
import { until } from './server.js';
import { samplesOf, speak } from './speech.js';
import { LISTEN, Wyoming, wyomingOf } from './wyoming.js';

/**
 * @typedef {{url: string, data: string, key: string, pid: number, turnTokens?: number, log: () => string}} Server
 * @typedef {object} Flow
 * @property {(t: import('node:test').TestContext, server: Server) => any} [setup] once; what it gives is `made`
 * @property {(server: Server, made: any) => any} [prepare] before each run
 * @property {(server: Server, prepared: any, made: any) => any} run what may be refused
 * @property {(answer: any) => any} [shown] of the answer, what is the same each time
 * @property {boolean} [patient] it waits for a server that is not ready
 * @property {(server: Server, answer: any, prepared: any) => any} [check] afterwards, what was acknowledged;
 *   without an answer it was refused
 */

const LONG = 'Anna waters the tomatoes every evening, when the sun has gone down behind the hill and the air is cool again.';
export const DOCUMENT = `# Garden\n\n## Who waters the tomatoes?\n\n${LONG}\n\n## Where is the ladder?\n\nThe ladder stands behind the shed.\n`;
const COMPLETION = { model: 'any', messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: LONG }], stop: ['never'], seed: 5, logprobs: true, top_logprobs: 2 };
const QUESTION = 'Who waters the tomatoes?';
export const SCRIPTED = [
  '--stt-driver', 'scripted', '--stt-script', 'text=where is the ladder', '--stt-streams', '8', '--tts-driver', 'scripted',
  '--limit-turns', '100000', '--limit-live', '10000', '--resume-keep-ms', '5000', ...LISTEN,
];

/** @param {Server} server */
const bearer = (server) => ({ headers: /** @type {Record<string, string>} */ (server.key ? { Authorization: `Bearer ${server.key}` } : {}) });
/** @param {string} what @returns {Flow} */
const get = (what) => ({ run: (s) => ask(s, `GET ${what}`, bearer(s)), shown: (answer) => answer.status });
/** @param {Server} s @param {object} fields */
async function chat(s, fields) {
  const events = eventsOf(await ask(s, 'POST /chat', { body: { message: QUESTION, ...fields }, ...bearer(s) }));
  assert.equal(events.at(-1)?.type, 'end', 'the stream ends before the answer');
  return events;
}
/** @param {object} hello @param {(talk: Talk) => any} body @returns {Flow} */
const voice = (hello, body) => ({ run: (s) => talking(s, { ...(s.key && { token: s.key }), ...hello }, body) });
/** @param {Talk} talk */
function typed(talk) {
  const from = talk.events.length;
  talk.send({ type: 'text', text: QUESTION });
  return talk.answer(from);
}
/** @param {Uint8Array[] | Int16Array[]} sound */
const spoken = (sound) => async (/** @type {Talk} */ talk) => {
  const from = talk.events.length;
  talk.send({ type: 'start' });
  for (const piece of sound) talk.send(piece);
  talk.send({ type: 'stop' });
  const answer = await talk.answer(from);
  return [talk.events.find((e) => e.type === 'final').text, answer];
};
/** @param {Int16Array<ArrayBuffer>} samples */
const frames = (samples) => Array.from({ length: Math.ceil(samples.length / 320) }, (_, i) => samples.subarray(i * 320, i * 320 + 320));

/**
 * Speaks over a long answer: it is interrupted, and what was said is answered. Like a microphone it goes on after the
 * speech: a recogniser that fails once may have the words only then. @param {Int16Array[]} speech
 */
const interrupting = (speech) => async (/** @type {Talk} */ talk) => {
  talk.hurries = false;
  talk.send({ type: 'start' });
  talk.send({ type: 'text', text: QUESTION });
  await talk.wait((e) => e.type === 'audio_start');
  for (const frame of speech) talk.send(frame);
  const silence = setInterval(() => talk.send(new Int16Array(320)), 2);
  try {
    const cut = await talk.wait((e) => e.type === 'interrupted');
    talk.hurries = true;
    return await talk.answer(talk.events.indexOf(cut) + 1);
  } finally {
    clearInterval(silence);
  }
};

/** One thing over Wyoming. @param {(peer: Wyoming) => Promise<any>} body @returns {Flow} */
const wyoming = (body) => ({
  async run(s) {
    const peer = await Wyoming.open(wyomingOf(s));
    try {
      return await body(peer);
    } catch (error) {
      const told = peer.events.find((e) => e.type === 'error');
      if (told) refuse({ code: told.data.code, message: told.data.text }, 'Wyoming');
      throw peer.ended ? new Refused('closed') : error;
    } finally {
      peer.close();
    }
  },
});
/** @param {Wyoming} peer */
const soundOf = async (peer) => {
  await peer.wait('audio-stop');
  return Buffer.concat(peer.events.map((e) => e.payload));
};

let titles = 0;
const newTitle = () => `Report ${++titles}`;
/** @param {Server} s @param {string} title */
async function ingest(s, title) {
  const { job } = (await ask(s, 'POST /rag/ingest', { body: { title, text: `# ${title}\n\nA rake.` } })).json;
  await jobDone(s, job);
  const [found] = await documents(s, title);
  return { title, id: found.doc_id };
}
/** What was accepted is there, once; it goes again. @param {Server} s @param {string | undefined} job @param {string} title */
async function stored(s, job, title) {
  if (job) await jobDone(s, job);
  const found = await documents(s, title);
  if (job) assert.equal(found.length, 1, `${title} was accepted, and is there ${found.length} times`);
  for (const { doc_id } of found) await ask(s, `DELETE /rag/documents/${doc_id}`);
}

const MODEL = someBytes(20000);
let models = 0;
/** A new name, when nothing is being pulled any more. @param {Server} s */
async function newModel(s) {
  await until(async () => (await ask(s, 'GET /models')).json.pulls.length === 0, 'the end of the pull');
  return `small-${++models}`;
}
/** Pulls a small model, until it is there; a server that was short of something says so in the end. @param {Server} s @param {string} as @param {string} hub */
async function pullModel(s, as, hub) {
  const { text } = await ask(s, 'POST /models/pull', { body: { source: `${hub}/files/small/small.gguf`, sha256: sha256(MODEL), as } });
  const [, event, json] = /event: (\w+)\ndata: (.*)\n\n$/.exec(text) ?? [], { code, name } = JSON.parse(json ?? '{}');
  if (event === 'done') return name;
  assert.ok(!event || event === 'error' || event === 'progress', text);
  if (event === 'error') assert.ok(['out_of_memory', 'overloaded', 'internal', 'io_error'].includes(code), text);
  throw new Refused(code ?? 'closed');
}
/** @param {import('node:test').TestContext} t */
const smallHub = async (t) => (await startHub(t, { small: { bytes: MODEL } })).url;
/** @param {Server} s */
const modelsOf = async (s) => (await ask(s, 'GET /models')).json.models.map((/** @type {any} */ m) => [m.name, m.installed]);
/** @param {Server} s @param {string} name */
async function dropModel(s, name) {
  await newModel(s);
  await ask(s, `DELETE /models/${name}`).catch((error) => assert.match(error.message, /not_found/));
}

const newSession = async (/** @type {Server} */ s) => (await ask(s, 'POST /session', { body: {}, ...bearer(s) })).json;
/** @param {string} token */
const holding = (token) => ({ headers: { Authorization: `Bearer ${token}` } });
/** Ended is ended; one whose end was refused may have ended all the same. @param {Server} s @param {any} answer @param {{session_id: string}} session */
async function isEnded(s, answer, { session_id }) {
  if (!answer) await ask(s, `DELETE /session/${session_id}`, bearer(s)).catch((error) => assert.match(error.message, /not_found/));
  await ask(s, `DELETE /session/${session_id}`, { status: 404, ...bearer(s) });
}

/** The events of /v1/audio, up to the one that ends them. @param {import('./flows.js').Answer} answer */
function audioEvents({ text }) {
  const events = text.split('\n').filter((line) => line.startsWith('data: ')).map((line) => JSON.parse(line.slice(6)));
  const last = events.at(-1);
  if (last?.error) refuse(last.error, 'stream');
  assert.match(last?.type ?? '', /\.done$/, 'the stream ends before its end');
  return events;
}

/** @param {string} folder @returns {Record<string, Flow>} */
export function quoteFlows(folder) {
  const wav = speak(folder, 'Where is the ladder?');
  const samples = samplesOf(wav), ogg = encodeOgg(wav);
  const packets = packetsOf(ogg).slice(2), webm = webmOf(ogg);
  const pieces = Array.from({ length: Math.ceil(webm.length / 1000) }, (_, i) => webm.subarray(i * 1000, i * 1000 + 1000));
  /** @param {Record<string, string>} fields @param {(a: any) => any} [shown] @param {string} [where] @returns {Flow} */
  const transcription = (fields, shown = (a) => a.text, where = 'transcriptions') => ({ run: (s) => ask(s, `POST /v1/audio/${where}`, form('question.ogg', readFileSync(ogg), fields)).then(shown) });
  /** @param {object} fields @param {(a: any) => any} [shown] @returns {Flow} */
  const speech = (fields, shown = (a) => a.bytes) => ({ run: (s) => ask(s, 'POST /v1/audio/speech', { body: { input: 'Good morning, and a good day.', voice: 'alloy', ...fields } }).then(shown) });
  const tts = (/** @type {object} */ fields) => (/** @type {Server} */ s) => ask(s, 'POST /tts', { body: { text: 'Good morning, and a good day.', ...fields } });
  return {
    'GET /healthz': get('/healthz'),
    'GET /readyz': get('/readyz'),
    'GET /metrics': get('/metrics'),
    'GET /voices': get('/voices'),
    'GET /': { run: (s) => ask(s, 'GET /'), shown: (a) => a.text.length },
    'GET /app.js': { run: (s) => ask(s, 'GET /app.js', { headers: { 'Accept-Encoding': 'gzip' } }), shown: (a) => a.bytes.length },
    'three requests on one connection': {
      async run(s) {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        try {
          const answers = await Promise.allSettled(['/healthz', '/', '/healthz'].map((what) => ask(s, `GET ${what}`, { agent })));
          return answers.map((a) => {
            if (a.status === 'rejected') throw a.reason;
            return a.value;
          });
        } finally {
          agent.destroy();
        }
      },
      shown: (answers) => answers.map((/** @type {any} */ a) => a.text.length),
    },
    'a request that is not JSON': { run: (s) => ask(s, 'POST /chat', { body: '{"message":', status: 400 }), shown: (a) => a.json.error.message },
    'a request that is not HTTP': {
      async run(s) {
        const text = await raw(s, 'GET\r\n\r\n');
        if (!text || text.startsWith('HTTP/1.1 503')) throw new Refused('closed');
        return text.slice(0, 12);
      },
    },
    'POST /session': {
      run: newSession,
      shown: (session) => Object.keys(session),
      async check(s, session) {
        if (session) await ask(s, `DELETE /session/${session.session_id}`);
      },
    },
    'POST /session/refresh': {
      prepare: newSession,
      run: (s, { token }) => ask(s, 'POST /session/refresh', holding(token)),
      shown: (a) => Object.keys(a.json),
      check: (s, _, { session_id }) => ask(s, `DELETE /session/${session_id}`),
    },
    'DELETE /session/ID': { prepare: newSession, run: (s, { session_id }) => ask(s, `DELETE /session/${session_id}`), shown: (a) => a.status, check: isEnded },
    'POST /chat, a stream': { run: (s) => chat(s, {}), shown: (events) => [answerOf(events), events.filter((/** @type {any} */ e) => e.type === 'citation')] },
    'POST /chat, as JSON': { run: (s) => ask(s, 'POST /chat', { body: { message: QUESTION, stream: false } }), shown: ({ json: { response, citations, usage } }) => ({ response, citations, usage }) },
    'POST /tts, PCM': { run: tts({}), shown: (a) => a.bytes },
    'POST /tts, WAV': { run: tts({ format: 'wav' }), shown: (a) => a.bytes },
    'POST /tts, Opus': { run: tts({ format: 'opus' }), shown: (a) => a.bytes.length },
    'POST /stt, the bare file': { run: (s) => ask(s, 'POST /stt', { body: readFileSync(wav), type: 'audio/wav' }), shown: (a) => a.json.text },
    'POST /stt, a form': { run: (s) => ask(s, 'POST /stt', form('question.ogg', readFileSync(ogg))), shown: (a) => a.json.text },
    'POST /v1/audio/transcriptions, JSON': transcription({}),
    'POST /v1/audio/transcriptions, with times': transcription({ response_format: 'verbose_json', 'timestamp_granularities[]': 'word', prompt: 'A ladder.' }),
    'POST /v1/audio/transcriptions, subtitles': transcription({ response_format: 'vtt', language: 'en', temperature: '0.5' }),
    'POST /v1/audio/transcriptions, a stream': transcription({ stream: 'true' }, (answer) => audioEvents(answer).at(-1)),
    'POST /v1/audio/translations': transcription({}, undefined, 'translations'),
    'POST /v1/audio/speech, MP3': speech({}),
    'POST /v1/audio/speech, FLAC': speech({ response_format: 'flac' }),
    'POST /v1/audio/speech, events': speech({ response_format: 'wav', stream_format: 'sse', voice: { id: 'tone' } }, (answer) => audioEvents(answer)),
    'POST /rag/ingest, JSON': {
      prepare: newTitle,
      run: (s, title) => ask(s, 'POST /rag/ingest', { body: { title, text: `# ${title}\n\nA rake.` } }),
      shown: (a) => a.status,
      check: (s, a, title) => stored(s, a?.json.job, title),
    },
    'POST /rag/ingest, a form, until it is done': {
      prepare: newTitle,
      async run(s, title) {
        const { job } = (await ask(s, 'POST /rag/ingest', form(`${title}.md`, `# ${title}\n\n${'Leaves and a rake. '.repeat(200)}`))).json;
        await jobDone(s, job).catch((error) => {
          if (!(error instanceof Refused)) throw error; /* it is accepted all the same */
        });
        return job;
      },
      shown: () => 'accepted',
      check: (s, job, title) => stored(s, job, title),
    },
    'GET /rag/jobs/ID, a stream': {
      async setup(_, s) {
        const { job } = (await ask(s, 'POST /rag/ingest', { body: { title: 'Rake', text: 'A rake.' } })).json;
        await jobDone(s, job);
        return job;
      },
      run: async (s, _, job) => eventsOf(await ask(s, `GET /rag/jobs/${job}`, { headers: { Accept: 'text/event-stream' } })),
    },
    'GET /rag/documents': { run: (s) => ask(s, 'GET /rag/documents?limit=2'), shown: (a) => a.json },
    'POST /rag/query': { run: (s) => ask(s, 'POST /rag/query', { body: { query: QUESTION, k: 3, answer: true } }), shown: (a) => a.json },
    'DELETE /rag/documents/ID': {
      prepare: (s) => ingest(s, newTitle()),
      run: (s, { id }) => ask(s, `DELETE /rag/documents/${id}`),
      shown: (a) => a.status,
      async check(s, a, { id, title }) {
        if (a) assert.deepEqual(await documents(s, title), [], 'it was deleted');
        else await ask(s, `DELETE /rag/documents/${id}`).catch((error) => assert.match(error.message, /not_found/));
      },
    },
    'GET /models': { run: modelsOf },
    'POST /models/pull': {
      setup: smallHub,
      prepare: newModel,
      run: pullModel,
      shown: () => 'it is there',
      async check(s, answer, name) {
        if (answer) assert.ok((await modelsOf(s)).some(([other, is_there]) => other === name && is_there), name);
        await dropModel(s, name);
      },
    },
    'POST /models/cancel, of none': { run: (s) => ask(s, 'POST /models/cancel', { body: { name: 'small' }, status: 404 }), shown: (a) => a.json.error.message },
    'DELETE /models/NAME': {
      setup: smallHub,
      async prepare(s, hub) {
        const name = await newModel(s);
        await pullModel(s, name, hub);
        return name;
      },
      run: (s, name) => ask(s, `DELETE /models/${name}`),
      shown: (a) => a.status,
      async check(s, a, name) {
        if (a) assert.deepEqual((await modelsOf(s)).filter(([other]) => other === name), []);
        else await dropModel(s, name);
      },
    },
    'repartee ask': { patient: true, run: (s) => askByCommand(s, QUESTION), shown: (text) => text.split('\n', 3) },
    'Wyoming, describe': wyoming(async (peer) => {
      peer.send('ping', { text: 'a' });
      peer.send('describe');
      return Object.keys((await peer.wait('info')).data);
    }),
    'Wyoming, transcribe': wyoming(async (peer) => {
      peer.send('transcribe', { language: 'en' });
      for (let i = 0; i < 10; i++) peer.sound(100, { rate: 48000, channels: 2 });
      peer.send('audio-stop');
      return (await peer.wait('transcript')).data;
    }),
    'Wyoming, synthesize': wyoming(async (peer) => {
      peer.send('synthesize', { text: 'Good morning, and a good day.', voice: { name: 'tone' } });
      return await soundOf(peer);
    }),
    'Wyoming, a text that is being written': wyoming(async (peer) => {
      peer.send('synthesize-start');
      for (const text of ['Good morning', ', and a good', ' day.']) peer.send('synthesize-chunk', { text });
      peer.send('synthesize-stop');
      return await soundOf(peer);
    }),
    'Wyoming, questions': wyoming(async (peer) => {
      const answers = [];
      for (const context of [undefined, { conversation_id: 'one', more: [1] }]) {
        peer.send('transcript', { text: QUESTION, context });
        answers.push((await peer.wait('handled')).data);
      }
      return answers;
    }),
    'WS /voice, hello': voice({}, (talk) => talk.ready.engines),
    'a typed turn': voice({}, typed),
    'a spoken turn': voice({}, spoken(frames(samples))),
    'a turn in Opus': voice({ format: 'opus', output: { format: 'opus' } }, spoken(packets)),
    'a turn in WebM': voice({ format: 'webm_opus' }, spoken(pieces)),
    'a turn that is interrupted by voice': voice({ mode: 'hands_free' }, interrupting(frames(samples))),
    'a turn over a cut': {
      async setup(t, s) {
        /** @type {{url: string, cut: () => void}} */
        const made = { url: '', cut: () => {} };
        made.url = await startRelay(t, s.url, () => Infinity, (cut) => (made.cut = cut));
        return made;
      },
      run: (_, __, made) =>
        talking(made, { resume: {} }, async (talk) => {
          talk.hurries = false; /* so that it is not over before the cut */
          talk.send({ type: 'text', text: QUESTION });
          await talk.wait((e) => e.type === 'token');
          const { resume: { id }, session_id } = talk.ready;
          made.cut();
          await talk.wait(() => false).catch((error) => assert.ok(error instanceof Refused, error));
          if (talk.events.some((e) => e.type === 'error')) throw new Refused('before the cut');
          const { seq } = talk.events.at(-1);
          return await talking(made, { session_id, resume: { id, seq, sound: talk.sounds } }, async (again) => {
            if (!again.ready.resume.resumed) throw new Refused('the call is lost');
            await again.answer(0);
            return answerOf([...talk.events, ...again.events.slice(1)]);
          });
        }),
    },
  };
}

/** @returns {Record<string, Flow>} */
export const modelFlows = () => ({
  'GET /healthz over TLS': get('/healthz'),
  'GET /app.js over TLS': { run: (s) => ask(s, 'GET /app.js'), shown: (a) => a.bytes.length },
  'a request without a key': { run: (s) => ask(s, 'GET /rag/documents', { status: 401 }), shown: (a) => a.json.error.code },
  'a key, when their file is new': {
    prepare({ data }) {
      copyFileSync(`${data}/keys`, `${data}/keys.new`);
      renameSync(`${data}/keys.new`, `${data}/keys`);
    },
    ...get('/rag/documents'),
  },
  'a key, a token, its session\'s end': {
    async run(s) {
      const { token } = await newSession(s);
      await ask(s, 'GET /rag/documents', holding(token));
      return await ask(s, 'DELETE /session', holding(token));
    },
    shown: (a) => a.status,
  },
  'POST /chat in a session': {
    async prepare(s) {
      const session = await newSession(s);
      await chat(s, { session_id: session.session_id, use_rag: false });
      return session;
    },
    run: (s, { session_id }) => chat(s, { session_id, use_rag: false }),
    shown: (events) => [answerOf(events), events.at(-1).usage],
    async check(s, events, { session_id }) {
      const tokens = (await chat(s, { session_id, use_rag: false })).at(-1).usage.prompt_tokens;
      if (events) assert.equal(tokens - events.at(-1).usage.prompt_tokens, s.turnTokens ??= tokens - events.at(-1).usage.prompt_tokens, 'a turn was forgotten');
      await ask(s, `DELETE /session/${session_id}`, bearer(s));
    },
  },
  'POST /chat with documents': { run: (s) => chat(s, {}), shown: (events) => answerOf(events) },
  'GET /v1/models': { run: (s) => ask(s, 'GET /v1/models', bearer(s)), shown: (a) => a.json },
  'POST /v1/chat/completions': {
    run: (s) => ask(s, 'POST /v1/chat/completions', { body: COMPLETION, ...bearer(s) }),
    shown: ({ json: { choices, usage } }) => ({ choices, usage }),
  },
  'POST /v1/chat/completions, a stream': {
    async run(s) {
      const { text } = await ask(s, 'POST /v1/chat/completions', { body: { ...COMPLETION, stream: true }, ...bearer(s) });
      const lines = text.split('\n').filter((/** @type {string} */ line) => line.startsWith('data: ')).map((/** @type {string} */ line) => line.slice(6));
      const last = lines.pop();
      if (last?.startsWith('{"error"')) throw new Refused(JSON.parse(last).error.code);
      assert.equal(last, '[DONE]', 'the stream ends before the answer');
      return lines.map((/** @type {string} */ line) => JSON.parse(line).choices[0].delta.content ?? '').join('');
    },
    shown: (answer) => answer,
  },
  'POST /v1/embeddings': {
    run: (s) => ask(s, 'POST /v1/embeddings', { body: { input: [LONG, QUESTION], encoding_format: 'base64' }, ...bearer(s) }),
    shown: (a) => a.json,
  },
  'POST /v1/embeddings, numbers of tokens': {
    run: (s) => ask(s, 'POST /v1/embeddings', { body: { input: [[1, 2, 3], [4]], dimensions: 5 }, ...bearer(s) }),
    shown: (a) => a.json,
  },
  'a typed turn over TLS': voice({}, typed),
});

/** POST /models/use to its end. @param {Server} s @param {string} name */
async function change(s, name) {
  const { text } = await ask(s, 'POST /models/use', { body: { name }, ...bearer(s) });
  const last = JSON.parse(/** @type {string} */ (text.trim().split('\n').at(-1)).slice('data: '.length));
  if (last.code) refuse(last, 'POST /models/use');
  if (!last.model) throw new Refused('closed');
  return last.model;
}
/** Once the change before, whose reader was lost, is over. @param {Server} s @param {string} name */
const changeInTime = (s, name) =>
  until(() => change(s, name).catch((error) => assert.match(error.message, /being changed to|still ending/)), `the change to ${name}`);

/** From quotes to a model `one`, and to another. @returns {Record<string, Flow>} */
export const changeFlows = () => ({
  'POST /models/use, a model': {
    prepare: (s) => changeInTime(s, 'quote'),
    run: (s) => change(s, 'one'),
    async check(s, answer) {
      const { driver, state } = (await ask(s, 'GET /readyz')).json.engines.llm;
      assert.ok(driver === 'llama' || (!answer && driver === 'quote'), `${driver} answers`);
      assert.equal(state, 'ready');
    },
  },
  'POST /models/use, quotes': {
    prepare: (s) => changeInTime(s, 'one'),
    run: (s) => change(s, 'quote'),
  },
});
