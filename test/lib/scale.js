// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * How often a fault is tried: `make fault` runs the full number, `make test` a part of it, and fewer
 * where a sanitizer makes every start slow. A variable of the environment (KILLS=1000) wins over all.
 */
import path from 'node:path';
import { BUILD } from './server.js';

export const FULL = process.env.FAULT === 'full';
export const SANITIZED = path.basename(BUILD) !== 'build';

/** @param {string} name of the variable @param {{full: number, short: number, sanitized: number}} counts */
export function times(name, { full, short, sanitized }) {
  const given = Number(process.env[name]);
  if (process.env[name] && !(given > 0)) throw new Error(`${name} must be a number above 0`);
  return given || (FULL ? full : SANITIZED ? sanitized : short);
}
