// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Made from the program's own tables: every option works from the file, the environment and the flag, and
 * stands in --help, in the manual page and in the completion. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { repartee } from '../lib/cli.js';
import { BUILD, environment, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { terminal } from '../lib/terminal.js';
import { VoiceClient } from '../lib/voice.js';

/** @typedef {{name: string, value: string, default: string, kind: string, words: string, min: number, max: number, flag: string, variable: string, old_variable?: string, help: string}} Option */

/** @param {string[]} args @param {Record<string, string>} [env] @returns {Promise<Option[]>} */
async function options(args, env) {
  const { code, out, err } = await repartee(['config', '--json', ...args], { env });
  assert.equal(code, 0, err);
  return JSON.parse(out).options;
}

/** Three values of the option that are not its default. @param {Option} o */
function values(o) {
  if (o.kind === 'integer') return [o.min, o.max, o.min + 1].filter((n) => String(n) !== o.default).map(String);
  if (o.kind === 'boolean') return o.default === 'on' ? ['off'] : ['on'];
  if (o.kind === 'word') return o.words.split('|').filter((word) => word !== o.default);
  return ['a value', 'another = value', 'ein dritter Wört'];
}

test('every option from file, environment and flag, each over the one before', async (t) => {
  const folder = await temporaryFolder(t);
  const data = ['--data', path.join(folder, 'data')];
  const file = path.join(folder, 'repartee.conf');
  const all = await options(data);
  assert.ok(all.length > 30);
  for (const o of all) {
    const [first, second = first, third = second] = values(o);
    const shown = (/** @type {string} */ value) => (o.kind === 'secret' ? '(set)' : value);
    const own = o.name === 'data' ? [] : data; /* the data folder itself: below the test's folder */
    const real = (/** @type {string} */ value) => (o.name === 'data' ? path.join(folder, value) : value);
    const found = async (/** @type {string[]} */ args, /** @type {Record<string, string>} */ env) =>
      (await options([o.name, '--config', file, ...own, ...args], env))[0].value;
    writeFileSync(file, `${o.name} = "${real(first)}"\n`);
    const env = { [o.variable]: real(second) };
    assert.equal(await found([], {}), shown(real(first)), `${o.name} in the file`);
    assert.equal(await found([], env), shown(real(second)), `${o.variable}`);
    if (o.old_variable) {
      assert.equal(await found([], { [o.old_variable]: real(third) }), shown(real(third)), `${o.old_variable} over the file`);
      assert.equal(await found([], { [o.old_variable]: real(third), ...env }), shown(real(second)), `${o.variable} over ${o.old_variable}`);
      assert.equal(await found([], { [o.old_variable]: '' }), shown(real(first)), `an empty ${o.old_variable} says nothing`);
    }
    const flags = o.kind === 'boolean' ? [[o.flag, 'on'], [o.flag.replace('--', '--no-'), 'off']] : [];
    if (o.kind !== 'boolean') {
      assert.equal(await found([o.flag, real(third)], env), shown(real(third)), `${o.flag} VALUE`);
      assert.equal(await found([`${o.flag}=${real(third)}`], env), shown(real(third)), `${o.flag}=VALUE`);
    }
    for (const [flag, value] of flags) assert.equal(await found([flag], env), value, flag);
    if (o.kind === 'secret') {
      writeFileSync(path.join(folder, 'secret'), 'xyzzy\n');
      writeFileSync(file, '');
      assert.equal(await found([`${o.flag}-file`, path.join(folder, 'secret')], {}), '(set)');
      assert.equal(await found([], { [`${o.variable}_FILE`]: path.join(folder, 'secret') }), '(set)');
    }
  }
});

test('what config prints is a configuration file that means the same', async (t) => {
  const folder = await temporaryFolder(t);
  const data = ['--data', path.join(folder, 'data')];
  const odd = ['--persona', '  "quoted" = odd # value ', '--name', '', '--greeting', '"Hello"', '--rag-k', '7'];
  const { out } = await repartee(['config', ...data, ...odd]);
  writeFileSync(path.join(folder, 'c.conf'), out);
  const again = await repartee(['config', '--config', path.join(folder, 'c.conf')]);
  assert.equal(again.err, '');
  assert.equal(again.out, out);
  assert.match(out, /^# auth\.key = \(not set\)$/m);
  assert.equal((await repartee(['config', 'rag.k', ...data, '--rag-k=9'])).out, '9\n');
  const wrong = await repartee(['config', 'rag.kk', ...data]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /there is no option "rag\.kk"; 'repartee config' lists them all/);
});

test('the help and the manual pages hold every option and command', async (t) => {
  const all = await options(['--data', await temporaryFolder(t)]);
  const help = (await repartee(['serve', '--help'])).out;
  const overview = (await repartee(['--help'])).out;
  const commands = [...overview.matchAll(/^ {2}([a-z]+) /gm)].map((m) => m[1]);
  const pages = ['repartee.1', 'repartee.conf.5'].map((name) => path.join(BUILD, name));
  for (const page of pages) {
    const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', page], { encoding: 'utf8' });
    assert.equal(lint.stdout, '', lint.stdout);
  }
  const [first, fifth] = pages.map((page) => execFileSync('mandoc', ['-T', 'ascii', page], { encoding: 'utf8' }).replace(/.\x08/g, ''));
  /* The options of each command, as its --help and the manual page tell them. */
  const sections = first.split(/^ {5}(?=[a-z]+ \[option \.\.\.\])/m).slice(1);
  const common = first.slice(first.indexOf('\nOPTIONS'));
  assert.deepEqual(sections.map((section) => section.split(' ')[0]), commands);
  for (const [i, name] of commands.entries()) {
    const own = (await repartee([name, '--help'])).out.split(/^Configuration/m)[0];
    const told = [...own.matchAll(/^ {2,}(?:-\w, )?(--[a-z-]+)/gm)].map((m) => m[1]).filter((flag) => !all.some((o) => o.flag === flag));
    assert.ok(told.includes('--help') && told.includes('--json') && told.includes('--config'), name);
    for (const flag of told) assert.ok(`${sections[i]}${common}`.includes(flag), `${name} ${flag}`);
    for (const [, flag] of sections[i].split('\nOPTIONS')[0].matchAll(/^ {13}(?:-\w [A-Z]+, )?(--[a-z-]+)/gm)) assert.ok(told.includes(flag), `${name} ${flag}`);
  }
  for (const o of all) {
    for (const text of [help, fifth]) {
      const flat = text.replace(/\s+/g, ' ');
      assert.ok(flat.includes(o.flag), o.flag);
      assert.ok(flat.toLowerCase().includes(o.help.toLowerCase()), o.help);
    }
    assert.match(help, new RegExp(`${o.name.replace('.', '\\.')}$`, 'm'));
    assert.match(fifth, new RegExp(`^ {5}${o.name.replace('.', '\\.')}( |$)`, 'm'));
    assert.ok(fifth.includes(o.variable));
    if (o.old_variable) assert.match(fifth, new RegExp(`${o.variable} or\\s+${o.old_variable}`));
  }
});

test('bash completes commands, options, values and files', async (t) => {
  const folder = await temporaryFolder(t);
  mkdirSync(path.join(folder, 'notes'));
  writeFileSync(path.join(folder, 'notes.md'), '');
  writeFileSync(path.join(folder, 'odd name.wav'), '');
  const script = (await repartee(['completion', 'bash'])).out;
  assert.equal(script, readFileSync(path.join(BUILD, 'repartee.bash'), 'utf8'), 'the installed file is the same');
  /** What the TAB key offers after these words, as bash cuts them. @param {string[]} words */
  const offered = (...words) => {
    const run = `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _repartee; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', run, 'bash', 'repartee', ...words], { cwd: folder, encoding: 'utf8' });
    assert.equal(stderr, '');
    return stdout.split('\n').filter(Boolean).sort();
  };
  for (const [words, want] of /** @type {[string[], string[]][]} */ ([
    [['in'], ['ingest']],
    [['say', '--voi'], ['--voice']],
    [['say', '--voice', 'r'], ['rms']],
    [['say', '--voice', '=', 's'], ['slt']],
    [['say', '--voice', '='], ['awb', 'en', 'en-gb', 'en-us', 'kal', 'rms', 'slt']],
    [['say', '-o', 'odd'], ['odd name.wav']],
    [['ingest', 'not'], ['notes', 'notes.md']],
    [['hear', 'odd'], ['odd name.wav']],
    [['ask', '--no-r'], ['--no-rag']],
    [['serve', '--log-level', ''], ['debug', 'error', 'info', 'warn']],
    [['serve', '--no-stt'], ['--no-stt-adapt']],
    [['serve', '--data', 'n'], ['notes']],
    [['serve', '--auth-key-file', 'notes.'], ['notes.md']],
    [['serve', '--listen', ''], []],
    [['config', 'tts.v'], ['tts.voice']],
    [['completion', ''], ['bash']],
    [['help', 'doc'], ['doctor']],
    [['nonsense', ''], []],
  ]))
    assert.deepEqual(offered(...words), want, words.join(' '));
  for (const o of await options(['--data', path.join(folder, 'data')])) assert.deepEqual(offered('serve', o.flag).filter((flag) => flag === o.flag), [o.flag]);
  /* And a person's own shell: keys are pressed, the line that comes of them is run. */
  const shell = terminal('bash --norc --noprofile -i', { cwd: folder, env: { INPUTRC: '/dev/null' } });
  await until(() => /[#$] $/.test(shell.shown()), 'a prompt');
  shell.press('eval "$(repartee completion bash)"; repartee() { echo "called:$*:"; }\n');
  shell.press('repartee hea\todd\t\n');
  await until(() => shell.shown().includes('called:hear odd name.wav:'), `the completed line: ${shell.shown()}`);
  shell.press('exit\n');
  await shell.ended;
});

test('name, greeting and language reach those who talk', async (t) => {
  const server = await startServer(t, { args: ['--name', 'Ada "A"', '--greeting', 'Good day – ask!', '--language', 'de-DE'] });
  await untilReady(server);
  const session = await (await fetch(server.url + 'session', { method: 'POST' })).json();
  const wanted = { name: 'Ada "A"', greeting: 'Good day – ask!', language: 'de-DE' };
  for (const [field, value] of Object.entries(wanted)) assert.equal(session[field], value);
  const voice = await VoiceClient.open(server.url);
  const [ready] = voice.events;
  for (const [field, value] of Object.entries(wanted)) assert.equal(ready[field], value);
  const turn = await voice.talk(new Int16Array(16000));
  assert.equal(turn.last.type, 'error', 'the built-in recogniser says that it cannot');
  assert.match(turn.last.error.message, /English only: set the option language to en, or choose another recogniser/);
  voice.close();
  const wrong = await repartee(['serve', '--language', 'deutsch, bitte', '--data', await temporaryFolder(t)]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /language must be a tag such as en, de or pt-BR, not "deutsch, bitte"/);
});
