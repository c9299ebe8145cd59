// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Thousands of clients in a process of their own, which, where times are measured, runs when nobody else wants to:
 * what they cost as clients is not to be taken for what they cost the server's other clients. Elsewhere they are like
 * all others, as on a busy machine they would never get to run.
 *
 *   const crowd = await gather(t, server.url);
 *   await crowd.come(Array(5000).fill('loris'));
 *   … (await crowd.look()).filter((one) => one.over)
 *
 * What they cost the machine whomever they visit shows when they visit somebody else:
 *
 *   const elsewhere = await gather(t, await openSink(t));
 */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { FULL } from './scale.js';
import { atEnd } from './server.js';

/** idle: an open WS /voice; loris: a request that never ends; deaf: asks and does not read; mute: says nothing.
 * @typedef {'idle' | 'loris' | 'deaf' | 'mute'} How */
/** @typedef {{how: How, connected: boolean, over: boolean, lasted: number}} One */

/** @param {import('node:test').TestContext} t @param {string} program @param {string[]} args */
function startCrowd(t, program, args) {
  const child = fork(path.join(import.meta.dirname, program), args, { execArgv: [] });
  if (FULL) execFileSync('chrt', ['--all-tasks', '--idle', '--pid', '0', String(child.pid)]);
  atEnd(t, () => child.kill('SIGKILL'));
  return child;
}

/** A server that says nothing. @param {import('node:test').TestContext} t @returns {Promise<string>} its address */
export async function openSink(t) {
  const [port] = await once(startCrowd(t, 'sink.js', []), 'message');
  return `http://127.0.0.1:${port}/`;
}

/** @param {import('node:test').TestContext} t @param {string} url */
export async function gather(t, url) {
  const child = startCrowd(t, 'crowd-child.js', [url]);
  /** @param {{come?: How[], leave?: true}} what @returns {Promise<One[]>} */
  const ask = async (what) => {
    child.send(what);
    const [all] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the crowd died'))),
    ]);
    return all;
  };
  return {
    /** They connect, some at once. @param {How[]} all */
    come: (all) => ask({ come: all }),
    look: () => ask({}),
    leave: () => ask({ leave: true }),
  };
}
