// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* How commands are written, and what they give to people, to terminals and to programs. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { repartee, start } from '../lib/cli.js';
import { samplesOf, speak, writeWav } from '../lib/speech.js';
import { startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { terminal } from '../lib/terminal.js';

const COMMANDS = ['serve', 'ask', 'say', 'hear', 'talk', 'ingest', 'key', 'forget', 'doctor', 'bench', 'config', 'completion'];
const QUIET = ['--stt-driver', 'scripted', '--tts-driver', 'scripted'];

test('every command explains itself', async () => {
  const overview = await repartee(['--help']);
  assert.equal(overview.code, 0);
  assert.equal((await repartee(['help'])).out, overview.out);
  const bare = await repartee([]);
  assert.equal(bare.code, 2);
  for (const name of COMMANDS) {
    assert.match(overview.out, new RegExp(`^  ${name} +[a-z]`, 'm'));
    const help = await repartee([name, '--help']);
    assert.equal(help.code, 0);
    for (const part of [new RegExp(`^Usage: repartee ${name} \\[OPTION\\]…`), /^Examples:\n  /m, /^Options:\n/m, /^ {6}--json +\S/m])
      assert.match(help.out, part);
    for (const same of [[name, '-h'], ['help', name], [name, 'x', '--help', '--rag-k=zero']])
      assert.equal((await repartee(same)).out, help.out, same.join(' '));
  }
  for (const words of [['--version'], ['-V'], ['ask', '--version'], ['say', '-V']]) {
    const { code, out } = await repartee(words);
    assert.equal(code, 0);
    assert.match(out, /^repartee \d+\.\d+\.\d+\n$/);
  }
});

test('options in every way of writing', async (t) => {
  const server = await startServer(t, { args: QUIET });
  await untilReady(server);
  const data = ['--data', server.data];
  const file = path.join(await temporaryFolder(t), 'a.wav');
  for (const words of [
    ['say', ...data, '-o', file, 'hello'],
    ['say', ...data, `-o${file}`, 'hello'],
    ['say', 'hello', ...data, '--output', file],
    ['say', `--output=${file}`, 'hello', `--data=${server.data}`],
    ['say', `--output=${file}`, ...data, '--', '-hello'],
    ['say', ...data, '-o', file, '-'],
  ]) {
    writeFileSync(file, '');
    const { code, err } = await repartee(words, { input: 'hello' });
    assert.equal(code, 0, `${words.join(' ')}: ${err}`);
    assert.equal(readFileSync(file).toString('latin1', 0, 4), 'RIFF', words.join(' '));
  }
  for (const words of [['say', ...data, 'hello'], ['say', ...data, 'hello', '-o', '-']])
    assert.equal((await repartee(words)).bytes.toString('latin1', 0, 4), 'RIFF');
  for (const words of [['ask', ...data, 'how', 'do I', 'add documents?'], ['ask', '-', ...data]]) {
    const { code, out } = await repartee(words, { input: 'how do I add documents?\n' });
    assert.equal(code, 0);
    assert.match(out, /\(documents\.md\)/);
  }
  const without = await repartee(['ask', '--no-rag', ...data, 'how do I add documents?']);
  assert.equal(without.code, 0);
  assert.doesNotMatch(without.out, /documents\.md/);
});

test('--json: one object on standard output', async (t) => {
  const folder = await temporaryFolder(t);
  const question = speak(folder, 'how do I add documents');
  const data = path.join(folder, 'data');
  writeFileSync(path.join(folder, 'notes.md'), '# Notes\n\nThe ferry leaves at nine.\n');
  const served = start(['serve', '--json', '--listen', '127.0.0.1:0', '--data', data]);
  const line = await until(() => served.out(), 'the address');
  assert.match(JSON.parse(line).url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  const json = async (/** @type {string[]} */ words) => {
    const { code, out, err } = await repartee([...words, '--json', '--data', data], { cwd: folder });
    assert.equal(code, 0, err);
    assert.equal(out.trimEnd().split('\n').length, 1);
    return JSON.parse(out);
  };
  const added = await json(['ingest', 'notes.md']);
  assert.deepEqual(added, { documents: 1, chunks: 1, skipped: 0, failed: 0, left_out: 0 });
  assert.match((await json(['ask', 'when does the ferry leave?'])).response, /nine/);
  const said = await json(['say', 'Good morning.', '-o', 'a.wav']);
  assert.equal(said.samples, samplesOf(path.join(folder, 'a.wav')).length);
  assert.match((await json(['hear', question])).text, /documents/);
  const turn = await json(['talk', question, '-o', 'b.wav']);
  assert.match(turn.transcript, /documents/);
  assert.ok(turn.citations.length > 0 && turn.timings_ms.total > 0);
  const doctor = await json(['doctor']);
  assert.ok(doctor.ok && doctor.machine.cores > 0 && doctor.server.engines.stt.state === 'ready');
  const { catalogue } = await json(['models']);
  const suited = catalogue.filter((/** @type {any} */ m) => m.suits).map((/** @type {any} */ m) => m.name);
  assert.deepEqual(doctor.models.map((/** @type {any} */ m) => m.name), suited, 'one advice everywhere');
  assert.ok(suited.length > 0 && catalogue.every((/** @type {any} */ m) => m.fits || !m.suits), JSON.stringify(catalogue));
  served.child.kill('SIGTERM');
  assert.equal((await served.ended).code, 0);
});

test('doctor says what to do next, and fails when something is broken', async (t) => {
  const folder = async () => ['--data', await temporaryFolder(t)];
  const well = await repartee(['doctor', ...QUIET, ...(await folder()), '--embed-driver', 'scripted']);
  assert.equal(well.code, 0, well.err);
  assert.match(well.out, /^Machine\n.*^Engines\n {2}hears {4}scripted ready.*^ {2}embeds {3}scripted ready.*^Next\n {2}repartee serve/ms);
  assert.match(well.out, /^Models for this machine\n {2}\S+ +llm +\d+\.\d MB.*; repartee pull brings it\n/m);
  const inWords = async (/** @type {string} */ role) => {
    const broken = ['doctor', ...QUIET, ...(await folder()), `--${role}-script`, 'nonsense=1', '--embed-model', '/nonexistent.gguf'];
    const words = await repartee(broken);
    assert.equal(words.code, 1, words.out);
    assert.match(words.err, new RegExp(`the engine that \\w+ is (down|starting): repartee-${role} with the driver scripted does not run`));
    assert.match(words.err, new RegExp(`${role}: .*nonsense`), 'its own words');
    assert.match(words.err, /the engine that embeds is (down|starting): repartee-llm --embed with the driver llama does not run/);
    assert.doesNotMatch(words.out, /^Next/m);
  };
  const asJson = async () => {
    const json = await repartee(['doctor', ...QUIET, ...(await folder()), '--stt-script', 'nonsense=1', '--json']);
    assert.equal(json.code, 1);
    assert.equal(JSON.parse(json.out).ok, false);
  };
  const slow = async () => {
    const { code, out, err } = await repartee(['doctor', ...QUIET, ...(await folder()), '--stt-script', 'start=8000']);
    assert.equal(code, 0, err);
    assert.match(out, /hears +scripted +ready/);
  };
  await Promise.all([inWords('stt'), inWords('tts'), asJson(), slow()]); /* each waits for its engine for a while */
  const server = await startServer(t, { args: QUIET });
  await untilReady(server);
  const running = await repartee(['doctor', '--data', server.data]);
  assert.equal(running.code, 0, running.err);
  assert.match(running.out, /^Next\n {2}The server runs: open/m);
});

test('what a model says, and how a document is called, commands no terminal', async (t) => {
  const evil = '\u001b]0;title\u0007red\u001b[31m\u009b5mblue\r\b\u007f';
  const server = await startServer(t, { args: [...QUIET, '--llm-driver', 'scripted', '--llm-script', `text=${evil}`] });
  const data = ['--data', server.data];
  await untilReady(server);
  const document = JSON.stringify({ title: 'heron\u001b[31m\u009b', text: '# Herons\n\nHerons live by the lake.\n' });
  const added = await fetch(server.url + 'rag/ingest', { method: 'POST', body: document, headers: { 'content-type': 'application/json' } });
  assert.equal(added.status, 202);
  const asked = ['ask', 'where do herons live?', ...data];
  const { code, out } = await until(async () => {
    const answer = await repartee(asked);
    return answer.out.includes('(heron') && answer;
  }, 'the document');
  assert.equal(code, 0);
  assert.doesNotMatch(out, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  assert.match(out, /red.*blue/);
  assert.equal(JSON.parse((await repartee([...asked, '--json'])).out).response, evil);
});

test('a document is the file that lies there, however it is called', async (t) => {
  const folder = await temporaryFolder(t);
  const deep = path.join(folder, 'a'.repeat(200), 'b'.repeat(200));
  for (const [place, animal] of [[folder, 'heron'], [path.join(folder, 'other'), 'badger'], [deep, 'lynx']]) {
    mkdirSync(place, { recursive: true });
    writeFileSync(path.join(place, 'README.md'), `# Animals\n\nThe ${animal} lives by the lake.\n`);
  }
  const { data } = await startServer(t, { args: QUIET });
  const ingest = async (/** @type {string[]} */ words) => {
    const { code, out, err } = await repartee(['ingest', ...words, '--json', '--data', data], { cwd: folder });
    assert.equal(code, 0, err);
    return JSON.parse(out);
  };
  assert.equal((await ingest(['README.md', 'other/README.md', deep])).documents, 3);
  for (const same of ['README.md', './README.md', 'other/../README.md', path.join(folder, 'README.md')])
    assert.deepEqual(await ingest([same]), { documents: 0, chunks: 0, skipped: 1, failed: 0, left_out: 0 }, same);
  for (const animal of ['heron', 'badger', 'lynx']) {
    const { citations } = JSON.parse((await repartee(['ask', `where does the ${animal} live?`, '--json', '--data', data])).out);
    assert.match(citations[0].text, new RegExp(animal));
    assert.ok(path.isAbsolute(citations[0].source) && citations[0].source.endsWith('/README.md'), citations[0].source);
  }
});

test('a file that cannot be taken is told, and the others are added', async (t) => {
  const folder = await temporaryFolder(t);
  const notes = path.join(folder, 'notes');
  mkdirSync(notes);
  writeFileSync(path.join(notes, 'good.md'), '# Lake\n\nThe heron lives by the lake.\n');
  writeFileSync(path.join(notes, 'huge.txt'), Buffer.alloc(32 * 1024 * 1024 + 1, 'a '));
  writeFileSync(Buffer.concat([Buffer.from(`${notes}/`), Buffer.from([0xe4]), Buffer.from('.md')]), 'The name is Latin-1.\n');
  const { code, out, err } = await repartee(['ingest', 'notes', '--data', 'data', ...QUIET], { cwd: folder });
  assert.equal(code, 1);
  assert.match(err, /notes\/huge\.txt is larger than \d+ bytes; cut it into parts/);
  assert.match(err, /the name notes\/.*\.md is not UTF-8; rename it/);
  assert.match(err, /3 of 3 files/);
  assert.equal(out, '1 documents with 1 passages added, 0 known already, 2 failed\n');
});

test('progress: lines for programs, a bar on a terminal', async (t) => {
  const folder = await temporaryFolder(t);
  mkdirSync(path.join(folder, 'notes'));
  for (let n = 0; n < 70; n++) writeFileSync(path.join(folder, 'notes', `${n}.md`), `# Note ${n}\n\nThe ferry number${n}x leaves.\n`);
  writeFileSync(path.join(folder, 'notes', 'picture.png'), '');
  const lines = await repartee(['ingest', 'notes', '--data', 'data', ...QUIET], { cwd: folder });
  assert.equal(lines.code, 0, lines.err);
  assert.equal(lines.err, '32 of 70 files, 32 passages\n64 of 70 files, 64 passages\n70 of 70 files, 70 passages\n');
  assert.equal(lines.out, '70 documents with 70 passages added, 0 known already, 0 failed, other files left out\n');
  const silent = await repartee(['ingest', '--json', 'notes', '--data', 'data', ...QUIET], { cwd: folder });
  assert.equal(silent.err, '');
  assert.deepEqual(JSON.parse(silent.out), { documents: 0, chunks: 0, skipped: 70, failed: 0, left_out: 1 });
  const bar = terminal(`repartee ingest notes --data other ${QUIET.join(' ')}`, { cwd: folder });
  assert.equal(await bar.ended, 0, bar.shown());
  assert.match(bar.shown(), /\r\x1b\[K\[#{10}-{14}\] 32 of 70 files/);
  assert.match(bar.shown(), /\[#{24}\] 70 of 70 files, 70 passages\r\x1b\[K70 documents/);
});

test('silence is told, and is no success', async (t) => {
  const folder = await temporaryFolder(t);
  const file = path.join(folder, 'silence.wav');
  writeWav(file, new Int16Array(16000), 16000);
  const { code, err } = await repartee(['talk', file, '--data', path.join(folder, 'data')]);
  assert.equal(code, 1);
  assert.match(err, /nothing was heard in the recording; is it silent\?/);
});

test('bench measures everything that one waits for', async (t) => {
  const server = await startServer(t, { args: ['--limit-turns', '20', '--tts-driver', 'scripted', '--stt-driver', 'scripted', '--stt-script', 'text=how do I add documents'] });
  await untilReady(server);
  const { code, out, err } = await repartee(['bench', '--data', server.data, '-n', '2', '--json']);
  assert.equal(code, 0, err);
  const { rounds, ...rows } = JSON.parse(out);
  assert.equal(rounds, 2);
  assert.match((await repartee(['bench', '--data', server.data, '-n', 'many'])).err, /whole number from 1 to 1000/);
  assert.deepEqual(Object.keys(rows), ['first_word', 'answer', 'first_sound', 'speech', 'heard', 'voice']);
  for (const [name, { unit, median, p99 }] of Object.entries(rows)) {
    assert.equal(unit, name === 'speech' ? 'x' : 'ms');
    assert(median > 0 && p99 >= median, `${name}: ${median}, ${p99}`);
  }
  const metrics = await (await fetch(`${server.url}metrics`)).text();
  assert.match(metrics, /^repartee_stage_seconds_count\{stage="retrieve"\} 6$/m, 'typed and spoken, the first round too, asked the documents');
  const table = await repartee(['bench', '--data', server.data, '--rounds=1']); /* has to wait for its last turns */
  assert.equal(table.code, 0, table.err);
  assert.equal(table.out.split('\n').filter((line) => / \d+\.\d+ (ms|x)/.test(line)).length, 6);
  await server.stop();
  const dead = await repartee(['bench', '--data', server.data, '--stt-driver', 'scripted', '--stt-script', 'crash=1', '-n', '1']);
  assert.notEqual(dead.code, 0);
  assert.match(dead.err, /^repartee bench: /m);
});
