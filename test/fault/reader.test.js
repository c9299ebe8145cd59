// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* A reader of files that dies, or gets the signal that was meant for the server, costs no document that was accepted. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { SANITIZED } from '../lib/scale.js';
import { startServer, until, untilReady } from '../lib/server.js';

const COUNT = 12;
const SENTENCES = SANITIZED ? 8000 : 40000; /* a second or so of a reader's work */

/** The readers that a server has running now. @param {number} server */
function readers(server) {
  const children = readFileSync(`/proc/${server}/task/${server}/children`, 'utf8').trim().split(' ');
  return children.filter(Boolean).map(Number).filter((pid) => nameOf(pid) === 'repartee-read');
}

/** @param {number} pid */
function nameOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return ''; /* gone meanwhile */
  }
}

/** Is it there still? @param {number} pid @param {NodeJS.Signals} signal */
function strike(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; /* gone meanwhile */
  }
}

/** @param {number} number */
function upload(number) {
  const form = new FormData();
  const text = `# Report ${number}\n\n` + `The word of day ${number} is marmalade${number}. `.repeat(SENTENCES);
  form.append('file', new Blob([text]), `report-${number}.md`);
  return form;
}

for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGKILL', 'SIGTERM'])) {
  test(`${signal} to the reader loses no document`, async (t) => {
    const server = await startServer(t, { args: ['--stt-driver', 'scripted', '--tts-driver', 'scripted'] });
    await untilReady(server);
    const jobs = [];
    for (let i = 0; i < COUNT; i++) {
      const answer = await fetch(server.url + 'rag/ingest', { method: 'POST', body: upload(i) });
      assert.equal(answer.status, 202);
      jobs.push((await answer.json()).job);
    }
    let sent = 0;
    for (const job of jobs) {
      const done = async () => {
        /* Few enough that no document meets its end each time it is tried. */
        if (sent < 4)
          for (const pid of readers(server.pid)) {
            sent += Number(strike(pid, signal));
          }
        const state = (await (await fetch(`${server.url}rag/jobs/${job}`)).json()).state;
        assert.notEqual(state, 'failed');
        return state === 'done';
      };
      await until(done, `job ${job}`, 60000);
    }
    assert.ok(sent > 0, 'no reader was met at work');
    const { documents } = await (await fetch(server.url + 'rag/documents')).json();
    assert.equal(documents.filter((/** @type {any} */ d) => /^Report/.test(d.title)).length, COUNT);
  });
}
