// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once: scripts alone are tried
/*
 * What `make run` says on a machine where it cannot work: one sentence with the remedy. The scripts are
 * the real ones; only apt, which this root does not have, is a script that says what apt has been seen
 * to say.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { temporaryFolder } from '../lib/server.js';

const TOOLS = path.resolve('tools');
const APT = ['apt-get', 'apt-config', 'apt-cache', 'dpkg-deb', 'ldconfig'];

/** A folder with these programs. @param {string} folder @param {Record<string, string>} programs */
function programs(folder, programs) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(path.join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(path.join(folder, name), 0o755);
  }
  return folder;
}

/** @param {string} cache @param {string} says what apt-get says before it fails @param {string} [kind] of machine */
function makeRoot(cache, says, kind = 'amd64') {
  const bin = programs(path.join(cache, '..', 'bin'), {
    ...Object.fromEntries(APT.map((name) => [name, ':'])),
    'apt-get': `printf '%s\\n' "$APT_SAYS"; exit 100`,
    dpkg: `echo ${kind}`,
  });
  const env = { PATH: `${bin}:${process.env.PATH}`, APT_SAYS: says, HOME: '/nonexistent' };
  return spawnSync(path.join(TOOLS, 'root-make'), ['run', cache, 'run-test'], { env, encoding: 'utf8' });
}

/** @param {import('node:child_process').SpawnSyncReturns<string>} result @param {RegExp} says */
function isTold(result, says) {
  assert.notEqual(result.status, 0);
  const lines = result.stderr.split('\n').filter((line) => line && !/^repartee: reading|^ {2}|^make: /.test(line));
  assert.equal(lines.length, 1, result.stderr);
  assert.match(lines[0], says);
  assert.match(lines[0], /^repartee: .*[;,] /);
}

test('what apt fails of is told with its remedy', async (t) => {
  const folder = await temporaryFolder(t);
  const cache = path.join(folder, 'cache');
  mkdirSync(path.join(cache, 'roots'), { recursive: true });
  for (const [words, says] of /** @type {[string, RegExp][]} */ ([
    ["E: Failed to fetch http://deb.debian.org/x  Temporary failure resolving 'deb.debian.org'", /cannot reach .*; check the network, set http_proxy, or set REPARTEE_MIRROR/],
    ['Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)', /cannot reach .*; check the network/],
    ["Clearsigned file isn't valid, got 'NOSPLIT' (does the network require authentication?)\nE: The repository is not signed.", /wants a login .*; sign in to it with a browser, or set http_proxy/],
    ['Err:1 http://deb.debian.org forky InRelease\n  407  Proxy Authentication Required', /wants a login/],
    ['E: Release file for http://x is not valid yet (invalid for another 2d 3h). Updates for this repository will not be applied.', /clock is behind .*; set it/],
    ["  404  Not Found\nE: The repository 'http://x forky Release' does not have a Release file.", /no packages of Debian forky at .*; set REPARTEE_MIRROR/],
    ["Err:1 http://x forky InRelease\n  400  Bad Request [IP: 192.0.2.1 80]\nE: The repository 'http://x forky InRelease' is not signed.", /no packages of Debian forky at .*; set REPARTEE_MIRROR/],
    ['E: Failed to fetch http://x/y.deb  Hash Sum mismatch', /is being updated.*; try again in some minutes/],
    ['W: GPG error: NO_PUBKEY 6ED0E7B82643E131', /not signed by Debian; set REPARTEE_MIRROR/],
    ["E: gpgv, gpgv2 or gpgv1 required for verification, but neither seems installed", /type: sudo apt-get install gpgv/],
    ['E: Write error - write (28: No space left on device)', /is full; free some room or set XDG_CACHE_HOME/],
    ['E: write (122: Disk quota exceeded)', /is full; free some room/],
    ['E: Sub-process store was struck by lightning', /apt failed on .*; try again, or set REPARTEE_MIRROR/],
  ]))
    isTold(makeRoot(cache, words), says);
  const log = path.join(cache, 'root.log');
  rmSync(log, { force: true });
  mkdirSync(log); /* not even root can write there */
  isTold(makeRoot(cache, ''), /no permission to write in .*; give the folder back to yourself/);
  rmSync(log, { recursive: true });
  isTold(makeRoot(cache, '', 'riscv64'), /machine of the kind riscv64; Repartee runs on amd64 and arm64/);
  assert.deepEqual(readdirSync(path.join(cache, 'roots')), [], 'nothing half made is left');
});

test('a machine without the tools', async (t) => {
  const folder = await temporaryFolder(t);
  const bin = path.join(folder, 'few');
  mkdirSync(bin);
  const all = ['sh', 'bash', 'awk', 'flock', 'sha256sum', 'stat', 'readlink', 'id', 'dirname', 'sed', 'cat', 'uname', 'mkdir', 'touch', 'rm', 'xargs', 'tr'];
  for (const name of all) symlinkSync(spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim(), path.join(bin, name));
  const run = (/** @type {string} */ program, /** @type {string[]} */ args, without = '') => {
    const some = path.join(folder, `without-${without}`);
    mkdirSync(some);
    for (const name of all) if (name !== without) symlinkSync(path.join(bin, name), path.join(some, name));
    return spawnSync(path.join(TOOLS, program), args, { env: { PATH: some, HOME: folder }, encoding: 'utf8' });
  };
  for (const name of ['awk', 'flock', 'sha256sum', 'stat', 'readlink'])
    isTold(run('root', ['path'], name), new RegExp(`^repartee: ${name} is missing; type: sudo apt-get install `));
  isTold(run('root-make', ['run', path.join(folder, 'cache'), 'x']), /apt-get is missing; the private root needs apt and dpkg.*: install them, or work on Debian 14/);
});

test('a cache from which no program can be run', async (t) => {
  const folder = await temporaryFolder(t);
  const own = process.getuid?.() === 0 ? ['-m'] : ['-rm'];
  const bin = programs(path.join(folder, 'bin'), { ...Object.fromEntries(APT.map((name) => [name, ':'])), dpkg: 'echo amd64' });
  const cache = path.join(folder, 'cache');
  mkdirSync(cache);
  const mounted = (/** @type {string} */ how) =>
    spawnSync('unshare', [...own, 'sh', '-c', `mount -t tmpfs -o ${how} tmpfs ${cache} && mkdir ${cache}/roots && exec ${TOOLS}/root-make run ${cache} x`], {
      env: { PATH: `${bin}:${process.env.PATH}` },
      encoding: 'utf8',
    });
  const noexec = mounted('noexec');
  if (/unshare|mount:/.test(noexec.stderr)) return t.skip('no file system can be mounted here');
  isTold(noexec, /programs cannot be run from .*; set XDG_CACHE_HOME to a folder on another disk/);
  isTold(mounted('nr_inodes=4'), /full; free some room or set XDG_CACHE_HOME/);
});

test('a build that fails says of what', async (t) => {
  const folder = await temporaryFolder(t);
  mkdirSync(path.join(folder, 'tools'));
  cpSync(path.join(TOOLS, 'build'), path.join(folder, 'tools/build'));
  const build = (/** @type {string} */ meson, /** @type {string} */ ninja) => {
    const bin = programs(path.join(folder, 'bin'), { meson, ninja });
    return spawnSync(path.join(folder, 'tools/build'), [], { env: { PATH: `${bin}:${process.env.PATH}`, HOME: folder }, encoding: 'utf8' });
  };
  const MADE = 'mkdir -p "$2" && : > "$2/build.ninja"';
  isTold(build('echo "OSError: [Errno 28] No space left on device"; exit 1', ':'), /the disk that holds .* is full; free some room/);
  const about = build(MADE, 'echo "[1/2] cc"; echo "gcc: fatal error: Killed signal terminated program cc1"; exit 1');
  assert.match(about.stderr, /^repartee: the build failed: memory is short; end some programs and try again$/m);
  const wrong = build(MADE, 'echo "FAILED: x.o"; echo "x.c:1: error: what is this?"; exit 1');
  assert.match(wrong.stderr, /x\.c:1: error: what is this\?\nrepartee: the build failed; if the source is unchanged, try 'make clean'/);
  assert.ok(existsSync(path.join(folder, 'build/build.log')) && readFileSync(path.join(folder, 'build/build.log'), 'utf8').includes('x.c:1'));
  rmSync(path.join(folder, 'build'), { recursive: true });
  writeFileSync(path.join(folder, 'build'), ''); /* not even root can make a folder there */
  isTold(build(MADE, ':'), /no permission or no room to write in .*\/build; give the folder to yourself, free some room, or clone anew elsewhere/);
});
