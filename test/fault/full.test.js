// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * A server whose data folder has a file system of 8 MiB: documents until it is full, and a disk that others
 * have filled to the last byte. Conversations go on, what was accepted stays, and deleting makes room.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { Flows, SCRIPTED } from '../lib/acknowledged.js';
import { FULL, SANITIZED } from '../lib/scale.js';
import { atEnd, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';

const SIZES = FULL ? [3000, 30000, 100000, 300000] : SANITIZED ? [] : [300000];
const asRoot = process.getuid?.() === 0;
const own = asRoot ? ['-m'] : ['-rm'];

/** A small disk, and how to run a server on it. @param {import('node:test').TestContext} t */
async function makeDisk(t) {
  const data = await temporaryFolder(t);
  const mount = `mount -t tmpfs -o size=8m tmpfs ${data}`;
  if (spawnSync('unshare', [...own, 'sh', '-c', mount]).status !== 0) return null;
  const holder = spawn('unshare', [...own, 'sh', '-c', `${mount} && echo mounted && exec sleep 100000`], { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(t, () => holder.kill('SIGKILL'));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const user = asRoot ? [] : ['--user', '--preserve-credentials'];
  const within = ['nsenter', '--target', String(holder.pid), ...user, '--mount', '--root', '--wd'];
  const inside = `/proc/${holder.pid}/root${data}`, filler = path.join(inside, 'filler');
  return {
    start: () => startServer(t, { data, args: SCRIPTED, within }),
    /** Others take all there is. */
    fill() {
      const file = openSync(filler, 'a');
      try {
        for (const size of [4096, 1]) assert.throws(() => {
          for (;;) writeSync(file, Buffer.alloc(size));
        }, /ENOSPC/);
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler),
    dropReserve: () => rmSync(path.join(inside, 'reserve'), { force: true }),
  };
}

/** So many characters of words that are nowhere else. @param {number} size @param {string} name */
function text(size, name) {
  let words = '';
  for (let i = 0; words.length < size; i++) words += `Word ${name}x${i} is number ${i} of them. ${i % 10 ? '' : '\n\n'}`;
  return words;
}

/** All that needs no room. @param {Flows} flows */
async function converse(flows) {
  for (const flow of /** @type {const} */ (['visit', 'chat', 'voice', 'tts'])) assert.equal(await flows.run(flow), '', flow);
}

for (const size of SIZES)
  test(`documents of ${size} bytes until the disk is full`, { timeout: FULL ? 600000 : undefined }, async (t) => {
    const disk = await makeDisk(t);
    if (!disk) return t.skip('no file system can be mounted here');
    let server = await disk.start();
    await untilReady(server);
    const flows = new Flows(server);
    let accepted = 0, least = 1;
    const upload = async () => {
      const why = await flows.ingest(text(size, `d${accepted}`));
      accepted += Number(!why);
      return why;
    };
    const uploads = async () => {
      let why = '';
      while (!why) why = await upload();
      assert.equal(why, '507 disk_full');
    };
    await uploads();
    assert.ok(accepted > 0);
    await converse(flows);
    await flows.settle(); /* what was accepted had room to be read */
    await uploads();
    await server.kill();
    flows.server = server = await disk.start();
    await untilReady(server);
    await flows.checkDocuments(server);
    for (let round = 0; round < (FULL ? 10 : 1); round++) {
      await uploads();
      await flows.settle();
      /* The index gives its pages back when it merges them. */
      const half = flows.holds / 2;
      do assert.equal(await flows.remove(), '');
      while ((await upload()) && flows.holds > half);
      assert.ok(flows.holds > half, 'room was made');
      least = Math.min(least, flows.holds / half / 2);
    }
    await converse(flows);
    assert.equal(await server.stop(), 0);
    server = await disk.start();
    await untilReady(server);
    await flows.checkDocuments(server);
    if (FULL) {
      while (flows.holds) assert.equal(await flows.remove(), '');
      await uploads();
      await flows.settle();
      await flows.checkDocuments(server);
    }
    t.diagnostic(`${accepted} were accepted; ${Math.round(100 * (1 - least))} % of those there had to go at most before another was`);
  });

test('others fill the disk to the last byte', async (t) => {
  const disk = await makeDisk(t);
  if (!disk) return t.skip('no file system can be mounted here');
  let server = await disk.start();
  await untilReady(server);
  const flows = new Flows(server);
  for (let i = 0; i < 4; i++) assert.equal(await flows.ingest(text(100000, `d${i}`)), '');
  await flows.settle();
  disk.fill();
  await converse(flows);
  assert.equal(await flows.run('ingest'), '507 disk_full');
  assert.equal(await flows.run('remove'), '', 'there is a reserve');
  disk.fill();
  await server.kill();
  disk.fill();
  server = await disk.start();
  await server.logged(/the disk of \S+ is full: documents can be asked and deleted, but nothing new is kept; free some space/);
  for (const end of /** @type {('kill' | 'stop')[]} */ (FULL ? ['kill', 'stop'] : ['kill'])) {
    await flows.checkDocuments(server);
    await converse(flows);
    assert.equal(await flows.ingest(text(300000, end)), '507 disk_full');
    assert.equal(await flows.run('remove'), '');
    const code = await server[end]();
    if (end === 'stop') assert.equal(code, 0);
    server = await disk.start();
  }
  assert.equal(await server.stop(), 0);
  disk.dropReserve();
  disk.fill();
  await assert.rejects(disk.start(), /ended with 1:\n.*repartee serve: the disk of \S+ is full, so that its documents\.db cannot be opened; free some space\n/s);
  disk.free();
  server = await disk.start();
  await untilReady(server);
  await flows.checkDocuments(server);
  await until(async () => !(await flows.run('ingest')), 'room');
  assert.equal(await flows.run('remove'), '');
  assert.equal(await server.stop(), 0);
  server = await disk.start();
  await untilReady(server);
  await flows.checkDocuments(server);
});
