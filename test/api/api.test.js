// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Every endpoint as a client meets it: answers, shapes, owners, keys. Built-in engines. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import test from 'node:test';
import { samplesOf, loudness, speak } from '../lib/speech.js';
import { startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { VoiceClient } from '../lib/voice.js';

/** @param {string} url @param {object} body @param {Record<string, string>} [headers] */
const post = (url, body, headers = {}) =>
  fetch(url, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } });

/** The events of a stream. @param {Response} answer @returns {Promise<any[]>} */
async function events(answer) {
  const text = await answer.text();
  return text.split('\n\n').filter((block) => block.startsWith('data: ')).map((block) => JSON.parse(block.slice(6)));
}

/** Waits for a job's end. @param {string} url @param {string} job */
const finished = (url, job) =>
  until(async () => {
    const state = await (await fetch(`${url}rag/jobs/${job}`)).json();
    return ['done', 'failed'].includes(state.state) && state;
  }, 'the job');

test('a typed turn', async (t) => {
  const { url } = await startServer(t);
  await untilReady({ url });
  let session = '';

  await t.test('as a stream: start, citations, tokens, end', async () => {
    const answer = await post(url + 'chat', { message: 'How do I add documents?', use_rag: true });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
    assert.equal(answer.headers.get('x-accel-buffering'), 'no');
    const all = await events(answer);
    assert.equal(all[0].type, 'start');
    assert.equal(all.at(-1).type, 'end');
    session = all[0].session_id;
    const citation = all.find((e) => e.type === 'citation');
    assert.equal(citation.source, 'documents.md');
    assert.ok(citation.doc_id && citation.text.length > 20 && citation.index === 1);
    const spoken = all.filter((e) => e.type === 'token').map((e) => e.content).join('');
    assert.ok(spoken.length > 30);
    const { stages, first_token_ms, first_audio_ms } = all.at(-1).timings;
    assert.deepEqual(stages.map((/** @type {any} */ s) => s.name), ['retrieve', 'answer', 'generate']);
    assert.ok(first_token_ms >= 0 && first_audio_ms === null);
  });

  await t.test('as one object, in the same session', async () => {
    const answer = await post(url + 'chat', { message: 'Which voices are there?', use_rag: true, stream: false, session_id: session });
    const body = await answer.json();
    assert.equal(answer.status, 200);
    assert.equal(body.citations[0].source, 'voices.md');
    assert.ok(body.response.length > 20 && body.usage.completion_tokens > 3);
  });

  await t.test('says so when nothing fits, and cites nothing', async () => {
    const body = await (await post(url + 'chat', { message: 'Who won the football match yesterday?', use_rag: true, stream: false })).json();
    assert.match(body.response, /nothing about that/);
    assert.deepEqual(body.citations, []);
  });
});

test('documents: added, found, replaced, deleted', async (t) => {
  const { url } = await startServer(t);
  await untilReady({ url });
  const form = new FormData();
  form.append('file', new Blob(['# Gizmo\n\nThe gizmo of Zanzibar weighs exactly seventeen kilograms.\n']), 'gizmo "x"/../é.md');
  form.append('file', new Blob(['<html><title>Web</title><body><script>evil()</script><p>Marmalade needs oranges.</p></body>']), 'page.html');
  const accepted = await fetch(url + 'rag/ingest', { method: 'POST', body: form });
  assert.equal(accepted.status, 202);
  const job = await finished(url, (await accepted.json()).job);
  assert.deepEqual({ state: job.state, documents: job.documents, failed: job.failed }, { state: 'done', documents: 2, failed: 0 });

  const query = async (/** @type {string} */ text) => (await post(url + 'rag/query', { query: text, answer: true })).json();
  const found = await query('How heavy is the gizmo?');
  assert.match(found.hits[0].text, /seventeen kilograms/);
  assert.match(found.answer, /seventeen/);
  const marmalade = await query('What does marmalade need?');
  assert.match(marmalade.hits[0].text, /oranges/);
  assert.ok(!JSON.stringify(marmalade).includes('evil'));

  await t.test('the same again is skipped', async () => {
    const again = new FormData();
    again.append('file', new Blob(['<html><title>Web</title><body><script>evil()</script><p>Marmalade needs oranges.</p></body>']), 'page.html');
    const { job } = await (await fetch(url + 'rag/ingest', { method: 'POST', body: again })).json();
    assert.equal((await finished(url, job)).skipped, 1);
  });

  await t.test('a new version replaces the old one', async () => {
    const { job } = await (await post(url + 'rag/ingest', { title: 'page.html', text: 'Marmalade needs lemons now.' })).json();
    await finished(url, job);
    const { hits } = await query('What does marmalade need?');
    assert.match(hits[0].text, /lemons/);
    assert.ok(!hits.some((/** @type {any} */ h) => /oranges/.test(h.text)));
  });

  await t.test('a name is whole or refused', async () => {
    const send = (/** @type {string} */ name) => {
      const form = new FormData();
      form.append('file', new Blob(['The otter swims.']), name);
      return fetch(url + 'rag/ingest', { method: 'POST', body: form });
    };
    const long = `${'long/'.repeat(100)}otter.md`;
    await finished(url, (await (await send(long)).json()).job);
    assert.equal((await query('What does the otter do?')).hits[0].source, long);
    const refused = await send(`${'x'.repeat(2100)}.md`);
    assert.equal(refused.status, 400);
    assert.match((await refused.json()).error.message, /a file's name is longer than 2048 bytes/);
  });

  await t.test('progress as a stream ends with the job', async () => {
    const { job } = await (await post(url + 'rag/ingest', { title: 'a', text: 'Alpha beta.' })).json();
    const all = await events(await fetch(`${url}rag/jobs/${job}`, { headers: { Accept: 'text/event-stream' } }));
    assert.equal(all.at(-1).state, 'done');
  });

  await t.test('the list of documents comes in parts', async () => {
    const part = async (/** @type {string} */ query) => (await fetch(`${url}rag/documents${query}`)).json();
    const ids = (/** @type {any} */ list) => list.documents.map((/** @type {any} */ d) => d.doc_id);
    const all = await part('');
    assert.equal(all.next, null);
    const seen = [];
    let pages = 0;
    for (let next = '/rag/documents?limit=5', now; next !== null; next = now.next, pages++) {
      now = await (await fetch(new URL(next, url))).json();
      assert.ok(now.documents.length <= 5);
      seen.push(...ids(now));
    }
    assert.deepEqual(seen, ids(all));
    assert.equal(pages, Math.ceil(seen.length / 5));
    for (const [query, param] of [['?limit=0', 'limit'], ['?limit=10001', 'limit'], ['?limit=x', 'limit'], ['?after=1', 'after'], ['?page=2', null]]) {
      const refused = await fetch(`${url}rag/documents${query}`);
      assert.equal(refused.status, 400, String(query));
      assert.equal((await refused.json()).error.param, param);
    }
    assert.equal((await fetch(`${url}rag/documents?after=${'0'.repeat(32)}`)).status, 404);
  });

  await t.test('deleted is gone; the manual stays', async () => {
    const { documents } = await (await fetch(url + 'rag/documents')).json();
    const own = documents.filter((/** @type {any} */ d) => !d.shared);
    const manual = documents.find((/** @type {any} */ d) => d.shared);
    assert.equal(own.length, 4);
    for (const d of own) assert.equal((await fetch(`${url}rag/documents/${d.doc_id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await fetch(`${url}rag/documents/${own[0].doc_id}`, { method: 'DELETE' })).status, 404);
    assert.equal((await fetch(`${url}rag/documents/${manual.doc_id}`, { method: 'DELETE' })).status, 404);
    const { hits } = await query('How heavy is the gizmo?');
    assert.ok(!hits.some((/** @type {any} */ h) => /seventeen/.test(h.text)));
  });

  await t.test('what cannot be read is refused before it is stored', async () => {
    const form = new FormData();
    form.append('file', new Blob(['MZ']), 'setup.exe');
    const answer = await fetch(url + 'rag/ingest', { method: 'POST', body: form });
    assert.equal(answer.status, 415);
    assert.match((await answer.json()).error.message, /setup\.exe.*Markdown/);
  });
});

test('sound: spoken, and heard again', async (t) => {
  const { url } = await startServer(t);
  const folder = await temporaryFolder(t);
  await untilReady({ url });

  await t.test('/tts gives PCM, 22,050 Hz', async () => {
    const answer = await post(url + 'tts', { text: 'Good morning. This is a test of the voice.' });
    const bytes = await answer.arrayBuffer();
    const samples = new Int16Array(bytes);
    assert.equal(answer.headers.get('content-type'), 'audio/pcm');
    assert.ok(samples.length > 22050 && samples.length < 5 * 22050);
    assert.ok(loudness(samples) > 0.02);
  });

  await t.test('/synthesize gives WAV at the asked rate, which /stt understands', async () => {
    const wav = await (await post(url + 'synthesize', { text: 'I found nothing about that in the documents.', format: 'wav', rate: 16000 })).arrayBuffer();
    const heard = await (await fetch(url + 'stt', { method: 'POST', body: wav, headers: { 'Content-Type': 'audio/wav' } })).json();
    assert.match(heard.text, /found nothing .*documents/);
    assert.ok(heard.duration > 1 && heard.duration < 6);
  });

  await t.test('/stt takes a form too', async () => {
    const file = speak(folder, 'the weather is nice today');
    const form = new FormData();
    form.append('file', new Blob([readFileSync(file)]), 'a.wav');
    const heard = await (await fetch(url + 'stt', { method: 'POST', body: form })).json();
    assert.match(heard.text, /weather is nice today/);
    assert.ok(Math.abs(heard.duration - samplesOf(file).length / 16000) < 0.1);
  });

  await t.test('what is no recording is told so', async () => {
    for (const body of ['hello', 'RIFF\0\0\0\0WAVEfmt ', '']) {
      const answer = await fetch(url + 'stt', { method: 'POST', body });
      assert.ok([400, 415].includes(answer.status), String(answer.status));
      assert.ok((await answer.json()).error.message.length > 10);
    }
  });

  await t.test('an unknown voice is named, with those that exist', async () => {
    const answer = await post(url + 'tts', { text: 'hello', voice: 'nobody' });
    assert.equal(answer.status, 404);
    assert.match((await answer.json()).error.message, /slt/);
  });
});

test('keys, tokens and owners', async (t) => {
  const key = 'a-key-of-the-operator-0123456789';
  const { url } = await startServer(t, { env: { REPARTEE_AUTH_KEY: key } });
  const withKey = { Authorization: `Bearer ${key}` };
  await until(async () => (await fetch(url + 'readyz')).ok, 'readiness');

  assert.equal((await post(url + 'chat', { message: 'a' })).status, 401);
  assert.equal((await post(url + 'session', {})).status, 401);
  assert.equal((await post(url + 'session', {}, { Authorization: 'Bearer wrong' })).status, 401);
  assert.equal((await fetch(url + 'metrics')).status, 401);
  assert.deepEqual(Object.keys(await (await fetch(url + 'readyz')).json()), ['status']);
  assert.match(await (await fetch(url + 'metrics', { headers: withKey })).text(), /^repartee_turns_total 0$/m);

  const session = await (await post(url + 'session', {}, withKey)).json();
  const withToken = { Authorization: `Bearer ${session.token}` };
  assert.ok(session.expires_at > Date.now() / 1000 + 800);
  assert.equal((await post(url + 'chat', { message: 'a', stream: false }, withToken)).status, 200);
  assert.equal((await fetch(url + 'metrics', { headers: withToken })).status, 403);
  const without = await post(url + 'session/refresh', {}, withKey);
  assert.equal(without.status, 400);
  assert.match((await without.json()).error.message, /send the session's token/);
  const fresh = await (await post(url + 'session/refresh', {}, withToken)).json();
  assert.equal(fresh.session_id, session.session_id);
  assert.notEqual(fresh.token, session.token);
});

test('who asks too often waits', async (t) => {
  const { url } = await startServer(t, { args: ['--limit-turns', '3'] });
  await untilReady({ url });
  const statuses = [];
  for (let i = 0; i < 5; i++) statuses.push((await post(url + 'chat', { message: 'a', stream: false })).status);
  assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
  assert.ok(Number((await post(url + 'chat', { message: 'a' })).headers.get('retry-after')) >= 1);
});

test('whatever costs something is counted, and refused with a time to wait', async (t) => {
  const { url } = await startServer(t, { args: ['--limit-turns', '1'] });
  await untilReady({ url });
  assert.equal((await post(url + 'tts', { text: 'One.' })).status, 200);
  const wav = { method: 'POST', headers: { 'Content-Type': 'audio/wav' }, body: new Uint8Array(100) };
  const upload = (/** @type {string} */ what) => {
    const form = new FormData();
    form.append('file', new Blob([wav.body]));
    return fetch(`${url}v1/audio/${what}`, { method: 'POST', body: form });
  };
  const refused = [await post(url + 'chat', { message: 'a' }), await post(url + 'tts', { text: 'Two.' }), await post(url + 'rag/query', { query: 'a' }), await fetch(url + 'stt', wav), await post(url + 'v1/audio/speech', { input: 'Two.' }), await upload('transcriptions'), await upload('translations')];
  for (const answer of refused) {
    assert.equal(answer.status, 429, answer.url);
    const wait_s = Number(answer.headers.get('retry-after'));
    assert.ok(wait_s > 30 && wait_s <= 60, `${answer.url}: ${wait_s}`);
  }
  const voice = await VoiceClient.open(url);
  voice.send({ type: 'text', text: 'a' });
  assert.match((await voice.wait((e) => e.type === 'error', 'a refusal')).error.message, /try again in \d\d seconds/);
  voice.close();
});

test('visitors do not use up what others may ask', async (t) => {
  const { url } = await startServer(t, { args: ['--limit-turns', '4', '--session-public', '--auth-key', 'a-key-that-visitors-lack'] });
  await until(async () => (await fetch(url + 'readyz')).ok, 'readiness');
  const from = (/** @type {string} */ localAddress, /** @type {string} */ what, /** @type {object} */ body, token = '') =>
    new Promise((/** @type {(answer: {status?: number, body: string}) => void} */ resolve, reject) => {
      const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
      const sent = request(url + what, { method: 'POST', localAddress, headers }, async (answer) => {
        let text = '';
        for await (const piece of answer) text += piece;
        resolve({ status: answer.statusCode, body: text });
      });
      sent.once('error', reject).end(JSON.stringify(body));
    });
  const token = async (/** @type {string} */ address) => JSON.parse((await from(address, 'session', {})).body).token;
  const [first, second] = [await token('127.0.0.2'), await token('127.0.0.3')];
  const ask = async (/** @type {string} */ address, /** @type {string} */ by) => (await from(address, 'chat', { message: 'a', stream: false }, by)).status;
  assert.deepEqual([await ask('127.0.0.2', first), await ask('127.0.0.2', first), await ask('127.0.0.2', first), await ask('127.0.0.2', first)], [200, 200, 200, 429]);
  assert.equal((await from('127.0.0.2', 'session', {})).status, 429, 'nor does a new session help');
  assert.equal(await ask('127.0.0.3', second), 200);
});

test('the page is served with a strict policy, and again as 304', async (t) => {
  const { url } = await startServer(t);
  const page = await fetch(url);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  const again = await fetch(url, { headers: { 'If-None-Match': page.headers.get('etag') ?? '' } });
  assert.equal(again.status, 304);
  for (const asset of (await page.text()).matchAll(/(?:src|href)="\/([^"]+)"/g))
    assert.equal((await fetch(url + asset[1])).status, 200, asset[1]);
});
