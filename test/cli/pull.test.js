// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Models are pulled from a hub that misbehaves: in the end there is the file that was meant, or a sentence. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { repartee, start } from '../lib/cli.js';
import { COMMIT, answer, begin, sha256, someBytes, startHub, stated, whole } from '../lib/hub.js';
import { inLock, installed, onSmallDisk, pull } from '../lib/pull.js';
import { times } from '../lib/scale.js';
import { BUILD, environment, temporaryFolder, until } from '../lib/server.js';
import { terminal } from '../lib/terminal.js';
import { makeCertificate } from '../lib/tls.js';

const ZEROS = Buffer.alloc(1 << 20);
const RIGHT = someBytes(300000), OTHER = someBytes(300000, 7), HALF = 150000;
const AT_ONCE = 6;
/* Rows whose hub falls silent: the others have all the time that a busy machine takes. */
const SILENT = ['stall', 'silent'];
const QUIET = ['--stt-driver', 'scripted', '--tts-driver', 'scripted'];

/** @typedef {import('../lib/hub.js').Behaviour} Behaviour */
/** Nothing is seen that is not whole. @param {string} data @param {Buffer} bytes @param {string} name */
function assertWhole(data, bytes, name) {
  assert.deepEqual(installed(data), [`llm/${name}.gguf`]);
  const [entry] = inLock(data);
  assert.deepEqual([entry.name, entry.kind, entry.file, entry.size, entry.sha256, entry.revision, entry.source],
    [name, 'llm', `llm/${name}.gguf`, bytes.length, sha256(bytes), COMMIT, `hf:test/${name}:${name}.gguf`]);
  assert.ok(readFileSync(path.join(data, 'models', entry.file)).equals(bytes));
  assert.deepEqual(readdirSync(path.join(data, 'models/.part')), []);
}

/** @param {Buffer} bytes @param {string} [etag] @returns {Behaviour} */
const cutOnce = (bytes, etag) => (socket, request, attempt) => {
  const rest = begin(socket, request, bytes, etag);
  if (attempt > 1) socket.end(rest);
  else socket.write(rest.subarray(0, HALF), () => socket.end());
};
/** @param {string} location @returns {Behaviour} */
const sendTo = (location) => (socket, _request, _attempt, hub) =>
  answer(socket, 302, { ...stated(RIGHT), Location: location.replace('HUB', hub.url.slice(7)).replace('ELSEWHERE', hub.elsewhere) });

/** Name, what the hub and the other place do, and what comes of it: the file, or a sentence. @type {[string, {hub?: Behaviour, file?: Behaviour}, RegExp?, ((hub: any) => void)?][]} */
const ROWS = [
  ['plain', {}],
  ['at-the-hub', { hub: (socket) => answer(socket, 200, stated(RIGHT), RIGHT) }],
  ['relative', { hub: (socket, request, attempt) => (attempt > 1 ? answer(socket, 200, stated(RIGHT), RIGHT) : answer(socket, 307, { Location: '/test/relative/elsewhere' })) }],
  ['cut', { file: cutOnce(RIGHT) }, undefined, (hub) => assert.equal(hub.requests['file cut'][1].range, HALF)],
  ['stall', { file: (socket, request, attempt) => { const rest = begin(socket, request, RIGHT, '"a"'); if (attempt > 1) socket.end(rest); else socket.write(rest.subarray(0, HALF)); } },
    undefined, (hub) => assert.deepEqual([hub.requests['file stall'][1].range, hub.requests['file stall'][1].ifRange], [HALF, '"a"'])],
  ['silent', { file: () => {} }, /broke \(nothing came any more\); try again, what has come is kept/],
  ['no-ranges', { file: (socket, request, attempt) => (attempt > 1 ? answer(socket, 200, {}, RIGHT) : cutOnce(RIGHT)(socket, request, attempt, /** @type {any} */ (null))) }],
  ['changed', { file: (socket, request, attempt, hub) => (attempt > 1 ? whole(RIGHT, '"b"') : cutOnce(OTHER, '"a"'))(socket, request, attempt, hub) }],
  ['swapped', { file: (socket, request, attempt, hub) => (attempt > 1 ? whole(RIGHT) : cutOnce(OTHER))(socket, request, attempt, hub) }, undefined,
    (hub) => assert.deepEqual(hub.requests['file swapped'].map((/** @type {any} */ r) => r.range), [0, HALF, 0])],
  ['wrong', { file: whole(OTHER) }, /localhost sent is not the file that was meant: its SHA-256 is not [0-9a-f]{64}; it was thrown away/],
  ['short', { file: whole(RIGHT.subarray(0, HALF)) }, /would send 150000 bytes in the place of 300000/],
  ['long', { file: (socket) => { socket.write('HTTP/1.1 200 X\r\nConnection: close\r\n\r\n'); socket.end(Buffer.concat([RIGHT, RIGHT])); } }, /sends more than the 300000 bytes/],
  ['without-length', { file: (socket) => { socket.write('HTTP/1.1 200 X\r\nConnection: close\r\n\r\n'); socket.end(RIGHT); } }],
  ['another-part', { file: (socket, request, attempt) => { if (attempt === 2) answer(socket, 206, { 'Content-Range': `bytes 0-${HALF - 1}/300000` }, RIGHT.subarray(0, HALF)); else cutOnce(RIGHT)(socket, request, attempt, /** @type {any} */ (null)); } }],
  ['no-such-range', { file: (socket, request, attempt) => { if (attempt === 2) answer(socket, 416); else cutOnce(RIGHT)(socket, request, attempt, /** @type {any} */ (null)); } }],
  ['always-416', { file: (socket) => answer(socket, 416) }, /refuses the file \(HTTP 416\)/],
  ['kept-from-all', { hub: (socket) => answer(socket, 401) }, /HTTP 401.*agree to its licence at http:\/\/127\.0\.0\.1:\d+\/test\/kept-from-all, make a token there and put it into HF_TOKEN/],
  ['gated', { hub: (socket) => answer(socket, 403) }, /HTTP 403.*HF_TOKEN/],
  ['missing', { hub: (socket) => answer(socket, 404) }, /there is no such file at 127\.0\.0\.1 \(HTTP 404\); check its name/],
  ['expired', { file: (socket) => answer(socket, 403) }, /localhost does not give this file to you \(HTTP 403\)/],
  ['busy', { hub: (socket, _request, attempt) => (attempt === 1 ? answer(socket, 429, { 'Retry-After': 0 }) : answer(socket, 200, stated(RIGHT), RIGHT)) }],
  ['too-busy', { hub: (socket) => answer(socket, 429, { 'Retry-After': 3600 }) }, /is asked too much \(HTTP 429\); try again in 3600 s/],
  ['failing-once', { file: (socket, request, attempt, hub) => (attempt === 1 ? answer(socket, 503, { 'Retry-After': 0 }) : whole(RIGHT)(socket, request, attempt, hub)) }],
  ['failing', { file: (socket) => answer(socket, 500, { 'Retry-After': 0 }) }, /localhost has failed \(HTTP 500\); try again later/, (hub) => assert.equal(hub.requests['file failing'].length, 4)],
  ['empty', { hub: (socket) => answer(socket, 200, stated(Buffer.alloc(0))) }, /127\.0\.0\.1 sent an empty file, which is no model/],
  ['no-http', { file: (socket) => socket.end('220 smtp ready\r\n') }, /the connection to localhost broke/],
  ['no-answer', { hub: (socket) => socket.destroy() }, /the connection to 127\.0\.0\.1 broke/],
  ['round-and-round', { file: sendTo('http://ELSEWHERE/files/round-and-round') }, /redirects on and on/, (hub) => assert.equal(hub.requests['file round-and-round'].length, 3)],
  ['to-nowhere', { hub: (socket) => answer(socket, 302, stated(RIGHT)) }, /redirects to no address/],
  ['to-a-file', { hub: sendTo('file:///etc/passwd') }, /a redirect leads to no address of the web/],
  ['to-a-name', { hub: sendTo('http://user:secret@ELSEWHERE/files/plain') }, /a redirect leads to no address of the web/],
  ['in-plain', { hub: sendTo('http://127.0.0.2:9/files/plain') }, /127\.0\.0\.2 would be asked without encryption/],
  ['to-another-port', { hub: sendTo('https://127.0.0.2:9/files/plain') }, /a redirect leads to port 9 of 127\.0\.0\.2; if it is a machine of your own, name it in fetch\.allow/],
  ['inside', { hub: sendTo('https://127.0.0.2/files/plain') }, /127\.0\.0\.2 has no public address; if it is a machine of your own, name it in fetch\.allow/],
  ['metadata', { hub: sendTo('https://169.254.169.254/latest') }, /169\.254\.169\.254 has no public address/],
  ['mapped', { hub: sendTo('https://[::ffff:10.0.0.1]/x') }, /has no public address/],
  ['says-nothing', { hub: (socket) => answer(socket, 200, {}, RIGHT) }, /does not state the file's SHA-256; write it behind the source/],
  ['says-nonsense', { hub: (socket) => answer(socket, 200, { 'X-Linked-Etag': '"../../x"', 'X-Linked-Size': '-5' }, RIGHT) }, /does not state the file's SHA-256/],
];

test('whatever the hub does, there is the right file or a sentence, and a second try ends well', async (t) => {
  const table = Object.fromEntries(ROWS.map(([name, row]) => [name, { bytes: RIGHT, ...row }]));
  const hub = await startHub(t, table);
  /** @param {typeof ROWS[number]} row */
  const tryRow = async ([name, , sentence, look]) => {
    const data = await temporaryFolder(t), words = [`hf:test/${name}:${name}.gguf`];
    const { code, out, err } = await pull(data, hub, words, {}, SILENT.includes(name) ? 700 : undefined);
    assert.equal(code, sentence ? 1 : 0, `${name}: ${err}`);
    look?.(hub);
    if (sentence) {
      assert.match(err, sentence, name);
      assert.deepEqual([out, installed(data), inLock(data)], ['', [], []], name);
      table[name] = { bytes: RIGHT };
      const again = await pull(data, hub, words);
      assert.equal(again.code, 0, `${name}: ${again.err}`);
    } else {
      assert.match(out, new RegExp(`^${name} is installed \\(llm, 0\\.3 MB\\)\\. Use it with --llm-model ${name}\\n$`));
    }
    assertWhole(data, RIGHT, name);
  };
  for (let i = 0; i < ROWS.length; i += AT_ONCE) await Promise.all(ROWS.slice(i, i + AT_ONCE).map(tryRow));
});

test('the token goes to the hub and to nobody else', async (t) => {
  const hub = await startHub(t, { gated: { bytes: RIGHT, hub: (socket, request, attempt, self) => (request.token ? sendTo('http://ELSEWHERE/files/gated')(socket, request, attempt, self) : answer(socket, 401)) }, 'hub.invalid': { hub: (socket) => answer(socket, 401) } });
  const data = await temporaryFolder(t);
  const { code, err } = await pull(data, hub, ['hf:test/gated:gated.gguf'], { HF_TOKEN: 'hf_secret' });
  assert.equal(code, 0, err);
  assert.deepEqual(hub.requests['hub gated'].map((r) => r.token), ['Bearer hf_secret']);
  assert.deepEqual(hub.requests['file gated'].map((r) => r.token), ['']);
  assert.ok(!err.includes('hf_secret'));
  const aloud = await repartee(['pull', 'hf:test/other:other.gguf', '--data', data, '--models-hub', 'http://hub.invalid'], { env: { HF_TOKEN: 'hf_secret', http_proxy: hub.url } });
  assert.match(aloud.err, /the token was not sent, because http:\/\/hub\.invalid is asked without encryption/);
  assert.equal(hub.requests['hub hub.invalid'][0].token, '');
});

test('by https whose certificate is good, else not', async (t) => {
  const folder = await temporaryFolder(t), own = process.getuid?.() === 0 ? ['-m'] : ['-rm'];
  const issuer = makeCertificate(folder, 'issuer'), hub = await startHub(t, { plain: { bytes: RIGHT } }, makeCertificate(folder, 'hub', { issuer }));
  const data = await temporaryFolder(t), refused = await pull(data, hub, ['hf:test/plain:plain.gguf']);
  assert.match(refused.err, /the connection to 127\.0\.0\.1 broke \(.*certificate.*\); try again/);
  const trusted = `mount --bind ${issuer.cert} /etc/ssl/certs/ca-certificates.crt`;
  if (spawnSync('unshare', [...own, 'sh', '-c', trusted]).status !== 0) return t.skip('no file can be mounted here');
  const within = ['unshare', ...own, 'sh', '-c', `${trusted} && exec "$@"`, 'sh'];
  const { code, err } = await repartee(['pull', 'hf:test/plain:plain.gguf', '--data', data, '--models-hub', hub.url, '--fetch-allow', hub.elsewhere], { within, env: { HF_TOKEN: 'hf_secret' } });
  assert.equal(code, 0, err);
  assert.deepEqual([hub.requests['hub plain'][0].token, hub.requests['file plain'][0].token], ['Bearer hf_secret', '']);
  assertWhole(data, RIGHT, 'plain');
});

test('a proxy of the environment is asked, and judges where it may lead', async (t) => {
  const hub = await startHub(t, {});
  const data = await temporaryFolder(t), sum = `sha256:${sha256(RIGHT)}`, env = { http_proxy: hub.url, HTTPS_PROXY: hub.url, no_proxy: '' };
  for (const words of [['http://files.invalid/a.gguf', sum, '--fetch-allow', 'files.invalid'], ['https://files.invalid/a.gguf', sum]])
    assert.equal((await repartee(['pull', ...words, '--data', data], { env })).code, 1);
  assert.deepEqual(hub.heads, ['GET http://files.invalid/a.gguf HTTP/1.1', 'CONNECT files.invalid:443 HTTP/1.1']);
  hub.heads.length = 0;
  const inside = await repartee(['pull', 'https://127.0.0.1:9/a.gguf', sum, '--data', data], { env });
  assert.match(inside.err, /has no public address/);
  assert.deepEqual(hub.heads, []);
});

test('an address needs its SHA-256, and fetch.allow where it is not public', async (t) => {
  const hub = await startHub(t, { plain: { bytes: RIGHT } });
  const data = await temporaryFolder(t), url = `http://${hub.elsewhere}/files/plain/model.gguf?download=true`;
  for (const [words, code, says] of /** @type {[string[], number, RegExp][]} */ ([
    [[url], 2, /an address needs the file's SHA-256/],
    [[url, 'sha256:abc'], 2, /64 hexadecimal digits/],
    [[url, `sha256:${sha256(OTHER)}`], 1, /is not the file that was meant/],
  ])) {
    const result = await pull(data, hub, words);
    assert.equal(result.code, code, result.err);
    assert.match(result.err, says);
  }
  const refused = await repartee(['pull', `${url}&signature=secret`, `sha256:${sha256(RIGHT)}`, '--data', data]);
  assert.match(refused.err, /would be asked without encryption/);
  assert.deepEqual(installed(data), []);
  const { code, err } = await pull(data, hub, [url, `sha256:${sha256(RIGHT)}`, '--as', 'mine', '--kind', 'embed']);
  assert.equal(code, 0, err);
  assert.deepEqual(installed(data), ['embed/mine.gguf']);
  assert.equal(inLock(data)[0].source, url.replace(/\?.*/, ''), 'a query may hold a signature');
});

test('several in one command know of each other', async (t) => {
  const hub = await startHub(t, { plain: { bytes: RIGHT }, other: { bytes: OTHER } });
  const data = await temporaryFolder(t), [plain, other] = ['plain', 'other'].map((name) => `hf:test/${name}:${name}.gguf`);
  const one = await pull(data, hub, ['--as', 'x', plain, other]);
  assert.deepEqual([one.code, hub.heads], [2, []], one.err);
  assert.match(one.err, /--as names one model; say which/);
  const twice = await pull(data, hub, [plain, plain]);
  assert.deepEqual([twice.code, hub.requests['file plain'].length], [0, 1], twice.err);
  assert.match(twice.err, /plain is there already/);
  const namesake = await pull(data, hub, ['--kind', 'llm', other, 'hf:test/plain:other.bin']);
  assert.match(namesake.err, /there is another model named other; remove it/);
  assert.deepEqual(installed(data).sort(), ['llm/other.gguf', 'llm/plain.gguf']);
});

test('a model that was cut off comes anew, and one that only the list does not know does not', async (t) => {
  const hub = await startHub(t, { plain: { bytes: RIGHT } });
  const data = await temporaryFolder(t), words = ['hf:test/plain:plain.gguf', `sha256:${sha256(RIGHT)}`];
  assert.equal((await pull(data, hub, words)).code, 0);
  truncateSync(path.join(data, 'models/llm/plain.gguf'), 1000);
  const again = await pull(data, hub, words);
  assert.equal(again.code, 0, again.err);
  assertWhole(data, RIGHT, 'plain');
  rmSync(path.join(data, 'models/models.lock'));
  hub.heads.length = 0;
  const known = await pull(data, hub, words);
  assert.deepEqual([known.code, hub.heads, inLock(data).length], [0, [], 1], known.err);
  rmSync(path.join(data, 'models/models.lock'));
  writeFileSync(path.join(data, 'models/llm/plain.gguf'), OTHER);
  assert.match((await pull(data, hub, words)).err, /llm\/plain\.gguf is another file, of which models\.lock knows nothing/);
  assert.ok(readFileSync(path.join(data, 'models/llm/plain.gguf')).equals(OTHER));
});

test('the catalogue is taken at its word, and gated models name a free one', async (t) => {
  const hub = await startHub(t, { 'Qwen2.5-0.5B-Instruct-GGUF': { bytes: RIGHT }, 'gemma-3-1b-it-qat-q4_0-gguf': { hub: (socket) => answer(socket, 403) }, 'e5-small-v2-Q8_0-GGUF': { hub: (socket) => answer(socket, 302, { 'X-Linked-Size': 5 }) } });
  const data = await temporaryFolder(t);
  const other = await pull(data, hub, ['qwen2.5-0.5b']);
  assert.match(other.err, /127\.0\.0\.1 states another SHA-256 for the file than is expected \([0-9a-f]{64}, not [0-9a-f]{64}\); it is not the same file/);
  assert.match(hub.heads[0], /^GET \/Qwen\/Qwen2\.5-0\.5B-Instruct-GGUF\/resolve\/[0-9a-f]{40}\/qwen2\.5-0\.5b-instruct-q4_k_m\.gguf HTTP/);
  const size = await pull(data, hub, ['e5-small-v2']);
  assert.match(size.err, /states another size for the file than is expected \(5 bytes, not 36685088\); it is not the same file/);
  const own = await pull(await temporaryFolder(t), hub, ['qwen2.5-0.5b', `sha256:${sha256(RIGHT)}`]);
  assert.equal(own.code, 0, own.err);
  const gated = await pull(data, hub, ['gemma-3-1b']);
  assert.match(gated.err, /HTTP 403.*agree to its licence at .*\/google\/gemma-3-1b-it-qat-q4_0-gguf.* HF_TOKEN; or take qwen2\.5-1\.5b, which is free for all/);
  hub.heads.length = 0;
  const set = await pull(data, hub, []);
  assert.equal(set.code, 1);
  assert.match(hub.heads[0], /^GET \/Qwen\//, 'a language model first');
  assert.deepEqual(installed(data), []);
});

test('how far it is, a line now and then where there is no terminal, a bar where there is one', async (t) => {
  const hub = await startHub(t, { plain: { bytes: RIGHT } });
  const data = await temporaryFolder(t), places = ['--data', data, '--models-hub', hub.url, '--fetch-allow', hub.elsewhere];
  const { out, err } = await pull(data, hub, ['hf:test/plain:plain.gguf']);
  assert.match(err, /^(plain: 0\.\d of 0\.3 MB[^\n]*\n)+$/);
  assert.match(err, /plain: 0\.3 of 0\.3 MB[^\n]*\n$/);
  assert.equal(out.split('\n').length, 2);
  const json = await pull(data, hub, ['hf:test/plain:plain.gguf', '--as', 'again', '--json']);
  assert.deepEqual([json.out, json.err], ['{"installed":1}\n', '']);
  const shown = terminal(`repartee pull hf:test/plain:plain.gguf --as third ${places.join(' ')}`);
  assert.equal(await shown.ended, 0, shown.shown());
  assert.match(shown.shown(), /\r\u001b\[K\[#{24}\] third: 0\.3 of 0\.3 MB/);
});

test('no name leads out of the folder', async (t) => {
  const hub = await startHub(t, { plain: { bytes: RIGHT } });
  const data = path.join(await temporaryFolder(t), 'data');
  mkdirSync(data);
  for (const words of [
    ['hf:test/plain:../../x.gguf'], ['hf:../..:x.gguf'], ['hf:test/..:x.gguf'], ['hf:test/plain:/etc/x.gguf'], ['hf:test/plain:a//x.gguf'],
    ['hf:test/plain:x\u0001.gguf'], ['hf:test/plain:.hidden.gguf'], ['hf:test/plain@../main:x.gguf'], ['hf:test/plain:x.gguf?y'], [`hf:test/plain:${'x'.repeat(200)}.gguf`],
    ['hf:test/plain:plain.gguf', '--as', '../x'], ['hf:test/plain:plain.gguf', '--as', 'a/b'], ['hf:test/plain:plain.gguf', '--as', ''],
    ['hf:test/plain:plain.gguf', '--as', 'x'.repeat(65)], ['hf:test/plain:plain.gguf', '--as', '-x'], ['hf:test/plain:plain.gguf', '--kind', '..'],
    ['hf:test/plain:plain.bin'], ['no-such-model'], [`http://${hub.elsewhere}/files/plain/..%2fx.gguf`, `sha256:${sha256(RIGHT)}`], ['--', '-x'],
  ]) {
    const { code, out, err } = await pull(data, hub, words);
    assert.deepEqual([code, out], [2, ''], `${words.join(' ')}: ${err}`);
  }
  assert.deepEqual(installed(data), []);
  assert.deepEqual(readdirSync(path.dirname(data)), ['data']);
  const nowhere = await pull(data, hub, ['hf:test/plain:plain.gguf', '--models-dir', path.join(data, 'none/models')]);
  assert.match(nowhere.err, /none\/models cannot be made, because a folder above it is missing; make that, or choose another/);
  assert.match((await pull(data, hub, ['lama-3.1-8b'])).err, /did you mean llama-3\.1-8b\?/);
});

test('a list that was meddled with leads nowhere', async (t) => {
  const data = await temporaryFolder(t), folder = path.join(data, 'models'), lock = path.join(folder, 'models.lock');
  mkdirSync(folder);
  const good = { name: 'x', kind: 'llm', file: 'llm/x.gguf', size: 3, sha256: sha256(RIGHT), licence: '', source: 'hf:a/b:x.gguf', revision: COMMIT };
  writeFileSync(path.join(data, 'precious'), 'x');
  for (const wrong of [{ file: '../precious' }, { file: 'llm/../../precious' }, { file: '/etc/passwd' }, { kind: '..', file: '../precious' }, { name: 'a\nb' }, { size: -1 }, { sha256: 'x' }, { file: 'llm/x\u0000y' }]) {
    writeFileSync(lock, JSON.stringify({ version: 1, models: [{ ...good, ...wrong }] }));
    for (const words of [['models'], ['models', 'rm', 'x'], ['models', 'verify'], ['ask', 'x', '--llm-model', 'x']]) {
      const { code, err } = await repartee([...words, '--data', data]);
      assert.notEqual(code, 0, err);
      assert.match(err, /\/models\/models\.lock (is damaged|cannot be read).*restore it, or remove it and pull the models anew/);
    }
  }
  assert.equal(readFileSync(path.join(data, 'precious'), 'utf8'), 'x');
});

test('two at once: the second says who is at it', async (t) => {
  const hub = await startHub(t, { slow: { bytes: RIGHT, file: (socket, request) => void socket.write(begin(socket, request, RIGHT).subarray(0, HALF)) } });
  const data = await temporaryFolder(t), arrived = hub.arrived('slow');
  const first = start(['pull', 'hf:test/slow:slow.gguf', '--data', data, '--models-hub', hub.url, '--fetch-allow', hub.elsewhere]);
  await arrived;
  for (const words of [['hf:test/slow:slow.gguf'], ['e5-small-v2']])
    assert.match((await pull(data, hub, words)).err, new RegExp(`process ${first.child.pid} \\(repartee pull\\) changes .*/models now; wait for its end`));
  assert.match((await repartee(['models', 'rm', 'slow', '--data', data])).err, /repartee pull\) changes/);
  assert.equal((await repartee(['models', '--data', data])).code, 0, 'looking is free');
  first.child.kill('SIGKILL');
  await first.ended;
  assert.match((await repartee(['models', '--data', data])).out, /\nUnfinished: \d\.\d MB in .*\/models\/\.part; pull the same again, or delete that folder\n$/);
});

/* In turns: as soon as some bytes have been sent; when some are on the disk; shortly after the last, when it gets its name. */
test('killed at any moment, the next try goes on', async (t) => {
  let goal = Infinity;
  /** @type {() => void} */
  let sent = () => {};
  /** As much as the goal allows, then that is told. @type {Behaviour} */
  const file = (socket, request) => {
    const rest = begin(socket, request, RIGHT, '"a"');
    if (goal >= rest.length) socket.end(rest, () => sent());
    else socket.write(rest.subarray(0, goal), () => sent());
  };
  const hub = await startHub(t, { slow: { bytes: RIGHT, file } });
  const kills = times('KILLS', { full: 300, short: 6, sanitized: 3 });
  for (let i = 0; i < kills; i++) {
    const data = await temporaryFolder(t), part = path.join(data, 'models/.part', sha256(RIGHT));
    goal = i % 3 === 2 ? Infinity : 1 + Math.floor(RIGHT.length * 0.99 * Math.random());
    const killed = start(['pull', 'hf:test/slow:slow.gguf', '--data', data, '--models-hub', hub.url, '--fetch-allow', hub.elsewhere]);
    await new Promise((resolve) => (sent = () => resolve(null)));
    if (i % 3 === 1) await until(() => existsSync(part) && statSync(part).size > 0, 'bytes on the disk');
    if (i % 3 === 2) await new Promise((resolve) => setTimeout(resolve, 8 * Math.random()));
    killed.child.kill('SIGKILL');
    await killed.ended;
    for (const file of installed(data)) assert.ok(readFileSync(path.join(data, 'models', file)).equals(RIGHT), 'seen half');
    for (const entry of inLock(data)) assert.ok(installed(data).includes(entry.file), 'listed and not there');
    goal = Infinity;
    const { code, err } = await pull(data, hub, ['hf:test/slow:slow.gguf']);
    assert.equal(code, 0, err);
    if (i % 3 === 1) assert.ok(hub.requests['file slow'].at(-1)?.range, 'it did not go on where it had ended');
    assertWhole(data, RIGHT, 'slow');
  }
});

test('a full disk says so, and with room it goes on', async (t) => {
  const unstatedAtFirst = (/** @type {any} */ socket, /** @type {any} */ request) => {
    if (request.range) return void socket.end(begin(socket, request, RIGHT));
    socket.write('HTTP/1.1 200 X\r\nConnection: close\r\n\r\n');
    socket.end(RIGHT);
  };
  const endless = (/** @type {any} */ socket) => {
    const more = () => socket.write(ZEROS, (/** @type {any} */ error) => !error && !socket.destroyed && more()); /* after an error it would fill memory for ever */
    socket.write('HTTP/1.1 200 X\r\nConnection: close\r\n\r\n');
    more();
  };
  const hub = await startHub(t, { plain: { bytes: RIGHT }, unstated: { file: unstatedAtFirst }, endless: { file: endless } });
  const within = await onSmallDisk(t);
  if (!within) return t.skip('no file system can be mounted here');
  const line = (/** @type {string} */ what) => `repartee pull ${what} --data disk --models-hub ${hub.url} --fetch-allow ${hub.elsewhere}`;
  const early = await within(`head -c 900000 /dev/zero > disk/filler; ${line('hf:test/plain:plain.gguf')}`);
  assert.equal(early.status, 1, early.err);
  assert.match(early.err, /needs 0\.\d MB more than are free at .*; make room and try again/);
  const url = `http://${hub.elsewhere}/files/unstated`, sum = `sha256:${sha256(RIGHT)} --as unstated --kind llm`;
  const unstated = await within(`head -c 900000 /dev/zero > disk/filler; ${line(`${url} ${sum}`)}; rm disk/filler; ${line(`${url} ${sum}`)}; test -s disk/models/llm/unstated`);
  assert.match(unstated.err, /the disk is full at .*\/disk\/models; make room and try again, what has come is kept/);
  assert.equal(unstated.status, 0, unstated.err);
  assert.ok((hub.requests['file unstated'].at(-1)?.range ?? 0) > 0, 'it did not go on');
  const cut = await within(`mount -o remount,size=66m disk; ${line(`http://${hub.elsewhere}/files/endless sha256:${sha256(RIGHT)} --as endless --kind llm`)}`);
  assert.match(cut.err, /MB more than are free at .*, where 3\.5 MB are left for others; make room and try again/);
});

test('without a network: from a folder, and from the models of another machine', async (t) => {
  const hub = await startHub(t, { plain: { bytes: RIGHT } });
  const [one, two, three, stick] = await Promise.all([1, 2, 3, 4].map(() => temporaryFolder(t)));
  assert.equal((await pull(one, hub, ['hf:test/plain:plain.gguf'])).code, 0);
  const all = await repartee(['pull', '--from', path.join(one, 'models'), '--data', two]);
  assert.equal(all.code, 0, all.err);
  assertWhole(two, RIGHT, 'plain');
  writeFileSync(path.join(stick, 'plain.gguf'), RIGHT);
  for (const [words, code, says] of /** @type {[string[], number, RegExp][]} */ ([
    [[], 2, /no models\.lock that says what is there/],
    [['hf:test/plain:plain.gguf'], 2, /no SHA-256 is known for plain; write it behind it/],
    [['hf:test/plain:plain.gguf', `sha256:${sha256(OTHER)}`], 1, /is not the file that was meant/],
    [['hf:test/plain:other.gguf', `sha256:${sha256(OTHER)}`], 1, /there is no file other\.gguf in/],
    [['hf:test/plain:plain.gguf', `sha256:${sha256(RIGHT)}`], 0, /^$|MB/],
    [['hf:test/plain:plain.gguf', `sha256:${sha256(RIGHT)}`], 0, /plain is there already/],
  ])) {
    const result = await repartee(['pull', '--from', stick, ...words, '--data', three]);
    assert.equal(result.code, code, result.err);
    assert.match(result.err, says);
  }
  assert.deepEqual(installed(three), ['llm/plain.gguf']);
  const renamed = await repartee(['pull', '--from', path.join(one, 'models'), 'plain', '--as', 'mine', '--data', three]);
  assert.deepEqual([renamed.code, installed(three).sort()], [0, ['llm/mine.gguf', 'llm/plain.gguf']], renamed.err);
  const kind = await repartee(['pull', '--from', path.join(one, 'models'), 'plain', '--kind', 'dog', '--data', three]);
  assert.match(kind.err, /"dog" is none of llm, stt, tts, embed and vad/);
  const part = path.join(three, 'models/.part', sha256(OTHER)), words = ['hf:test/x:x.gguf', `sha256:${sha256(OTHER)}`];
  writeFileSync(part, OTHER.subarray(0, HALF));
  assert.equal(spawnSync('mkfifo', [path.join(stick, 'x.gguf')]).status, 0);
  const fifo = await repartee(['pull', '--from', stick, ...words, '--data', three]);
  assert.match(fifo.err, /x\.gguf is no plain file; put the model's file in its place/);
  rmSync(path.join(stick, 'x.gguf'));
  writeFileSync(path.join(stick, 'x.gguf'), '');
  assert.match((await repartee(['pull', '--from', stick, ...words, '--data', three])).err, /x\.gguf is empty; copy it anew/);
  assert.equal(statSync(part).size, HALF, 'what the network has brought stays');
});

test('models are listed, verified and removed', async (t) => {
  const hub = await startHub(t, { plain: { bytes: RIGHT }, other: { bytes: OTHER } });
  const data = await temporaryFolder(t), models = (/** @type {string[]} */ ...words) => repartee(['models', ...words, '--data', data]);
  assert.match((await models()).out, /^No models are installed in .*\nKnown; [^\n]*\n {2}qwen2\.5-0\.5b +llm +491\.4 MB {2}Apache-2\.0/);
  assert.equal((await pull(data, hub, ['hf:test/plain:plain.gguf', 'hf:test/other:other.gguf'])).code, 0);
  const { installed: list, catalogue } = JSON.parse((await models('--json')).out);
  assert.deepEqual(list.map((/** @type {any} */ m) => m.name), ['plain', 'other']);
  assert.ok(catalogue.some((/** @type {any} */ m) => m.name === 'gemma-3-1b' && m.gated));
  const file = path.join(data, 'models/llm/plain.gguf'), bytes = Buffer.from(RIGHT);
  assert.equal((await models('verify')).code, 0);
  bytes[HALF] ^= 1;
  writeFileSync(file, bytes);
  const { code, out, err } = await models('verify');
  assert.deepEqual([code, out], [1, 'other is as it was installed.\n']);
  assert.match(err, /plain: .* is not what was installed \(SHA-256 [0-9a-f]{64}\); remove it with 'repartee models rm plain' and pull it anew/);
  assert.equal((await models('rm', 'plain')).code, 0);
  assert.deepEqual(installed(data), ['llm/other.gguf']);
  assert.deepEqual(inLock(data).map((/** @type {any} */ m) => m.name), ['other']);
  assert.match((await models('rm', 'plain')).err, /there is no model named plain/);
  const taken = await pull(data, hub, ['hf:test/plain:plain.gguf', '--as', 'other']);
  assert.match(taken.err, /there is another model named other; remove it with 'repartee models rm other', or take another name with --as/);
});

test('a model is named by its name, and one flipped bit of it is refused', async (t) => {
  const data = await temporaryFolder(t), stick = await temporaryFolder(t), made = path.join(stick, 'tiny.gguf');
  assert.equal(spawnSync(path.join(BUILD, 'test/gguf_make'), ['tiny', made], { env: environment() }).status, 0);
  const ask = (/** @type {string} */ model) => repartee(['ask', 'Who are you?', '--llm-model', model, '--llm-max-tokens', '4', ...QUIET, '--data', data]);
  const pulled = await repartee(['pull', '--from', stick, 'hf:test/tiny:tiny.gguf', `sha256:${sha256(readFileSync(made))}`, '--data', data]);
  assert.equal(pulled.code, 0, pulled.err);
  const good = await ask('tiny');
  assert.equal(good.code, 0, good.err);
  const file = path.join(data, 'models/llm/tiny.gguf'), bytes = readFileSync(file);
  bytes[statSync(file).size - 5] ^= 1;
  writeFileSync(file, bytes);
  for (const model of ['tiny', file]) {
    const { code, err } = await ask(model);
    assert.equal(code, 1, err);
    assert.match(err, /is not what models\.lock says \(another SHA-256\)/);
  }
  const encoder = path.join(stick, 'bert.gguf');
  assert.equal(spawnSync(path.join(BUILD, 'test/gguf_make'), ['tiny-bert', encoder], { env: environment() }).status, 0);
  assert.equal((await repartee(['pull', '--from', stick, 'hf:test/bert:bert.gguf', `sha256:${sha256(readFileSync(encoder))}`, '--kind', 'embed', '--data', data])).code, 0);
  const embed = () => repartee(['ask', 'how?', '--embed-model', 'bert', ...QUIET, '--data', data]);
  assert.equal((await embed()).code, 0);
  truncateSync(path.join(data, 'models/embed/bert.gguf'), 1000);
  assert.match((await embed()).err, /bert\.gguf is not what models\.lock says/);
  const copy = path.join(stick, 'copy.gguf');
  copyFileSync(file, copy);
  assert.equal((await ask(copy)).code, 0, 'of other files nothing is known');
  assert.match((await ask('qwen2.5-0.5b')).err, /the model qwen2\.5-0\.5b is not installed; 'repartee pull qwen2\.5-0\.5b' brings it/);
});
