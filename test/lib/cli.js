// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * One command of the command line, run to its end:
 *
 *   const { code, out, err } = await repartee(['ask', 'how?', '--data', folder]);
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { BUILD, environment } from './server.js';

const LIMIT_MS = 360000;

/** @typedef {{input?: string | Buffer, env?: Record<string, string>, cwd?: string, within?: string[]}} RunOptions */

/** A command that runs; `ended` resolves to its exit code and what it wrote. @param {string[]} args @param {RunOptions} [options] */
export function start(args, { input, env, cwd, within = [] } = {}) {
  const [program, ...rest] = [...within, path.join(BUILD, 'repartee'), ...args];
  const child = spawn(program, rest, { env: environment(env), cwd, stdio: 'pipe' });
  /** @type {Buffer[]} */
  const out = [];
  let err = '';
  child.stdout.on('data', (bytes) => out.push(bytes));
  child.stderr.on('data', (text) => (err += text));
  child.stdin.on('error', () => {}); /* it need not read */
  child.stdin.end(input);
  const late = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  /** @type {Promise<{code: number | string | null, out: string, bytes: Buffer, err: string}>} */
  const ended = new Promise((resolve) =>
    child.once('close', (code, signal) => {
      clearTimeout(late);
      const bytes = Buffer.concat(out);
      resolve({ code: code ?? signal, out: bytes.toString(), bytes, err });
    }),
  );
  return { child, ended, err: () => err, out: () => Buffer.concat(out).toString() };
}

/** @param {string[]} args @param {RunOptions} [options] */
export function repartee(args, options) {
  return start(args, options).ended;
}
