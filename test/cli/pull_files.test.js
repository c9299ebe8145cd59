// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* A voice is two files: it is there with both or not at all, whatever happens to one of them. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { repartee, start } from '../lib/cli.js';
import { COMMIT, answer, begin, fromGit, gitName, sha256, someBytes, startHub, stated, whole } from '../lib/hub.js';
import { inLock, installed, onSmallDisk, pull } from '../lib/pull.js';
import { times } from '../lib/scale.js';
import { temporaryFolder, until } from '../lib/server.js';

const VOICE = someBytes(300000), SETTINGS = someBytes(4885, 3), OTHER = someBytes(4885, 9), LARGE = someBytes(200000, 5);
const AT_ONCE = 6;
const SILENT = ['stall', 'silent'];

/** @typedef {import('../lib/hub.js').Behaviour} Behaviour */
/** @typedef {{hub?: Behaviour, file?: Behaviour, bytes?: Buffer, inGit?: boolean}} Row */

/** Where a voice is at the hub. @param {string} name */
const source = (name) => `hf:test/${name}:en/${name}.onnx`;
/** Its rows in a hub's table. @param {string} name @param {{voice?: Row, settings?: Row}} [rows] @returns {Record<string, Row>} */
const voice = (name, { voice: one, settings } = {}) => ({
  [`${name}/en/${name}.onnx`]: { bytes: VOICE, ...one },
  [`${name}/en/${name}.onnx.json`]: { bytes: SETTINGS, inGit: true, ...settings },
});
/** @param {string} data */
const unfinished = (data) => {
  const folder = path.join(data, 'models/.part');
  return existsSync(folder) ? readdirSync(folder) : [];
};
/** @param {string} data @param {string} name @param {Buffer} [settings] */
function assertWhole(data, name, settings = SETTINGS) {
  assert.deepEqual(installed(data).sort(), [`tts/${name}.onnx`, `tts/${name}.onnx.json`]);
  const [{ licence, ...entry }] = inLock(data);
  assert.deepEqual(entry, {
    name, kind: 'tts', file: `tts/${name}.onnx`, size: VOICE.length, sha256: sha256(VOICE), source: source(name), revision: COMMIT,
    more: [{ file: `tts/${name}.onnx.json`, size: settings.length, sha256: sha256(settings), source: `${source(name)}.json` }],
  });
  assert.ok(readFileSync(path.join(data, `models/tts/${name}.onnx`)).equals(VOICE));
  assert.ok(readFileSync(path.join(data, `models/tts/${name}.onnx.json`)).equals(settings));
  assert.deepEqual(unfinished(data), [], name);
}
/** No engine finds a part of a voice, and no list names one. @param {string} data @param {string} name */
function assertNothingHalf(data, name) {
  const files = installed(data), has = (/** @type {string} */ ending, /** @type {Buffer} */ bytes) =>
    files.includes(`tts/${name}${ending}`) && readFileSync(path.join(data, `models/tts/${name}${ending}`)).equals(bytes);
  if (files.includes(`tts/${name}.onnx`)) assert.ok(has('.onnx', VOICE) && has('.onnx.json', SETTINGS), `half of it is seen: ${files}`);
  if (inLock(data).length) assert.ok(has('.onnx', VOICE), 'listed and not there');
}
/** @param {string} data @param {string[]} words */
const models = (data, ...words) => repartee(['models', ...words, '--data', data]);

test('a voice brings what belongs to it, is listed, verified and removed as one', async (t) => {
  const hub = await startHub(t, voice('anna'));
  const data = await temporaryFolder(t);
  const { code, out, err } = await pull(data, hub, [source('anna'), '--kind', 'tts']);
  assert.equal(code, 0, err);
  assert.match(out, /^anna is installed \(tts, 0\.3 MB\)\./);
  assertWhole(data, 'anna');
  const paths = hub.heads.map((head) => head.split(' ')[1]);
  assert.equal(paths[0], '/test/anna/resolve/main/en/anna.onnx');
  for (const later of paths.slice(1)) assert.match(later, new RegExp(`^/files/|^/test/anna/resolve/${COMMIT}/en/anna\\.onnx`), 'all are of one commit');
  assert.match(err, /anna: 0\.3 of 0\.3 MB/);
  const [listed] = JSON.parse((await models(data, '--json')).out).installed;
  assert.equal(listed.size, VOICE.length + SETTINGS.length);
  assert.deepEqual(listed.files.map((/** @type {any} */ f) => [f.file, f.size]), [['tts/anna.onnx', VOICE.length], ['tts/anna.onnx.json', SETTINGS.length]]);
  assert.match((await pull(data, hub, [source('anna'), '--kind', 'tts'])).err, /anna is there already/);
  assert.equal((await models(data, 'verify')).out, 'anna is as it was installed.\n');
  const settings = path.join(data, 'models/tts/anna.onnx.json'), changed = Buffer.from(SETTINGS);
  changed[7] ^= 1;
  writeFileSync(settings, changed);
  const verified = await models(data, 'verify');
  assert.deepEqual([verified.code, verified.out], [1, '']);
  assert.match(verified.err, /anna: .*\/anna\.onnx\.json is not what was installed \(SHA-256 [0-9a-f]{64}\)/);
  assert.equal((await models(data, 'rm', 'anna')).code, 0);
  assert.deepEqual([installed(data), inLock(data)], [[], []]);
});

test('by another name, and with a name of its own', async (t) => {
  const hub = await startHub(t, voice('anna'));
  const data = await temporaryFolder(t);
  assert.equal((await pull(data, hub, [source('anna'), '--kind', 'tts', '--as', 'en_US-anna-low'])).code, 0);
  assert.deepEqual(installed(data).sort(), ['tts/en_US-anna-low.onnx', 'tts/en_US-anna-low.onnx.json']);
  const other = await pull(data, hub, [source('anna'), '--kind', 'vad', '--as', 'ear']);
  assert.equal(other.code, 0, other.err);
  assert.ok(installed(data).includes('vad/ear.onnx') && !installed(data).includes('vad/ear.onnx.json'), 'an .onnx of another kind is one file');
});

/** What the hub and the other place do with the second file, and what comes of it. @type {[string, Row, RegExp?, Buffer?][]} */
const ROWS = [
  ['plain', {}],
  ['large', { inGit: false, bytes: LARGE }, undefined, LARGE],
  ['by-itself', { hub: (socket, request) => (request.path.endsWith('/cache') ? fromGit(SETTINGS)(socket, request, 1, /** @type {any} */ (null)) : answer(socket, 307, { 'X-Linked-Etag': `"${gitName(SETTINGS)}"`, 'X-Linked-Size': SETTINGS.length, Location: '/test/by-itself/resolve/x/en/by-itself.onnx.json?/cache' })) }],
  ['weak', { hub: (socket, request) => socket.end(begin(socket, request, SETTINGS, `W/"${gitName(SETTINGS)}"`)) }],
  ['missing', { hub: (socket) => answer(socket, 404) }, /^repartee pull: missing, missing\.onnx\.json: there is no such file at 127\.0\.0\.1 \(HTTP 404\); check its name/],
  ['gated', { hub: (socket) => answer(socket, 403) }, /HTTP 403.*HF_TOKEN/],
  ['says-nothing', { hub: (socket, request) => socket.end(begin(socket, request, SETTINGS)) }, /says-nothing\.onnx\.json: 127\.0\.0\.1 does not state the file's SHA-256/],
  ['says-nonsense', { hub: (socket, request) => socket.end(begin(socket, request, SETTINGS, '"../../x"')) }, /does not state the file's SHA-256/],
  ['wrong', { hub: fromGit(OTHER, gitName(SETTINGS)) }, /what 127\.0\.0\.1 sent is not the file that was meant: its name in Git is not [0-9a-f]{40}; it was thrown away/],
  ['wrong-large', { inGit: false, bytes: LARGE, file: whole(someBytes(200000, 6)) }, /what localhost sent is not the file that was meant: its SHA-256 is not/, LARGE],
  ['short', { hub: (socket, request, attempt) => fromGit(attempt > 1 ? SETTINGS.subarray(0, 100) : SETTINGS, gitName(SETTINGS))(socket, request, attempt, /** @type {any} */ (null)) }, /would send 100 bytes in the place of 4885/],
  ['long', { hub: (socket, request, attempt) => (attempt > 1 ? socket.end(`HTTP/1.1 200 X\r\nETag: "${gitName(SETTINGS)}"\r\nConnection: close\r\n\r\n${'x'.repeat(5000)}`) : fromGit(SETTINGS)(socket, request, attempt, /** @type {any} */ (null))) }, /sends more than the 4885 bytes/],
  ['empty', { hub: fromGit(Buffer.alloc(0)) }, /sent an empty file, which is no model/],
  ['huge', { hub: (socket) => void socket.write(`HTTP/1.1 200 X\r\nETag: "${gitName(SETTINGS)}"\r\nContent-Length: 999999999\r\n\r\nx`) }, /127\.0\.0\.1 states no SHA-256 of a file of 1000\.0 MB; write it behind the source/],
  ['endless', { hub: (socket) => {
    const more = () => socket.write(Buffer.alloc(1 << 20), (error) => !error && !socket.destroyed && more());
    socket.write(`HTTP/1.1 200 X\r\nETag: "${gitName(SETTINGS)}"\r\nConnection: close\r\n\r\n`);
    more();
  } }, /127\.0\.0\.1 sends on and on; it was thrown away/],
  ['changed-between', { hub: (socket, request, attempt) => fromGit(attempt > 1 ? OTHER : SETTINGS)(socket, request, attempt, /** @type {any} */ (null)) }, /the file has just been changed at 127\.0\.0\.1; try again for the new one/],
  ['busy', { hub: (socket, request, attempt) => (attempt === 1 ? answer(socket, 429, { 'Retry-After': 0 }) : fromGit(SETTINGS)(socket, request, attempt, /** @type {any} */ (null))) }],
  ['failing', { hub: (socket) => answer(socket, 500, { 'Retry-After': 0 }) }, /has failed \(HTTP 500\); try again later/],
  ['cut', { inGit: false, bytes: LARGE, file: (socket, request, attempt) => { const rest = begin(socket, request, LARGE); if (attempt > 1) socket.end(rest); else socket.write(rest.subarray(0, 1000), () => socket.end()); } }, undefined, LARGE],
  ['cut-in-git', { hub: (socket, request, attempt) => { const rest = begin(socket, request, SETTINGS, `"${gitName(SETTINGS)}"`); if (attempt > 2) socket.end(rest); else socket.write(rest.subarray(0, 1000), () => socket.end()); } }],
  ['stall', { hub: (socket, request, attempt) => { const rest = begin(socket, request, SETTINGS, `"${gitName(SETTINGS)}"`); if (attempt > 2) socket.end(rest); else socket.write(rest.subarray(0, 1000)); } }],
  ['silent', { hub: () => {} }, /broke \(nothing came any more\); try again, what has come is kept/],
  ['no-answer', { hub: (socket) => socket.destroy() }, /the connection to 127\.0\.0\.1 broke/],
  ['to-a-file', { hub: (socket) => answer(socket, 302, { Location: 'file:///etc/passwd' }) }, /a redirect leads to no address of the web/],
  ['inside', { inGit: false, hub: (socket) => answer(socket, 302, { ...stated(SETTINGS), Location: 'https://127.0.0.2/x' }) }, /127\.0\.0\.2 has no public address/],
];

test('whatever the hub does with the second file, there are both or neither', async (t) => {
  /** @type {Record<string, Row>} */
  const table = Object.assign({}, ...ROWS.map(([name, settings]) => voice(name, { settings })));
  const hub = await startHub(t, table);
  /** @param {typeof ROWS[number]} row */
  const tryRow = async ([name, { inGit = true }, sentence, bytes = SETTINGS]) => {
    const data = await temporaryFolder(t), words = [source(name), '--kind', 'tts'];
    const { code, out, err } = await pull(data, hub, words, {}, SILENT.includes(name) ? 700 : undefined);
    assert.equal(code, sentence ? 1 : 0, `${name}: ${err}`);
    if (sentence) {
      assert.match(err, sentence, name);
      assert.deepEqual([out, installed(data), inLock(data)], ['', [], []], name);
      Object.assign(table, voice(name, { settings: { bytes, inGit } }));
      const again = await pull(data, hub, words);
      assert.equal(again.code, 0, `${name}: ${again.err}`);
    }
    assertWhole(data, name, bytes);
  };
  for (let i = 0; i < ROWS.length; i += AT_ONCE) await Promise.all(ROWS.slice(i, i + AT_ONCE).map(tryRow));
});

test('what is kept from all is told of the first file before anything comes', async (t) => {
  const hub = await startHub(t, voice('anna', { voice: { hub: (socket) => answer(socket, 401) } }));
  const data = await temporaryFolder(t);
  assert.match((await pull(data, hub, [source('anna'), '--kind', 'tts'])).err, /anna: .*HTTP 401.*agree to its licence at .*\/test\/anna, make a token/);
  assert.deepEqual(unfinished(data), []);
  assert.equal(hub.heads.length, 1);
});

test('what has come of one file is not asked for again', async (t) => {
  const half = (/** @type {any} */ socket, /** @type {any} */ request, /** @type {number} */ attempt) => {
    const rest = begin(socket, request, VOICE, '"a"');
    if (attempt > 1) socket.end(rest);
    else socket.write(rest.subarray(0, 150000));
  };
  const hub = await startHub(t, voice('anna', { voice: { file: half } }));
  const data = await temporaryFolder(t), arrived = hub.arrived('anna/en/anna.onnx');
  const first = start(['pull', source('anna'), '--kind', 'tts', '--data', data, '--models-hub', hub.url, '--fetch-allow', hub.elsewhere]);
  await arrived;
  const part = path.join(data, 'models/.part', sha256(VOICE));
  await until(() => existsSync(part) && statSync(part).size === 150000, 'half of the voice');
  first.child.kill('SIGKILL');
  await first.ended;
  assert.deepEqual([installed(data), inLock(data), unfinished(data).length], [[], [], 4], 'both, and of which version each is');
  const asked = hub.requests['hub anna/en/anna.onnx.json'].length;
  const { code, err } = await pull(data, hub, [source('anna'), '--kind', 'tts']);
  assert.equal(code, 0, err);
  assertWhole(data, 'anna');
  assert.equal(hub.requests['file anna/en/anna.onnx'][1].range, 150000);
  assert.equal(hub.requests['hub anna/en/anna.onnx.json'].length, asked + 1, 'it was asked what it is, and not for its bytes');
});

/* In turns: somewhere in the second file, which comes first; somewhere in the first one; about when they get their names. */
test('killed at any moment, also between the files, the next try goes on', async (t) => {
  let goal = Infinity;
  /** @type {(bytes: Buffer) => void} */
  let sent = () => {};
  /** As much as the goal allows, then that is told. @param {Buffer} bytes @returns {Behaviour} */
  const upTo = (bytes) => (socket, request) => {
    const rest = begin(socket, request, bytes, '"a"');
    if (goal >= rest.length) socket.end(rest, () => sent(bytes));
    else socket.write(rest.subarray(0, goal), () => sent(bytes));
  };
  const hub = await startHub(t, voice('anna', { voice: { file: upTo(VOICE) }, settings: { inGit: false, file: upTo(SETTINGS) } }));
  const kills = times('KILLS', { full: 300, short: 9, sanitized: 3 });
  for (let i = 0; i < kills; i++) {
    const data = await temporaryFolder(t), last = i % 3 === 0 ? SETTINGS : VOICE;
    goal = i % 3 === 2 ? Infinity : 1 + Math.floor(last.length * 0.99 * Math.random());
    if (i % 3 === 1) goal += SETTINGS.length; /* all of it, and some of the voice */
    const killed = start(['pull', source('anna'), '--kind', 'tts', '--data', data, '--models-hub', hub.url, '--fetch-allow', hub.elsewhere]);
    await new Promise((resolve) => (sent = (bytes) => bytes === last && resolve(null)));
    await new Promise((resolve) => setTimeout(resolve, 8 * Math.random()));
    killed.child.kill('SIGKILL');
    await killed.ended;
    assertNothingHalf(data, 'anna');
    goal = Infinity;
    const { code, err } = await pull(data, hub, [source('anna'), '--kind', 'tts']);
    assert.equal(code, 0, err);
    assertWhole(data, 'anna');
  }
});

test('what a crash has left in its place is taken as it is, and somebody else\'s file is left alone', async (t) => {
  const hub = await startHub(t, voice('anna', { settings: { inGit: false } }));
  const words = [source('anna'), '--kind', 'tts'];
  for (const [left, bytes] of /** @type {[string, Buffer][]} */ ([['anna.onnx.json', SETTINGS], ['anna.onnx', VOICE]])) {
    const data = await temporaryFolder(t);
    mkdirSync(path.join(data, 'models/tts'), { recursive: true });
    writeFileSync(path.join(data, 'models/tts', left), bytes);
    hub.heads.length = 0;
    const { code, err } = await pull(data, hub, words);
    assert.equal(code, 0, err);
    assertWhole(data, 'anna');
    assert.deepEqual(hub.heads.filter((head) => head.startsWith('GET /files/')).length, 1, left);
  }
  for (const left of ['anna.onnx.json', 'anna.onnx']) {
    const data = await temporaryFolder(t);
    mkdirSync(path.join(data, 'models/tts'), { recursive: true });
    writeFileSync(path.join(data, 'models/tts', left), 'precious');
    const { code, err } = await pull(data, hub, words);
    assert.equal(code, 1);
    assert.match(err, new RegExp(`tts/${left.replaceAll('.', '\\.')} is another file, of which models\\.lock knows nothing; move it away`));
    assert.deepEqual([installed(data), inLock(data)], [[`tts/${left}`], []], 'the other one has not come to it');
    assert.equal(readFileSync(path.join(data, 'models/tts', left), 'utf8'), 'precious');
    rmSync(path.join(data, 'models/tts', left));
    assert.equal((await pull(data, hub, words)).code, 0);
    assertWhole(data, 'anna');
  }
});

test('one of its files is gone: it comes anew, and a removal does not mind', async (t) => {
  const hub = await startHub(t, voice('anna'));
  const data = await temporaryFolder(t), words = [source('anna'), '--kind', 'tts'];
  assert.equal((await pull(data, hub, words)).code, 0);
  for (const file of ['anna.onnx', 'anna.onnx.json']) {
    rmSync(path.join(data, 'models/tts', file));
    assert.match((await models(data, 'verify')).err, new RegExp(`${file.replaceAll('.', '\\.')} cannot be read`));
    assert.equal((await pull(data, hub, words)).code, 0);
    assertWhole(data, 'anna');
  }
  for (const file of ['anna.onnx', 'anna.onnx.json']) {
    rmSync(path.join(data, 'models/tts', file));
    const removed = await models(data, 'rm', 'anna');
    assert.deepEqual([removed.code, removed.out], [0, 'anna is removed.\n'], removed.err);
    assert.deepEqual([installed(data), inLock(data)], [[], []]);
    assert.equal((await pull(data, hub, words)).code, 0);
  }
});

test('a removal that broke off counts as one, and the next change ends it', async (t) => {
  const hub = await startHub(t, { ...voice('anna'), ...voice('bert'), other: { bytes: VOICE } });
  const data = await temporaryFolder(t), lock = path.join(data, 'models/models.lock');
  /** As if the power had failed when the first file was gone. @param {string} name */
  const breakOff = (name) => {
    const list = JSON.parse(readFileSync(lock, 'utf8'));
    list.models.find((/** @type {any} */ m) => m.name === name).leaving = true;
    writeFileSync(lock, JSON.stringify(list));
    rmSync(path.join(data, `models/tts/${name}.onnx`));
  };
  const begun = async () => {
    for (const name of ['anna', 'bert']) assert.equal((await pull(data, hub, [source(name), '--kind', 'tts'])).code, 0);
    breakOff('anna');
    assert.deepEqual(JSON.parse((await models(data, '--json')).out).installed.map((/** @type {any} */ m) => m.name), ['bert']);
    assert.match((await models(data, 'verify', 'anna')).err, /there is no model named anna/);
  };
  const ended = (/** @type {string[]} */ also) => assert.deepEqual(installed(data).sort(), ['tts/bert.onnx', 'tts/bert.onnx.json', ...also].sort());
  await begun();
  assert.equal((await models(data, 'rm', 'anna')).out, 'anna is removed.\n');
  ended([]);
  assert.deepEqual(inLock(data).map((/** @type {any} */ m) => m.name), ['bert']);
  await begun();
  assert.equal((await pull(data, hub, ['hf:test/other:other.gguf'])).code, 0);
  ended(['llm/other.gguf']);
  assert.equal((await models(data, 'rm', 'other')).code, 0);
  await begun();
  assert.match((await models(data, 'rm', 'nobody')).err, /there is no model named nobody/);
  assert.equal((await models(data, 'rm', 'bert')).code, 0);
  assert.deepEqual([installed(data), inLock(data)], [[], []]);
  await begun();
  assert.equal((await pull(data, hub, [source('anna'), '--kind', 'tts'])).code, 0);
  ended(['tts/anna.onnx', 'tts/anna.onnx.json']);
});

test('a voice from an address says what it needs', async (t) => {
  const hub = await startHub(t, voice('anna', { settings: { inGit: false } }));
  const data = await temporaryFolder(t), url = `http://${hub.elsewhere}/files/anna/en/anna.onnx?download=true`;
  const one = `sha256:${sha256(VOICE)}`, two = `sha256:${sha256(SETTINGS)}`;
  for (const [words, code, says] of /** @type {[string[], number, RegExp][]} */ ([
    [[url, '--kind', 'tts'], 2, /an address needs the file's SHA-256/],
    [[url, one, '--kind', 'tts'], 2, /a voice is two files; write both their SHA-256 behind the address, first that of anna\.onnx, then that of anna\.onnx\.json beside it/],
    [[url, one, 'sha256:abc', '--kind', 'tts'], 2, /64 hexadecimal digits/],
    [[url, one, two, '--kind', 'vad'], 2, /anna is one file; leave the second sha256: out/],
    [['e5-small-v2', one, two], 2, /e5-small-v2 is one file; leave the second sha256: out/],
    [[url, one, `sha256:${sha256(OTHER)}`, '--kind', 'tts'], 1, /anna\.onnx\.json: what localhost sent is not the file that was meant/],
  ])) {
    const result = await pull(data, hub, words);
    assert.equal(result.code, code, result.err);
    assert.match(result.err, says);
    assert.deepEqual(installed(data), []);
  }
  const { code, err } = await pull(data, hub, [url, one, two, '--kind', 'tts']);
  assert.equal(code, 0, err);
  const [entry] = inLock(data);
  assert.deepEqual([entry.source, entry.more[0].source], [url.replace(/\?.*/, ''), url.replace(/\?.*/, '.json')]);
  assert.ok(hub.heads.some((head) => head.startsWith('GET /files/anna/en/anna.onnx.json?download=true ')));
});

test('a disk without room for both says so before the first byte, and one that fills up goes on later', async (t) => {
  const unstated = (/** @type {any} */ socket, /** @type {any} */ request) => {
    if (request.range) return void socket.end(begin(socket, request, LARGE));
    socket.write('HTTP/1.1 200 X\r\nConnection: close\r\n\r\n');
    socket.end(LARGE);
  };
  const hub = await startHub(t, { ...voice('anna', { settings: { inGit: false, bytes: LARGE } }), ...voice('bert', { settings: { inGit: false, bytes: LARGE, hub: (socket) => answer(socket, 302, { 'X-Linked-Etag': `"${sha256(LARGE)}"`, 'X-Repo-Commit': COMMIT, Location: `http://${hub.elsewhere}/files/bert/en/bert.onnx.json` }), file: unstated } }) });
  const within = await onSmallDisk(t);
  if (!within) return t.skip('no file system can be mounted here');
  const line = (/** @type {string} */ name) => `repartee pull ${source(name)} --kind tts --data disk --models-hub ${hub.url} --fetch-allow ${hub.elsewhere}`;
  /* 552 kB are free beside the 52 that are left for others: enough for each of the two, not for both. */
  const early = await within(`head -c 604000 /dev/zero > disk/filler; ${line('anna')}; code=$?; ls -A disk/models disk/models/.part >&2; exit $code`);
  assert.equal(early.status, 1, early.err);
  assert.match(early.err, /the model needs 0\.\d MB more than are free at .*; make room and try again/);
  assert.equal(hub.heads.filter((head) => head.startsWith('GET /files/')).length, 1, 'the body of the second file was not waited for');
  /* Its second file fills the disk, without having said how long it is. */
  const full = await within(`head -c 900000 /dev/zero > disk/filler; ${line('bert')}; test $? = 1 || exit 3; test -e disk/models/tts && exit 4; rm disk/filler; ${line('bert')} && test -s disk/models/tts/bert.onnx -a -s disk/models/tts/bert.onnx.json`);
  assert.match(full.err, /the disk is full at .*\/disk\/models; make room and try again, what has come is kept|more than are free/);
  assert.equal(full.status, 0, full.err);
  /* On a disk that is full to the last byte a model can still be removed. */
  const removed = await within(`${line('anna')} && { cat /dev/zero > disk/filler; repartee models rm anna --data disk && test -z "$(ls disk/models/tts)"; }`);
  assert.equal(removed.status, 0, removed.err);
});

test('without a network: both files, or none', async (t) => {
  const hub = await startHub(t, voice('anna'));
  const [one, two, three, stick] = await Promise.all([1, 2, 3, 4].map(() => temporaryFolder(t)));
  assert.equal((await pull(one, hub, [source('anna'), '--kind', 'tts'])).code, 0);
  const all = await repartee(['pull', '--from', path.join(one, 'models'), '--data', two]);
  assert.equal(all.code, 0, all.err);
  assertWhole(two, 'anna');
  const words = [source('anna'), '--kind', 'tts'], sums = [`sha256:${sha256(VOICE)}`, `sha256:${sha256(SETTINGS)}`];
  writeFileSync(path.join(stick, 'anna.onnx'), VOICE);
  for (const [more, code, says] of /** @type {[string[], number, RegExp][]} */ ([
    [[], 2, /no SHA-256 is known for anna; write it behind it/],
    [[sums[0]], 2, /no SHA-256 is known for anna\.onnx\.json, which anna needs; write it behind the other one/],
    [sums, 1, /there is no file anna\.onnx\.json in .*; copy it there/],
  ])) {
    const result = await repartee(['pull', '--from', stick, ...words, ...more, '--data', three]);
    assert.equal(result.code, code, result.err);
    assert.match(result.err, says);
    assert.deepEqual([installed(three), unfinished(three)], [[], []]);
  }
  for (const [bytes, says] of /** @type {[Buffer, RegExp][]} */ ([[OTHER, /anna\.onnx\.json is not the file that was meant: its SHA-256 is not/], [Buffer.alloc(0), /anna\.onnx\.json is empty/]])) {
    writeFileSync(path.join(stick, 'anna.onnx.json'), bytes);
    assert.match((await repartee(['pull', '--from', stick, ...words, ...sums, '--data', three])).err, says);
    assert.deepEqual(installed(three), []);
  }
  writeFileSync(path.join(stick, 'anna.onnx.json'), SETTINGS);
  const right = await repartee(['pull', '--from', stick, ...words, ...sums, '--as', 'mine', '--data', three]);
  assert.equal(right.code, 0, right.err);
  assert.deepEqual(installed(three).sort(), ['tts/mine.onnx', 'tts/mine.onnx.json']);
});
