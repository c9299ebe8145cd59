// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* A command in a terminal of its own (util-linux's `script`): what it shows is read, keys are pressed. */
import { spawn } from 'node:child_process';
import { environment } from './server.js';

const LIMIT_MS = 480000;

/** @param {string} command for the shell @param {{env?: Record<string, string>, cwd?: string}} [options] */
export function terminal(command, { env, cwd } = {}) {
  const child = spawn('script', ['-qefc', command, '/dev/null'], { env: environment({ TERM: 'xterm', ...env }), cwd, stdio: 'pipe' });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (shown += text));
  child.stdin.on('error', () => {});
  const late = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => child.once('close', (code) => (clearTimeout(late), resolve(code))));
  return { child, ended, shown: () => shown, press: (/** @type {string} */ keys) => child.stdin.write(keys) };
}
