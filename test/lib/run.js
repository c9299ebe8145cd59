// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * run.js JOBS TAP MARK FILE...: runs files of tests, JOBS at a time, in the order in which they are named (`node --test`
 * sorts them by name); the results for people on standard output, and as TAP in the file TAP. Of the tests those alone
 * whose names hold MARK, with a ! before it all others; '': all.
 */
import { createWriteStream } from 'node:fs';
import { run } from 'node:test';
import { spec, tap } from 'node:test/reporters';

const TIMEOUT_MS = 900000; /* of a test that names none of its own */

const [jobs, into, mark, ...files] = process.argv.slice(2);
const chosen = mark.startsWith('!') ? { testSkipPatterns: [mark.slice(1)] } : mark ? { testNamePatterns: [mark] } : {};
const results = run({ files, concurrency: Number(jobs), timeout: TIMEOUT_MS, ...chosen });
results.on('test:fail', ({ todo }) => todo || (process.exitCode = 1));
/* A file without any chosen test is reported as one that passed. */
results.on('test:pass', ({ name }) => {
  if (!files.includes(name)) return;
  console.error(`${name} has no test that is chosen by ${mark}`);
  process.exitCode = 1;
});
results.compose(tap).pipe(createWriteStream(into));
results.compose(new spec()).pipe(process.stdout);
