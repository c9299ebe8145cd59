// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Hostile JSON for every route, made from the route table itself (src/server/api/route.c): each address with the
 * methods that it has not, each body with every field of a wrong kind, too large, twice, missing, and with JSON
 * that is none. A route that is new must be described in BODIES or BARE. The answer must be the documented
 * error object with the status of its code (src/base/err.h), and the server must go on answering.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { startServer, untilReady } from '../lib/server.js';

const SCRIPTED = ['--stt-driver', 'scripted', '--llm-driver', 'scripted', '--tts-driver', 'scripted', '--embed-driver', 'scripted'];
const BODY_MAX = 300000;
const SOURCE = path.resolve(import.meta.dirname, '../../src');

/** @typedef {{type: 'string'|'integer'|'number'|'boolean', required?: boolean, min?: number, max?: number, oneOf?: string[], absent?: number, isName?: boolean}} Field */
/** What a route's body may hold, a body that it takes, and the largest one. `absent`: the status when a well-formed value names nothing. */
/** @type {Record<string, {fields: Record<string, Field>, good: Record<string, unknown>, most: number, mayBeEmpty?: boolean, takesUnknown?: boolean, refused?: number}>} */
const BODIES = {
  'POST /session': { fields: {}, good: {}, most: 1024, mayBeEmpty: true },
  'POST /session/refresh': { fields: {}, good: {}, most: 1024, mayBeEmpty: true, refused: 400 }, /* wants a session's token */
  'POST /chat': {
    fields: {
      message: { type: 'string', required: true, min: 1, max: 16384 },
      session_id: { type: 'string', absent: 404 },
      use_rag: { type: 'boolean' },
      stream: { type: 'boolean' },
      max_tokens: { type: 'integer', min: 1, max: 32768 },
    },
    good: { message: 'hello', stream: false },
    most: 128 * 1024,
  },
  'POST /tts': {
    fields: {
      text: { type: 'string', required: true, min: 1, max: 16384 },
      voice: { type: 'string', max: 64 },
      format: { type: 'string', oneOf: ['pcm', 'wav', 'opus'] },
      rate: { type: 'integer', min: 8000, max: 48000 },
      speed: { type: 'number', min: 0.25, max: 4 },
    },
    good: { text: 'hello' },
    most: 128 * 1024,
  },
  'POST /v1/chat/completions': {
    fields: {
      model: { type: 'string', max: 127 },
      stream: { type: 'boolean' },
      logprobs: { type: 'boolean' },
      max_tokens: { type: 'integer', min: 1, max: 32768 },
    },
    good: { messages: [{ role: 'user', content: 'hello' }] },
    most: 2 * 1024 * 1024,
    takesUnknown: true,
  },
  'POST /v1/embeddings': {
    fields: {
      model: { type: 'string', max: 127 },
      encoding_format: { type: 'string', oneOf: ['float', 'base64'] },
      dimensions: { type: 'integer', min: 1, max: 65536 },
    },
    good: { input: 'hello' },
    most: 2 * 1024 * 1024,
    takesUnknown: true,
  },
  'POST /v1/audio/speech': {
    fields: {
      input: { type: 'string', required: true, min: 1, max: 4 * 4096 },
      voice: { type: 'string', min: 1, max: 64 },
      response_format: { type: 'string', oneOf: ['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'] },
      stream_format: { type: 'string', oneOf: ['audio', 'sse'] },
      instructions: { type: 'string', max: 4 * 4096 },
      speed: { type: 'number', min: 0.25, max: 4 },
    },
    good: { input: 'hello' },
    most: 128 * 1024,
    takesUnknown: true,
  },
  'POST /rag/ingest': {
    fields: { text: { type: 'string', required: true }, title: { type: 'string', required: true, min: 1, max: 200, isName: true } },
    good: { text: 'a', title: 'b' },
    most: BODY_MAX,
  },
  'POST /rag/query': {
    fields: {
      query: { type: 'string', required: true, min: 1, max: 16384 },
      k: { type: 'integer', min: 1, max: 50 },
      answer: { type: 'boolean' },
    },
    good: { query: 'hello' },
    most: 64 * 1024,
  },
  'POST /models/pull': {
    fields: {
      sha256: { type: 'string', min: 64, max: 64 },
      kind: { type: 'string', oneOf: ['llm', 'stt', 'tts', 'embed', 'vad'] },
      as: { type: 'string', min: 1, max: 64 },
    },
    good: { source: 'hf:a/b:c.gguf' }, /* which nobody gives */
    most: 8 * 1024,
  },
  'POST /models/cancel': { fields: { name: { type: 'string', required: true, absent: 404 } }, good: { name: 'x' }, most: 8 * 1024, refused: 404 },
  'POST /models/use': { fields: { name: { type: 'string', required: true, min: 1, max: 4096 } }, good: { name: 'x' }, most: 16 * 1024, refused: 409 }, /* the scripted model stays */
};
BODIES['POST /synthesize'] = BODIES['POST /tts'];
/** Routes whose body, if any, is no JSON. */
const BARE = new Set(['POST /stt', 'POST /v1/audio/transcriptions', 'POST /v1/audio/translations', 'DELETE /session', 'DELETE /session/*', 'DELETE /sessions', 'DELETE /rag/documents/*', 'DELETE /models/*']);

/** @typedef {{name: string, body: string|Buffer, status: number, code: string, param?: string|null}} Case */

const INVALID = { status: 400, code: 'invalid_value' };
const MALFORMED = { status: 400, code: 'malformed', param: null };
const BAD_TEXT = { status: 400, code: 'invalid_utf8', param: null };
const TOO_LARGE = { status: 413, code: 'too_large', param: null };

/** @param {number[]} bytes */
const bytes = (...bytes) => Buffer.from(bytes);

/** Texts that are no JSON, whatever the route. @type {[string, string|Buffer, object][]} */
const NO_JSON = [
  ['a brace', '{', MALFORMED],
  ['a word', 'hello', MALFORMED],
  ['a form', 'message=hello&text=hello', MALFORMED],
  ['two objects', '{}{}', MALFORMED],
  ['bytes behind', '{} x', MALFORMED],
  ['a NUL behind', '{}\0', MALFORMED],
  ['a NUL within', '{\0}', MALFORMED],
  ['a NUL in a string', '{"a":"\0"}', MALFORMED],
  ['a line end in a string', '{"a":"\n"}', MALFORMED],
  ['a byte order mark', '\ufeff{}', MALFORMED],
  ['UTF-16', Buffer.from('{}', 'utf16le'), MALFORMED],
  ['a comma behind the last', '{"a":1,}', MALFORMED],
  ['a comma before the first', '{,"a":1}', MALFORMED],
  ['no comma', '{"a":1 "b":2}', MALFORMED],
  ['no colon', '{"a" 1}', MALFORMED],
  ['no value', '{"a":}', MALFORMED],
  ['a key without quotes', '{a:1}', MALFORMED],
  ['single quotes', "{'a':1}", MALFORMED],
  ['a number for a key', '{1:1}', MALFORMED],
  ['a comment', '{/* */}', MALFORMED],
  ['NaN', '{"a":NaN}', MALFORMED],
  ['Infinity', '{"a":Infinity}', MALFORMED],
  ['minus Infinity', '{"a":-Infinity}', MALFORMED],
  ['a number that overflows', '{"a":1e999}', MALFORMED],
  ['a zero before', '{"a":01}', MALFORMED],
  ['a plus', '{"a":+1}', MALFORMED],
  ['hexadecimal', '{"a":0x1}', MALFORMED],
  ['a point behind', '{"a":1.}', MALFORMED],
  ['a point before', '{"a":.1}', MALFORMED],
  ['half an exponent', '{"a":1e}', MALFORMED],
  ['True', '{"a":True}', MALFORMED],
  ['undefined', '{"a":undefined}', MALFORMED],
  ['an unknown escape', '{"a":"\\x41"}', MALFORMED],
  ['half an escape', '{"a":"\\u00"}', MALFORMED],
  ['half a pair', '{"a":"\\ud800"}', MALFORMED],
  ['the other half', '{"a":"\\udc00"}', MALFORMED],
  ['a pair turned', '{"a":"\\udc00\\ud800"}', MALFORMED],
  ['half a pair in a key', '{"\\ud800":1}', MALFORMED],
  ['a string that does not end', '{"a":"b', MALFORMED],
  ['a byte that is no UTF-8', Buffer.concat([Buffer.from('{"a":"'), bytes(0xff), Buffer.from('"}')]), BAD_TEXT],
  ['an overlong slash', Buffer.concat([Buffer.from('{"a":"'), bytes(0xc0, 0xaf), Buffer.from('"}')]), BAD_TEXT],
  ['a surrogate as bytes', Buffer.concat([Buffer.from('{"a":"'), bytes(0xed, 0xa0, 0x80), Buffer.from('"}')]), BAD_TEXT],
  ['half a character', Buffer.concat([Buffer.from('{"a":"'), bytes(0xe2, 0x82), Buffer.from('"}')]), BAD_TEXT],
  ['bad bytes in a key', Buffer.concat([Buffer.from('{"'), bytes(0xff), Buffer.from('":1}')]), BAD_TEXT],
  ['an array', '[]', { ...INVALID, param: null }],
  ['a string', '"hello"', { ...INVALID, param: null }],
  ['a number', '5', { ...INVALID, param: null }],
  ['null', 'null', { ...INVALID, param: null }],
  ['true', 'true', { ...INVALID, param: null }],
  ['an array of objects', '[{}]', { ...INVALID, param: null }],
  ['33 deep', '{"a":'.repeat(33) + '1' + '}'.repeat(33), TOO_LARGE],
  ['300 arrays deep', `{"a":${'['.repeat(300)}${']'.repeat(300)}}`, TOO_LARGE],
  ['300 open arrays', '['.repeat(300), MALFORMED],
  ['a field twice, deep down', '{"a":[{"b":1,"b":2}]}', MALFORMED],
  ['a field twice, once by an escape', '{"a":1,"\\u0061":2}', MALFORMED],
];

/** What a field of this type is not. @type {Record<Field['type'], string[]>} */
const WRONG = {
  string: ['5', 'true', '[]', '["a"]', '{}', '{"a":"b"}', '1e5'],
  boolean: ['0', '1', '"true"', '"false"', '""', '[]', '[true]', '{}'],
  integer: ['"1"', '1.5', '1e2', '1.0', 'true', '[]', '[1]', '{}', '""', '9223372036854775808', '18446744073709551616', '1e300'],
  number: ['"1"', 'true', '[]', '[1]', '{}', '""'],
};

/** Values of the right type that are not allowed. @param {Field} field */
function* outside({ type, min, max, oneOf, isName }) {
  if (oneOf) yield* ['', ...oneOf.map((word) => word.toUpperCase()), oneOf.join('|'), oneOf[0] + '\0', ' ' + oneOf[0]].map((text) => JSON.stringify(text));
  if (isName) yield* ['"\\u0000"', '"a\\u0000b"', '"a\\u0000"']; /* else it would be another name, or none */
  if (type === 'string' && min) yield '""';
  if (type === 'string' && max) yield JSON.stringify('a'.repeat(max + 1));
  if (type === 'string' && max) yield JSON.stringify('\u20ac'.repeat(Math.floor(max / 3) + 1));
  if (type === 'integer') yield* [min ? min - 1 : -1, -1, 0, max ? max + 1 : -1, Number.MAX_SAFE_INTEGER].map(String).concat('-9223372036854775808', '9223372036854775807');
  if (type === 'number') yield* ['0', '-1', '1e-300', String((max ?? 0) + 0.001), '1e300', '18446744073709551616'];
}

/** All that may be wrong with a body. @param {string} route @returns {Generator<Case>} */
function* casesOf(route) {
  const { fields, good, most, mayBeEmpty, takesUnknown } = BODIES[route];
  for (const [name, body, want] of NO_JSON) yield /** @type {Case} */ ({ name, body, ...want });
  if (!mayBeEmpty) yield { name: 'nothing', body: '', ...MALFORMED };
  if (!mayBeEmpty) yield { name: 'blanks', body: ' \r\n\t', ...MALFORMED };
  yield { name: 'more than is taken', body: JSON.stringify({ ...good, a: 'a'.repeat(most) }), ...TOO_LARGE };
  if (most > 4096) yield { name: '257 fields', body: JSON.stringify(Object.fromEntries([...Array(257).keys()].map((i) => [`f${i}`, i]))), ...TOO_LARGE };
  const unknown = ['colour', '', 'Message', 'MESSAGE', '__proto__', 'constructor', 'admin', 'owner', '\u20ac', 'a.b', '"', '$ref'];
  for (const name of takesUnknown ? [] : unknown)
    yield { name: `unknown field ${name}`, body: `{${[JSON.stringify(good).slice(1, -1), `${JSON.stringify(name)}:1`].filter(Boolean).join()}}`, status: 400, code: 'unknown_field', param: name || null };
  if (!takesUnknown) yield { name: 'a long unknown field', body: JSON.stringify({ ...good, ['\u20ac'.repeat(100)]: 1 }), status: 400, code: 'unknown_field', param: '\u20ac'.repeat(20) };
  for (const [name, field] of Object.entries(fields)) {
    const others = Object.entries(good).filter(([other]) => other !== name).map(([other, value]) => `${JSON.stringify(other)}:${JSON.stringify(value)}`);
    /** @param {string[]} values */
    const body = (...values) => `{${[...values.map((value) => `"${name}":${value}`), ...others].join()}}`;
    for (const value of [...WRONG[field.type], ...outside(field)])
      yield { name: `${name}: ${value.slice(0, 30)}`, body: body(value), ...INVALID, param: name };
    yield { name: `${name} twice`, body: body(JSON.stringify(good[name] ?? null), 'null'), ...MALFORMED };
    yield { name: `${name} in an array`, body: `[${body()}]`, ...INVALID, param: null };
    if (field.required) yield { name: `${name} is missing`, body: body(), ...INVALID, param: name };
    if (field.required) yield { name: `${name} is null`, body: body('null'), ...INVALID, param: name };
    if (field.absent) for (const value of ['x', '00112233445566778899aabbccddeeff', '\0', '../x', '\u20ac', 'a'.repeat(5000)])
      yield { name: `${name} that is not there: ${value.slice(0, 30)}`, body: body(JSON.stringify(value)), status: field.absent, code: 'not_found', param: name };
  }
}

/** @param {string} file @param {RegExp} line */
async function readTable(file, line) {
  return [...(await readFile(path.join(SOURCE, file), 'utf8')).matchAll(line)].map((match) => match.slice(1));
}

const routes = (await readTable('server/api/route.c', /\{METHOD_(\w+),\s+"([^"]+)",\s+ACCESS_(\w+),/g)).map(([method, pattern]) => ({ method, pattern }));
const statuses = new Map((await readTable('base/err.h', /X\(\w+,\s+"(\w+)",\s+(\d+),/g)).map(([code, status]) => [code, Number(status)]));

/** @param {number} status */
function typeOf(status) {
  const types = new Map([[401, 'authentication_error'], [403, 'permission_error'], [429, 'rate_limit_error']]);
  return types.get(status) ?? (status < 500 ? 'invalid_request_error' : 'server_error');
}

const agent = new Agent({ keepAlive: true, maxSockets: 4 });

/** @param {{url: string}} server @param {string} method @param {string} where @param {string|Buffer} [body] @param {Record<string, string>} [headers] */
function ask(server, method, where, body, headers = {}) {
  return new Promise((/** @type {(answer: {status: number, headers: import('node:http').IncomingHttpHeaders, body: Buffer}) => void} */ resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const { hostname, port } = new URL(server.url);
    request({ hostname, port, path: where, method, agent, headers: { ...length, ...headers } }, async (answer) => {
      const pieces = [];
      for await (const piece of answer) pieces.push(piece);
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(pieces) });
    }).once('error', reject).end(body);
  });
}

/** The documented form of an error, in one line; "ok" of a success. @param {{status: number, body: Buffer}} answer */
function describe({ status, body }) {
  if (status < 400) return `${status}`;
  const { error, ...others } = JSON.parse(body.toString());
  assert.deepEqual([Object.keys(others), Object.keys(error).sort()], [[], ['code', 'message', 'param', 'type']]);
  assert.ok(typeof error.message === 'string' && error.message.length > 5);
  assert.equal(statuses.get(error.code), status, `${error.code} has another status`);
  assert.equal(error.type, typeOf(status));
  return `${status} ${error.code} ${error.param}`;
}

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** @param {{url: string}} server */
async function assertAlive(server) {
  assert.equal((await ask(server, 'GET', '/healthz')).status, 200);
}

test('hostile JSON for every route @tsan', async (t) => {
  const server = await startServer(t, { args: [...SCRIPTED, '--limit-turns', '100000', '--http-body', String(BODY_MAX), '--models-hub', 'http://127.0.0.1:1'] });
  t.after(() => agent.destroy());
  await untilReady(server);
  let count = 0;

  for (const route of routes.filter(({ method }) => method !== 'GET').map(({ method, pattern }) => `${method} ${pattern}`)) {
    assert.ok(BARE.has(route) || BODIES[route], `${route} is described neither in BODIES nor in BARE`);
    if (BARE.has(route)) continue;
    await t.test(route, async () => {
      const [method, where] = route.split(' ');
      const differences = [];
      for (const { name, body, status, code, param = null } of casesOf(route)) {
        const answer = await ask(server, method, where, body, JSON_TYPE);
        const got = describe(answer), want = `${status} ${code} ${param}`;
        if (got !== want) differences.push(`${name}: ${got}, want ${want}: ${answer.body.subarray(0, 200)}`);
        count++;
      }
      assert.deepEqual(differences, []);
      const { good, refused, fields } = BODIES[route];
      assert.equal(Math.floor((await ask(server, method, where, JSON.stringify(good), JSON_TYPE)).status / 100), refused ? 4 : 2);
      for (const name of Object.keys(fields).filter((name) => !fields[name].required)) {
        const answer = await ask(server, method, where, JSON.stringify({ ...good, [name]: null }), JSON_TYPE);
        assert.equal(answer.status, 200, `${name} may be null`);
      }
      await assertAlive(server);
    });
  }

  await t.test('methods that an address has not', async () => {
    for (const address of new Set(routes.map(({ pattern }) => pattern.replace('*', 'a'.repeat(32))))) {
      const has = routes.filter(({ pattern }) => path.matchesGlob(address, pattern)).map(({ method }) => method);
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY']) {
        if (has.includes(method) || (method === 'HEAD' && has.includes('GET'))) continue;
        const answer = await ask(server, method, address);
        assert.equal(answer.status, 405, `${method} ${address}`);
        if (method !== 'HEAD') assert.equal(describe(answer), '405 method_not_allowed null');
        assert.deepEqual(answer.headers.allow?.split(', ').sort(), has.sort());
        count++;
      }
    }
    await assertAlive(server);
  });

  await t.test('names that nothing has', async () => {
    const names = ['a', 'a'.repeat(31), 'a'.repeat(32), 'A'.repeat(32), 'a'.repeat(33), 'a'.repeat(5000), '%20', '%27%20OR%201=1', '%e2%82%ac', '*', '..%20', '-1', '%22', '%25s%25n', '%3f', '%23'];
    for (const { method, pattern } of routes.filter(({ pattern }) => pattern.endsWith('*')))
      for (const name of names) {
        assert.equal(describe(await ask(server, method, pattern.replace('*', name))), '404 not_found null', `${method} ${pattern} ${name}`);
        count++;
      }
    for (const where of ['/a', '/CHAT', '/chat/', '//chat', '/chat/x', '/session/', '/rag', '/rag/', '/rag/jobs/', '/rag/documents/', '/rag/documents/a/b', '/api/chat', '/index.html', '/.env', '/%20chat', '/chat%20']) {
      assert.equal(describe(await ask(server, 'POST', where, '{}', JSON_TYPE)), '404 not_found null', where);
      count++;
    }
    await assertAlive(server);
  });

  await t.test('queries of /rag/documents', async () => {
    const queries = ['limit=0', 'limit=-1', 'limit=10001', 'limit=', 'limit', 'limit=a', 'limit=1e2', 'limit=+5', 'limit=99999999999999999999', 'limit=1%30', 'after=', 'after=a', `after=${'a'.repeat(33)}`, 'page=2', '%6cimit=5', '=', 'limit=5&limit=x'];
    for (const query of queries) {
      assert.match(describe(await ask(server, 'GET', `/rag/documents?${query}`)), /^400 invalid_value (limit|after|null)$/, query);
      count++;
    }
    assert.equal(describe(await ask(server, 'GET', `/rag/documents?after=${'a'.repeat(32)}`)), '404 not_found null');
    await assertAlive(server);
  });

  await t.test('bodies that are not JSON', async () => {
    for (const route of routes.filter(({ method, pattern }) => BARE.has(`${method} ${pattern}`) && method === 'DELETE' && pattern !== '/session')) {
      const answer = await ask(server, route.method, route.pattern.replace('*', 'a'.repeat(32)), 'a'.repeat(100000));
      assert.equal(describe(answer), '413 too_large null', route.pattern);
      count++;
    }
    /** @type {[string|Buffer, string][]} */
    const recordings = [['', '400 invalid_value null'], ['{}', '415 unsupported_media null'], [JSON.stringify({ text: 'hello' }), '415 unsupported_media null'], ['\0', '415 unsupported_media null'], [Buffer.alloc(5000, 0xff), '415 unsupported_media null'], ['RIFF', '415 unsupported_media null'], ['OggS', '415 unsupported_media null'], [bytes(0x1a, 0x45, 0xdf, 0xa3), '415 unsupported_media null'], ['fLaC', '415 unsupported_media null'], ['ID3\x04', '415 unsupported_media null'], ['a'.repeat(BODY_MAX + 1), '413 too_large null']];
    for (const [body, want] of recordings) {
      assert.equal(describe(await ask(server, 'POST', '/stt', body)), want, `${String(body).slice(0, 20)}`);
      count++;
    }
    await assertAlive(server);
  });

  await t.test('types of content', async () => {
    const ingest = JSON.stringify(BODIES['POST /rag/ingest'].good);
    for (const type of ['', 'text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'json', 'APPLICATION', 'application/octet-stream', 'text/json', 'multipart']) {
      assert.equal(describe(await ask(server, 'POST', '/rag/ingest', ingest, { 'Content-Type': type })), '415 unsupported_media null', type);
      count++;
    }
    for (const type of ['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/form-data; boundary=""', `multipart/form-data; boundary=${'a'.repeat(71)}`, 'multipart/form-data; boundary=a b', 'multipart/mixed; boundary=a']) {
      for (const where of ['/rag/ingest', '/stt', '/v1/audio/transcriptions', '/v1/audio/translations'])
        assert.match(describe(await ask(server, 'POST', where, ingest, { 'Content-Type': type })), /^4(00|15) \w+ null$/, `${where} ${type}`);
      count += 4;
    }
    await assertAlive(server);
  });
  assert.ok(count >= 150, `only ${count} cases`);
  t.diagnostic(`${count} cases`);
});
