// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* The document store beside a bare full-text table: test/bench/rag_bench.c prints the numbers. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { BUILD } from '../lib/server.js';

test('50,000 passages', () => {
  const { status } = spawnSync(path.join(BUILD, 'test', 'rag_bench'), ['50000'], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`rag_bench ended with ${status}`);
});
