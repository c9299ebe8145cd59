// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once: what the manual says does not depend on how the programs were compiled
/*
 * The manual's own words, run as a reader would: the blocks marked `sh runnable` of each page, in their
 * order, in one folder, on a computer of their own with the server at its usual address.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { makeLan } from '../lib/lan.js';
import { encodeOgg } from '../lib/opus.js';
import { environment, socketGet, startServer, temporaryFolder, until } from '../lib/server.js';
import { speak } from '../lib/speech.js';

const PAGES = path.resolve('docs');
const LIMIT_MS = 200000;
/* They build, wait for keys, or belong into a start-up file: a page may show them without a run. */
const UNMARKED = /^(make |repartee talk$|eval )/m;

/** @typedef {{line: number, marked: boolean, text: string}} Block */

/** The shell blocks of a page. @param {string} page @returns {Block[]} */
function blocksOf(page) {
  const text = readFileSync(path.join(PAGES, page), 'utf8');
  return [...text.matchAll(/^```sh( runnable)?\n(.*?)^```$/gms)].map((m) => ({
    line: text.slice(0, m.index).split('\n').length,
    marked: m[1] !== undefined,
    text: m[2],
  }));
}

/** What a reader has at hand when the manual names it. @param {string} folder */
function layOut(folder) {
  writeFileSync(path.join(folder, '.curlrc'), 'silent\nshow-error\nfail-with-body\n');
  writeFileSync(path.join(folder, 'handbook.md'), '# Handbook\n\nThe canteen opens at noon and closes at two.\n');
  mkdirSync(path.join(folder, 'notes'));
  writeFileSync(path.join(folder, 'notes/garden.txt'), 'The roses are watered on Mondays.\n');
  const question = speak(folder, 'How do I add documents?');
  for (const name of ['question.wav', 'interview.wav']) copyFileSync(question, path.join(folder, name));
  copyFileSync(encodeOgg(question), path.join(folder, 'message.ogg'));
}

/** All files of a folder with their sizes, to see what a block has left. @param {string} folder */
function traces(folder) {
  return JSON.stringify(readdirSync(folder).map((name) => [name, statSync(path.join(folder, name)).size]));
}

/**
 * Runs a block to its end; a server in its last line is ended as soon as it is ready.
 * @param {Block} block @param {string} folder @param {string[]} within @param {Record<string, string>} env
 */
function run(block, folder, within, env) {
  const script = block.text.replace(/^(repartee serve)/m, 'exec $1');
  const child = spawn(within[0], [...within.slice(1), 'sh', '-euc', script], { cwd: folder, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', err = '';
  const late = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  child.stderr.on('data', (text) => (err += text));
  child.stdout.on('data', (text) => {
    out += text;
    if (/^Repartee is (?:ready|starting): /m.test(out)) child.kill('SIGINT');
  });
  return new Promise((/** @type {(end: {code: number | string | null, out: string, err: string}) => void} */ resolve) =>
    child.once('close', (code, signal) => {
      clearTimeout(late);
      resolve({ code: code ?? signal, out, err });
    }),
  );
}

for (const page of readdirSync(PAGES).filter((name) => name.endsWith('.md'))) {
  const blocks = blocksOf(page);
  if (blocks.length === 0) continue;
  test(`${page}: what can be run is marked, and runs`, async (t) => {
    for (const { line, text } of blocks.filter((block) => !block.marked))
      assert.match(text, UNMARKED, `${page}:${line} is not marked as runnable`);
    const marked = blocks.filter((block) => block.marked);
    if (marked.length === 0) return;
    const lan = await makeLan(t);
    if ('forbidden' in lan) return t.skip(lan.forbidden);
    const { within } = lan.computer;
    const folder = await temporaryFolder(t);
    const env = { HOME: folder };
    layOut(folder);
    if (!marked.some(({ text }) => /^repartee serve/m.test(text))) {
      const data = path.join(folder, '.local/share/repartee');
      const server = await startServer(t, { data, env, within, listen: '127.0.0.1:8600' });
      await until(async () => (await socketGet(server, '/readyz')).status === 200, 'a server that is ready', LIMIT_MS);
    }
    for (const block of marked) {
      const before = traces(folder);
      const { code, out, err } = await run(block, folder, within, env);
      const where = `${page}:${block.line}: ${block.text}${out}${err}`;
      assert.equal(code, 0, where);
      assert.ok(out.trim() || traces(folder) !== before, `it says nothing and leaves nothing: ${where}`);
    }
  });
}
