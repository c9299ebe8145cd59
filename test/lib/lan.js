// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * A computer and a phone in a network of their own: two network namespaces with a cable between. Root
 * may make them; an ordinary user may inside a user namespace, unless the machine forbids it.
 *
 *   const lan = await makeLan(t);
 *   if ('forbidden' in lan) return t.skip(lan.forbidden);
 *   spawn(lan.phone.within[0], [...lan.phone.within.slice(1), 'curl', lan.computer.address]);
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { atEnd } from './server.js';

/** @typedef {{address: string, within: string[]}} Machine within: the beginning of a command that runs there */

const ROOT = process.getuid?.() === 0;
const COMPUTER = '192.168.77.1', PHONE = '192.168.77.2';

/** A process that stays in a new network until the test is over. @param {import('node:test').TestContext} t @param {string[]} command */
async function dwell(t, command) {
  const child = spawn(command[0], [...command.slice(1), 'sh', '-c', 'echo here; exec cat'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let trouble = '';
  child.stderr.on('data', (text) => (trouble += text));
  atEnd(t, () => child.kill('SIGKILL'));
  const here = once(child.stdout, 'data').then(() => true);
  const gone = once(child, 'close').then(() => false);
  if (!(await Promise.race([here, gone]))) throw new Error(trouble.trim());
  return ['nsenter', '-t', String(child.pid), ...(ROOT ? [] : ['-U', '--preserve-credentials']), '-n', '--'];
}

/** @param {string[]} within @param {string} command */
function ip(within, command) {
  execFileSync(within[0], [...within.slice(1), 'ip', ...command.split(' ')], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** @param {import('node:test').TestContext} t @returns {Promise<{computer: Machine, phone: Machine} | {forbidden: string}>} */
export async function makeLan(t) {
  try {
    const computer = await dwell(t, ['unshare', ROOT ? '-n' : '-Urn']);
    const phone = await dwell(t, [...computer, 'unshare', '-n']);
    for (const machine of [computer, phone]) ip(machine, 'link set lo up');
    ip(computer, `link add lan0 type veth peer name wlan0 netns ${phone[2]}`);
    ip(computer, `address add ${COMPUTER}/24 dev lan0`);
    ip(phone, `address add ${PHONE}/24 dev wlan0`);
    ip(computer, 'link set lan0 up');
    ip(phone, 'link set wlan0 up');
    return { computer: { address: COMPUTER, within: computer }, phone: { address: PHONE, within: phone } };
  } catch (error) {
    return { forbidden: `no network of our own can be made here: ${/** @type {Error} */ (error).message.split('\n').at(-1)}` };
  }
}
