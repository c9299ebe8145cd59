// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * A server whose calls of the C library fail on demand (fault_shim.c):
 *
 *   const shim = await Shim.make(t);
 *   const server = await startServer(t, { env: shim.env });
 *   shim.fail('fdatasync', { error: 'EIO', pass: 3, times: 1 });
 *   …
 *   assert.equal(shim.stop(), 1); // one did fail
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import path from 'node:path';
import { BUILD, atEnd, temporaryFolder } from './server.js';

const SIZE = 4096;
/* struct control */
const CALL = 0, PASS = 4, TIMES = 8, ERROR = 12, FAILED = 16, BLOCKS = 20, CLOCK_SHIFT = 24, CALLS = 32, NAMES = CALLS + 4 * 64, PASSED = NAMES + 1024, KINDS = PASSED + 8;
/** Of descriptors: enum kind. */
const KIND = { socket: 1, file: 2, other: 4 };
export const EVER = 0xffffffff;

export class Shim {
  #fd;
  /** @param {string} file */
  constructor(file) {
    this.#fd = openSync(file, 'r+');
    this.env = {
      LD_PRELOAD: path.join(BUILD, 'test/libfault_shim.so'),
      FAULT_CONTROL: file,
      ASAN_OPTIONS: `verify_asan_link_order=0:allocator_may_return_null=1:${process.env.ASAN_OPTIONS ?? ''}`,
    };
  }

  /** @param {import('node:test').TestContext} t */
  static async make(t) {
    const file = path.join(await temporaryFolder(t), 'control');
    await writeFile(file, new Uint8Array(SIZE));
    const shim = new Shim(file);
    atEnd(t, () => closeSync(shim.#fd));
    return shim;
  }

  /** @param {number} at */
  #read(at) {
    const word = new Uint32Array(1);
    readSync(this.#fd, word, 0, 4, at);
    return word[0];
  }

  /** @param {number} at @param {number} value */
  #write(at, value) {
    writeSync(this.#fd, Uint32Array.of(value), 0, 4, at);
  }

  /** Its number. @param {string} call */
  #number(call) {
    const bytes = Buffer.alloc(1024);
    readSync(this.#fd, bytes, 0, bytes.length, NAMES);
    const at = bytes.subarray(0, bytes.indexOf(0)).toString().split(' ').indexOf(call);
    if (at < 0) throw new Error(`fault_shim.c has no ${call}`);
    return at + 1;
  }

  /**
   * From now on `pass` calls go through and `times` fail; 'ONE' instead of an errno: they carry one byte.
   * With `on` only calls that carry bytes of such a descriptor are counted and fail.
   * @param {string} call @param {{error?: string, pass?: number, times?: number, on?: keyof typeof KIND}} how
   */
  fail(call, { error = 'ENOMEM', pass = 0, times = 1, on } = {}) {
    const number = this.#number(call);
    const errno = error === 'ONE' ? 0 : /** @type {Record<string, number>} */ (constants.errno)[error];
    if (errno === undefined) throw new Error(`no such errno: ${error}`);
    this.#write(CALL, 0);
    this.#write(KINDS, on ? KIND[on] : 0);
    this.#write(PASS, pass);
    this.#write(TIMES, times);
    this.#write(ERROR, errno);
    this.#write(FAILED, 0);
    this.#write(CALL, number);
  }

  /** All goes well again; returns how many have failed. */
  stop() {
    this.#write(CALL, 0);
    return this.#read(FAILED);
  }

  /** How many of the calls that were to go through have not been made yet. */
  get passing() {
    return this.#read(PASS);
  }

  /** So many of these calls were made since the program's start. @param {string} call */
  calls(call) {
    return this.#read(CALLS + 4 * this.#number(call));
  }

  /** Blocks of memory in use (since the shim was loaded). */
  get blocks() {
    return this.#read(BLOCKS) | 0;
  }

  /** What waits for a time is due so much sooner, once something else happens. @param {number} ms */
  pass(ms) {
    this.#passed += ms;
    writeSync(this.#fd, BigInt64Array.of(BigInt(this.#passed)), 0, 8, PASSED);
  }
  #passed = 0;

  /** The wall clock is so far ahead of the real one. @param {number} seconds */
  moveClock(seconds) {
    writeSync(this.#fd, BigInt64Array.of(BigInt(seconds)), 0, 8, CLOCK_SHIFT);
  }
}
