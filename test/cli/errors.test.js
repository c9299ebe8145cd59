// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Every way to be wrong: the exit code, one sentence on standard error that names the remedy, nothing on
 * standard output. Exit code 2: the command was written wrongly; 1: it could not be done. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { repartee, start } from '../lib/cli.js';
import { BUILD, environment, startServer, temporaryFolder, until } from '../lib/server.js';

const QUIET = ['--stt-driver', 'scripted', '--tts-driver', 'scripted'];
const HELP = /\nTry 'repartee( \w+)? --help'\.\n$/;

/** @typedef {{args: string[], code: number, says: RegExp, input?: string, env?: Record<string, string>}} Row */

/** @param {string} data @returns {Row[]} */
const table = (data) => [
  /* commands */
  { args: ['sya', 'hi'], code: 2, says: /there is no command "sya"; did you mean say\?/ },
  { args: ['xyzzyxyzzy'], code: 2, says: /there is no command "xyzzyxyzzy"\n/ },
  { args: ['help', 'igest'], code: 2, says: /did you mean ingest\?/ },
  { args: ['--data', data, 'ask'], code: 2, says: /the command comes first: repartee COMMAND --data/ },
  /* options */
  { args: ['ask', 'x', '--jsn'], code: 2, says: /"--jsn" is no option of this command; did you mean --json\?/ },
  { args: ['serve', '--lisen=127.0.0.1:0'], code: 2, says: /did you mean --listen\?/ },
  { args: ['say', 'x', '--outptu', 'y'], code: 2, says: /did you mean --output\?/ },
  { args: ['ask', '--quite-another-thing'], code: 2, says: /write -- before words that begin with a minus sign/ },
  { args: ['ask', '-5', 'degrees'], code: 2, says: /"-5" is no option of this command; write --/ },
  { args: ['say', 'x', '-o'], code: 2, says: /-o needs a value: -o FILE/ },
  { args: ['say', 'x', '--voice'], code: 2, says: /--voice needs a value: --voice NAME/ },
  { args: ['ask', 'x', '--data'], code: 2, says: /--data needs a value/ },
  { args: ['ask', 'x', '--json=1'], code: 2, says: /--json takes no value; write it alone/ },
  { args: ['ask', 'x', '--rag-k', '99'], code: 2, says: /rag\.k must be a whole number from 1 to 50/ },
  { args: ['ask', 'x', '--log-level=loud'], code: 2, says: /log\.level must be one of error\|warn\|info\|debug/ },
  { args: ['ask', 'x', '--config', 'nofile.conf'], code: 2, says: /nofile\.conf cannot be read: .*; name another with --config/ },
  { args: ['ask', 'x', '--config', 'words.conf'], code: 2, says: /words\.conf:2: this is no option; write name = value, or # before a comment/ },
  { args: ['ask', 'x', '--config', 'quotes.conf'], code: 2, says: /quotes\.conf:1: the value does not end with its quotes; close them/ },
  { args: ['ask', 'x', '--config', 'text.wav', '--rag-k', 'x'], code: 2, says: /text\.wav:1: this is no option/ },
  { args: ['ask', 'x', '--config', 'folder'], code: 2, says: /folder cannot be read.*; name another with --config/ },
  { args: ['ask', 'x', '--rag-k'], code: 2, says: /--rag-k needs a value; write it after the flag/ },
  { args: ['ask', 'x', '--auth-key-file', 'nofile'], code: 2, says: /the file nofile of auth\.key cannot be read \(.*\); name another/ },
  { args: ['ask', 'x'], env: { RATE_LIMIT: '60/minute' }, code: 2, says: /RATE_LIMIT: limit\.turns must be a whole number from 1 to 100000/ },
  { args: ['ask', 'x', '--config', 'bad.conf'], code: 2, says: /bad\.conf:1: there is no option "rag\.kk"; did you mean "rag\.k"\?/ },
  { args: ['ask', 'x'], env: { REPARTEE_RAGK: '1' }, code: 2, says: /REPARTEE_RAGK is not one of Repartee's; did you mean REPARTEE_RAG_K\?/ },
  { args: ['serve', '--auth-key-file', 'empty.md'], code: 2, says: /the file empty\.md of auth\.key is empty/ },
  /* operands */
  { args: ['ask'], code: 2, says: /what is the question\? Write it in quotes, or - to read it from standard input/ },
  { args: ['ask', '   '], code: 2, says: /what is the question\?/ },
  { args: ['ask', '-'], input: '', code: 2, says: /what is the question\?/ },
  { args: ['ask', '-'], input: 'a'.repeat(17000), code: 1, says: /standard input is larger than 16384 bytes; cut it/ },
  { args: ['say'], code: 2, says: /what shall be said\?/ },
  { args: ['say', 'x', '--json'], code: 2, says: /name a file with -o FILE\.wav/ },
  { args: ['hear'], code: 2, says: /name a recording/ },
  { args: ['hear', 'a.wav', 'b.wav'], code: 2, says: /"b\.wav" is one argument too many/ },
  { args: ['serve', 'now'], code: 2, says: /"now" is one argument too many/ },
  { args: ['ingest'], code: 2, says: /name the files or folders to add/ },
  { args: ['forget', 'it'], code: 2, says: /"it" is one argument too many; leave it out, or join words by quotes/ },
  { args: ['config', 'rag.kk'], code: 2, says: /there is no option "rag\.kk"; 'repartee config' lists them all/ },
  { args: ['completion'], code: 2, says: /for which shell\? There is bash/ },
  { args: ['completion', 'tcsh'], code: 2, says: /tcsh.*bash/ },
  /* files */
  { args: ['hear', 'nofile.wav'], code: 1, says: /there is no file nofile\.wav; check its name/ },
  { args: ['hear', 'folder'], code: 1, says: /folder is a folder; name a file in it/ },
  { args: ['hear', 'text.wav'], code: 1, says: /not a WAV, FLAC, MP3, Ogg.Opus or WebM.Opus file; convert it, for example with: ffmpeg/ },
  { args: ['talk', '-o', 'a.wav'], code: 2, says: /-o goes with a recording/ },
  { args: ['talk', 'nofile.wav'], code: 1, says: /there is no file nofile\.wav; check its name/ },
  { args: ['talk', 'folder'], code: 1, says: /folder is a folder; name a file in it/ },
  { args: ['talk', 'text.wav'], code: 1, says: /text\.wav: this is not a WAV file; convert it/ },
  { args: ['ingest', 'nofile.md'], code: 1, says: /there is no file nofile\.md; check its name/ },
  { args: ['ingest', 'text.wav'], code: 1, says: /text\.wav is not .*; convert it/ },
  { args: ['ingest', 'gopher://example.org/a.md'], code: 1, says: /is an address; download it/ },
  { args: ['say', 'x', '-o', 'nofolder/a.wav'], code: 1, says: /nofolder\/a\.wav lies in a folder that does not exist; make it with mkdir/ },
  { args: ['say', 'x', '-o', 'folder'], code: 1, says: /folder is a folder; name a file/ },
  { args: ['say', 'x', '-o', '/dev/full'], code: 1, says: /the disk is full at \/dev\/full; make room, or choose another place/ },
  /* keys */
  { args: ['key'], code: 2, says: /Write create NAME, list or revoke NAME/ },
  { args: ['key', 'make', 'x'], code: 2, says: /"make" is none of create NAME, list and revoke NAME/ },
  { args: ['key', 'create'], code: 2, says: /whose key\? Write: repartee key create NAME/ },
  { args: ['key', 'create', 'local'], code: 2, says: /"local" is no name for a key: take letters/ },
  { args: ['key', 'create', 'a b'], code: 2, says: /"a b" is no name for a key: take letters/ },
  { args: ['key', 'list', 'x'], code: 2, says: /"x" is one argument too many/ },
  { args: ['key', 'revoke', 'nobody'], code: 1, says: /there is no key named nobody; 'repartee key list' shows them all/ },
  /* the server */
  { args: ['say', 'x', '-o', 'a.wav', '--voice', 'nobody', '--tts-driver', 'builtin'], code: 1, says: /there is no voice "nobody"; there are rms, slt/ },
  { args: ['serve', '--listen', 'here'], code: 1, says: /--listen must be ADDRESS:PORT, such as 127\.0\.0\.1:8600, not "here"/ },
  { args: ['serve', '--listen', '192.0.2.1:0'], code: 1, says: /192\.0\.2\.1:0 is no address of this machine; choose one with --listen/ },
  { args: ['serve', '--listen', '0.0.0.0:0'], code: 1, says: /lets others in, so a key is needed: make one with 'repartee key create NAME', .*or listen on 127\.0\.0\.1/ },
  { args: ['serve', '--listen', '127.0.0.1:0', '--auth-secret', 'short'], code: 1, says: /auth\.secret must have at least 32 characters/ },
  /* the data folder; of --data the last one counts */
  { args: ['ask', 'x', '--data', 'text.wav'], code: 1, says: /text\.wav is a file; name a folder with --data/ },
  { args: ['ask', 'x', '--data', '/proc/nowhere/at/all'], code: 1, says: /\/proc\/nowhere\/at\/all cannot be made \(.*\); name another with --data/ },
];

test('every mistake is told with its remedy', async (t) => {
  const folder = await temporaryFolder(t);
  const data = path.join(folder, 'data');
  mkdirSync(path.join(folder, 'folder'));
  writeFileSync(path.join(folder, 'text.wav'), 'These are words, not sound.');
  writeFileSync(path.join(folder, 'empty.md'), '');
  writeFileSync(path.join(folder, 'bad.conf'), 'rag.kk = 3\n');
  writeFileSync(path.join(folder, 'words.conf'), '# words\n[section]\n');
  writeFileSync(path.join(folder, 'quotes.conf'), 'persona = "You are\n');
  for (const { args, code, says, input, env } of table(data)) {
    const [command, ...rest] = args;
    const known = ['ask', 'say', 'hear', 'talk', 'ingest', 'key', 'forget', 'config', 'serve'].includes(command) && !/--(data|config)$/.test(rest.at(-1) ?? '');
    const call = known ? [command, ...QUIET, '--data', data, ...rest] : args;
    const result = await repartee(call, { cwd: folder, input, env });
    const about = `repartee ${args.join(' ')}: ${result.code}\n${result.out}${result.err}`;
    assert.equal(result.code, code, about);
    assert.match(result.err, says, about);
    assert.equal(result.out, '', about);
    assert.match(result.err, /^repartee( \w+)?: /, about);
    assert.equal(HELP.test(result.err), code === 2, about);
    if (code === 1) assert.equal(result.err.trimEnd().split('\n').length, /server did not start/.test(result.err) ? 2 : 1, about);
  }
});

/** The first text of each call of these functions, with what a compiler would join. @param {string} file */
function* sentences(file) {
  const text = readFileSync(file, 'utf8');
  for (const { 0: head, index } of text.matchAll(/\b(cli_fail|cli_misuse|server_refuse|conf_refuse)\(|\bstruct conf_err why = \{/g)) {
    const call = text.slice(index + head.length, text.indexOf(';\n', index));
    const literals = /(?:"(?:[^"\\]|\\.)*"\s*)+/.exec(call);
    if (literals) yield [...literals[0].matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((m) => m[1]).join('');
  }
}

/* Those that a table of calls does not reach as well: no memory, a broken disk. What begins with %s or
 * %.*s hands on somebody else's sentence. */
test('no sentence of the source is without a remedy', () => {
  const folders = ['src/server/cli', 'src/server/api', 'src/base'];
  const files = folders.flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith('.c')).map((name) => path.join(folder, name)));
  let count = 0;
  for (const file of files)
    for (const sentence of sentences(file)) {
      const words = sentence.replace(/%[-.*0-9]*[a-z]+|\\./g, ' ').trim();
      if (words.split(/\s+/).length < 3) continue;
      count++;
      assert.match(sentence, /[;?] ?|must | needs a value|: (name|make|take|repartee COMMAND)|none of|Try '|such as/, `${file}: ${sentence}`);
    }
  assert.ok(count > 90, `${count} sentences`);
});

test('what this user may not read or write', async (t) => {
  const folder = await temporaryFolder(t);
  chmodSync(folder, 0o755);
  const program = path.join(BUILD, 'repartee');
  /* root may do everything: then it is another user who runs the program */
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const [runner, ...prefix] = process.getuid?.() === 0 ? ['setpriv', ...nobody, program] : [program];
  const run = (/** @type {string[]} */ args) => spawnSync(runner, [...prefix, ...args], { cwd: folder, env: environment(), encoding: 'utf8' });
  if (run(['--version']).status !== 0) return t.skip('no other user can run the program here');
  writeFileSync(path.join(folder, 'secret.md'), '# Secret\n\nNot for you.\n', { mode: 0 });
  mkdirSync(path.join(folder, 'closed'), { mode: 0o500 });
  mkdirSync(path.join(folder, 'mine'));
  chmodSync(path.join(folder, 'mine'), 0o777);
  for (const [args, says] of /** @type {[string[], RegExp][]} */ ([
    [['hear', 'secret.md', '--data', 'mine'], /secret\.md may not be read by this user; change its rights with chmod/],
    [['ingest', 'secret.md', '--data', 'mine', ...QUIET], /secret\.md may not be read by this user/],
    [['say', 'x', '-o', 'closed/a.wav', '--data', 'mine', ...QUIET], /closed\/a\.wav may not be written by this user; choose another place/],
    [['ask', 'x', '--data', 'closed'], /closed cannot be used \(Permission denied\); change its rights, or name another with --data/],
    [['ask', 'x', '--data', 'closed/data'], /closed\/data cannot be made \(Permission denied\); name another with --data/],
  ])) {
    const { status, stderr } = run(args);
    assert.equal(status, 1, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, says);
  }
});

test('a port and a data folder that are taken', async (t) => {
  const server = await startServer(t, { args: QUIET });
  const { host } = new URL(server.url);
  const other = await repartee(['serve', '--listen', host, '--data', await temporaryFolder(t), ...QUIET]);
  assert.equal(other.code, 1);
  assert.match(other.err, /is in use by another program; stop it, or choose another port with --listen/);
  const same = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', server.data, ...QUIET]);
  assert.equal(same.code, 1);
  assert.match(same.err, /process \d+ \(repartee serve\) uses .*; wait for it or stop it, or name another directory with --data/);
});

test('what a server refuses is told in its words, and is no sound', async (t) => {
  const server = await startServer(t, { args: [...QUIET, '--limit-turns', '1'] });
  const file = path.join(await temporaryFolder(t), 'a.wav');
  assert.equal((await repartee(['ask', 'how do I add documents?', '--data', server.data])).code, 0);
  for (const words of [['ask', 'again?'], ['say', 'again', '-o', file], ['ask', 'again?', '--json']]) {
    const { code, out, err } = await repartee([...words, '--data', server.data]);
    assert.equal(code, 1, err);
    assert.match(err, /^repartee \w+: too many requests[^\n]*\n$/, words.join(' '));
    assert.equal(out, '');
  }
  assert.throws(() => readFileSync(file), { code: 'ENOENT' });
});

test('a server that goes away', async (t) => {
  const server = await startServer(t, { args: [...QUIET, '--llm-driver', 'scripted', '--llm-script', 'tokens=500,slow=20'] });
  const asked = start(['ask', 'one?', '--data', server.data]);
  await until(() => asked.out().length > 0, 'an answer that has begun');
  await server.kill();
  const { code, err } = await asked.ended;
  assert.equal(code, 1);
  assert.match(err, /the server went away .*; try again/);
});

test('a full disk', async (t) => {
  const folder = await temporaryFolder(t);
  writeFileSync(path.join(folder, 'long.md'), `# Long\n\n${'Barrels of salt were carried down to the harbour. '.repeat(60000)}`);
  const own = process.getuid?.() === 0 ? ['-m'] : ['-rm'];
  const within = (/** @type {string} */ kib, /** @type {string} */ command) =>
    spawnSync('unshare', [...own, 'sh', '-c', `mkdir -p disk && mount -t tmpfs -o size=${kib}k tmpfs disk && exec ${command}`], {
      cwd: folder,
      env: environment(),
      encoding: 'utf8',
    });
  if (within('64', 'true').status !== 0) return t.skip('no file system can be mounted here');
  for (const [kib, command, says] of [
    ['64', `repartee ask x --data disk ${QUIET.join(' ')}`, /the disk is full/],
    ['2048', `repartee ingest long.md --data disk ${QUIET.join(' ')}`, /the disk is full/],
    ['64', `repartee say "${'Good morning to all of you. '.repeat(20)}" -o disk/a.wav --data data --stt-driver scripted`, /the disk is full at disk\/a\.wav; make room/],
  ]) {
    const { status, stderr } = within(/** @type {string} */ (kib), /** @type {string} */ (command));
    assert.equal(status, 1, `${command}: ${stderr}`);
    assert.match(stderr, /** @type {RegExp} */ (says));
  }
});
