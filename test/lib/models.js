// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Made models, installed as `repartee pull` installs them, and the change from one to another. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { childrenOf } from './measure.js';
import { BUILD } from './server.js';

/** @typedef {{name: string, shape?: string, kind?: string, spoil?: (bytes: Buffer) => Buffer}} Made */

/**
 * Writes models.lock and the files; of the shape `none` it is no model. `spoil` changes the file after its SHA-256 was taken.
 * @param {string} data @param {Made[]} models
 */
export function installModels(data, models) {
  const entries = models.map(({ name, shape = 'tiny', kind = 'llm', spoil }) => {
    const file = `${kind}/${name}.gguf`, where = path.join(data, 'models', file);
    mkdirSync(path.dirname(where), { recursive: true });
    if (shape === 'none') writeFileSync(where, 'This is no model.');
    else if (spawnSync(path.join(BUILD, 'test/gguf_make'), [shape, where]).status !== 0) throw new Error(`${where} cannot be made`);
    const bytes = readFileSync(where);
    if (spoil) writeFileSync(where, spoil(Buffer.from(bytes)));
    return { name, kind, source: `hf:test/${name}:${name}.gguf`, sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, file };
  });
  writeFileSync(path.join(data, 'models/models.lock'), JSON.stringify({ version: 1, models: entries }));
}

/** The processes of language models that a server has. @param {{pid: number}} server */
export const modelProcesses = (server) =>
  childrenOf(server.pid).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0].endsWith('repartee-llm') && statSync(`/proc/${pid}`);
    } catch {
      return false; /* it has just gone */
    }
  });

/**
 * POST /models/use. `events` grows as they come; `over` resolves when the stream has ended.
 * @param {{url: string}} server @param {string} name @param {Record<string, string>} [headers]
 */
export async function useModel(server, name, headers = {}) {
  const answer = await fetch(server.url + 'models/use', { method: 'POST', body: JSON.stringify({ name }), headers: { 'content-type': 'application/json', ...headers } });
  /** @type {{event: string, [field: string]: any}[]} */
  const events = [];
  const isStream = answer.headers.get('content-type') === 'text/event-stream';
  const read = async () => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const bytes of /** @type {any} */ (answer.body)) {
      text += decoder.decode(bytes, { stream: true });
      for (let at; (at = text.indexOf('\n\n')) >= 0; text = text.slice(at + 2)) {
        const lines = text.slice(0, at).split('\n');
        const field = (/** @type {string} */ key) => lines.find((line) => line.startsWith(key))?.slice(key.length);
        const event = field('event: ');
        if (event) events.push({ event, ...JSON.parse(field('data: ') ?? '{}') });
      }
    }
    return events.at(-1);
  };
  const over = isStream ? read() : Promise.resolve(undefined);
  over.catch(() => {}); /* whoever waits for it sees that the server went */
  return { status: answer.status, headers: answer.headers, error: isStream ? undefined : (await answer.json()).error, events, over };
}

/** The same to its end: its last event. @param {{url: string}} server @param {string} name @returns {Promise<any>} */
export async function changeTo(server, name) {
  const change = await useModel(server, name);
  if (change.error) throw new Error(`${name}: ${JSON.stringify(change.error)}`);
  return change.over;
}
