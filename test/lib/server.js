// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Starts the real server on a free port with a data folder of its own, reads the line that it prints,
 * and ends it with the test:
 *
 *   const server = await startServer(t, { args: ['--stt-streams', '1'] });
 *   await fetch(server.url + 'healthz');
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const BUILD = path.resolve(process.env.TEST_BUILD ?? 'build');
const START_MS = 180000; /* under a sanitizer on a busy machine */
const STOP_MS = 120000;
const LOG_MS = 10000;

const OF_THE_CALLER = /^(REPARTEE_|XDG_|HF_)|_proxy$/i;

/** The programs' environment: nothing of the caller's configuration. @param {Record<string, string>} [more] */
export function environment(more = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !OF_THE_CALLER.test(name));
  return { ...Object.fromEntries(kept), PATH: `${BUILD}:${process.env.PATH}`, XDG_CONFIG_HOME: '/nonexistent', ...more };
}

/** Ends of tests, latest first: the browser goes before the server that it talks to. @type {WeakMap<object, (() => unknown)[]>} */
const ends = new WeakMap();

/** Like t.after, but the other way round. @param {import('node:test').TestContext} t @param {() => unknown} end */
export function atEnd(t, end) {
  if (!ends.has(t)) {
    ends.set(t, []);
    t.after(async () => {
      /** @type {unknown[]} */
      const failures = [];
      for (const end of ends.get(t)?.reverse() ?? [])
        try {
          await end();
        } catch (error) {
          failures.push(error); /* the others still end */
        }
      if (failures.length) throw failures[0];
    });
  }
  ends.get(t)?.push(end);
}

let addresses = 0;

/**
 * Where somebody listens later, or again: below the ports that the kernel gives to those who ask for any, as other
 * tests do at the same time, and by the number of the process, so that hardly any other takes it.
 */
export async function ownAddress() {
  for (;;) {
    const port = 12000 + ((process.pid * 16 + addresses++) % 20000);
    const is_free = await new Promise((resolve) => {
      const trial = createServer().once('error', () => resolve(false));
      trial.listen(port, '127.0.0.1', () => trial.close(() => resolve(true)));
    });
    if (is_free) return `127.0.0.1:${port}`;
  }
}

/** A folder that goes away with the test. @param {import('node:test').TestContext} t */
export async function temporaryFolder(t) {
  const folder = await mkdtemp(path.join(tmpdir(), 'repartee-test-'));
  atEnd(t, () => rm(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * @param {import('node:test').TestContext} t
 * @param {{args?: string[], env?: Record<string, string>, data?: string, listen?: string, within?: string[], program?: string}} [options]
 *   within: a command that runs another one elsewhere (lan.js); program: another server
 */
export async function startServer(t, { args = [], env = {}, data, listen = '127.0.0.1:0', within = [], program: server_program = path.join(BUILD, 'repartee') } = {}) {
  const folder = data ?? (await temporaryFolder(t));
  const [program, ...rest] = [...within, server_program, 'serve', '--listen', listen, '--data', folder, ...args];
  const child = spawn(program, rest, {
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '', said = '';
  child.stderr.on('data', (text) => (log += text));
  const gone = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  const url = await new Promise((resolve, reject) => {
    const patience = setTimeout(() => fail('did not say that it is ready'), START_MS);
    const fail = (/** @type {string} */ why) => {
      clearTimeout(patience);
      reject(new Error(`the server ${why}:\n${said}${log}`));
    };
    gone.then((code) => fail(`ended with ${code}`));
    child.stdout.on('data', (text) => {
      said += text;
      const address = /^Repartee is (?:ready|starting): (http\S+)$/m.exec(said)?.[1];
      if (!address) return;
      clearTimeout(patience);
      resolve(address);
    });
  });
  const server = {
    url,
    data: folder,
    pid: /** @type {number} */ (child.pid),
    gone,
    log: () => log,
    /** Waits for a line: an answer may come sooner than what was written before it. @param {RegExp} line */
    async logged(line) {
      await until(() => line.test(log), `${line} in the log`, LOG_MS).catch((/** @type {Error} */ error) => {
        throw new Error(`${error.message}:\n${log}`);
      });
    },
    /** Its standard output. */
    said: () => said,
    /** Ends it gently; resolves with its exit code. */
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      const code = await gone;
      clearTimeout(late);
      return code;
    },
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
  atEnd(t, () => server.stop());
  return server;
}

/** Waits until `check` gives something. @template T @param {() => T | Promise<T>} check @param {string} what */
export async function until(check, what, patience_ms = 120000) {
  const end = Date.now() + patience_ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`in vain waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A GET through DATA/server.sock, which is plain and there in every network. @param {{data: string}} server @param {string} what */
export function socketGet(server, what) {
  return new Promise((/** @type {(answer: {status?: number, body: string}) => void} */ resolve, reject) => {
    request({ socketPath: path.join(server.data, 'server.sock'), path: what }, async (answer) => {
      let body = '';
      for await (const piece of answer) body += piece;
      resolve({ status: answer.statusCode, body });
    })
      .once('error', reject)
      .end();
  });
}

/** Every engine is up and the manual is in the store. @param {{url: string}} server */
export function untilReady(server) {
  return until(async () => (await fetch(server.url + 'readyz')).ok, 'a server that is ready', START_MS);
}
