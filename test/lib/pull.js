// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* `repartee pull` from a hub of test/lib/hub.js, and what there is afterwards. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { repartee, start } from './cli.js';
import { temporaryFolder } from './server.js';

/** @param {string} data @param {import('./hub.js').Hub} hub @param {string[]} words @param {Record<string, string>} [env] @param {number} [silence_ms] */
export function pull(data, hub, words, env = {}, silence_ms = 20000) {
  const places = ['--models-hub', hub.url, '--fetch-allow', hub.elsewhere, '--fetch-silence-ms', String(silence_ms)];
  return repartee(['pull', ...words, '--data', data, ...places], { env });
}
/** @param {string} data */
export function inLock(data) {
  const file = path.join(data, 'models/models.lock');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).models : [];
}
/** Everything below models, but what is hidden, the list and a new one that a crash has left. @param {string} data */
export function installed(data) {
  const folder = path.join(data, 'models');
  const kinds = existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.') && !name.startsWith('models.lock')) : [];
  return kinds.flatMap((kind) => readdirSync(path.join(folder, kind)).map((name) => `${kind}/${name}`));
}
/**
 * Runs shell scripts with a disk of 1 MB in the folder `disk`, and models in that; null where none can be mounted.
 * @param {import('node:test').TestContext} t
 */
export async function onSmallDisk(t) {
  const folder = await temporaryFolder(t), own = process.getuid?.() === 0 ? ['-m'] : ['-rm'];
  const within = async (/** @type {string} */ script) => {
    const child = start([], { within: ['unshare', ...own, 'sh', '-c', `mkdir -p disk && mount -t tmpfs -o size=1m tmpfs disk && mkdir disk/models && ${script}`], cwd: folder });
    const { code, err } = await child.ended;
    return { status: code, err };
  };
  return (await within('true')).status === 0 ? within : null;
}
