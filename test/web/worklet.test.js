// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once
/* The audio thread's half of the page, driven block by block without a browser. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import vm from 'node:vm';

const source = readFileSync(path.join(import.meta.dirname, '../../web/worklet.js'), 'utf8');
const BLOCK = 128;

/** A processor as the browser would make it. @param {string} name @param {number} sampleRate */
function processor(name, sampleRate) {
  /** @type {Record<string, any>} */
  const registered = {};
  class AudioWorkletProcessor {
    port = { said: /** @type {any[]} */ ([]), onmessage: (/** @type {any} */ _) => {}, postMessage: (/** @type {any} */ m) => this.port.said.push({ ...m }) };
  }
  vm.runInNewContext(source, { AudioWorkletProcessor, sampleRate, registerProcessor: (/** @type {string} */ n, /** @type {any} */ c) => (registered[n] = c), Math, Float32Array, Int16Array });
  const made = new registered[name]();
  return { made, said: made.port.said, tell: (/** @type {any} */ data) => made.port.onmessage({ data }) };
}

/** Feeds `seconds` of a tone in blocks. @param {any} made @param {number} hz @param {number} rate @param {number} seconds */
function hear(made, hz, rate, seconds, from = 0) {
  for (let at = 0; at < seconds * rate; at += BLOCK)
    made.process([[Float32Array.from({ length: BLOCK }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * (from + at + i)) / rate))]]);
}

/** @param {any[]} said */
const framesOf = (said) => said.filter((m) => m.frame).map((m) => m.frame);
/** @param {Int16Array[]} frames */
const joined = (frames) => Int16Array.from(frames.flatMap((f) => [...f]));
/** @param {Int16Array} x the loudness of the middle, 1 is full scale */
const level = (x) => Math.sqrt(x.slice(1600, -1600).reduce((sum, v) => sum + (v / 32768) ** 2, 0) / (x.length - 3200));

describe('capture', () => {
  for (const rate of [48000, 44100, 96000, 22050, 16000])
    test(`${rate} Hz becomes 16 kHz: speech passes, what lies above is gone`, () => {
      for (const [hz, low, high] of [[300, 0.349, 0.358], [1000, 0.349, 0.358], [6000, 0.345, 0.36], [9000, 0, 0.002], [10500, 0, 0.0005]]) {
        if (hz > rate / 2) continue;
        const { made, said, tell } = processor('capture', rate);
        tell('start');
        hear(made, hz, rate, 1);
        const loud = level(joined(framesOf(said)));
        assert(loud >= low && loud <= high, `${hz} Hz at ${rate}: ${loud}`);
      }
    });

  test('a minute has as many samples as it should', () => {
    const { made, said, tell } = processor('capture', 44100);
    tell('start');
    hear(made, 440, 44100, 60);
    tell('stop');
    const count = joined(framesOf(said)).length;
    assert(Math.abs(count - 60 * 16000) < 40, `${count}`);
    assert.equal(said.at(-1).stopped, true);
  });

  test('an utterance begins 200 ms before the press and ends with its last sample', () => {
    const { made, said, tell } = processor('capture', 48000);
    tell('arm');
    hear(made, 300, 48000, 1);
    assert.deepEqual(said.map((m) => m.open), [true], 'it says once that the microphone delivers, and keeps the sound');
    tell('start');
    assert.equal(joined(framesOf(said)).length, 3200);
    hear(made, 300, 48000, 0.25, 48000);
    tell('stop');
    const count = joined(framesOf(said)).length;
    assert(Math.abs(count - 7200) < 400, `${count}`);
    hear(made, 300, 48000, 1);
    assert.equal(joined(framesOf(said)).length, count, 'and nothing afterwards');
  });
});

describe('player', () => {
  const RATE = 22050;
  const BLOCK_MS = (BLOCK * 1000) / RATE;
  /** Plays `blocks` blocks. @param {any} made @param {number} blocks */
  function play(made, blocks) {
    const out = [];
    for (let i = 0; i < blocks; i++) {
      const block = new Float32Array(BLOCK);
      made.process([], [[block]]);
      out.push(...block);
    }
    return Int16Array.from(out, (x) => Math.round(x * 32768));
  }
  /** @param {number} n @param {number} from */
  const ramp = (n, from = 1) => Int16Array.from({ length: n }, (_, i) => ((from + i) % 30000) + 1);

  test('pieces come out as one, after the lead', () => {
    const { made, said, tell } = processor('player', RATE);
    tell(ramp(1000));
    assert(play(made, 4).every((x) => x === 0), 'too little to begin');
    tell(ramp(1000, 1001));
    tell(ramp(537, 2001));
    assert.deepEqual(play(made, 19), ramp(19 * BLOCK));
    assert.deepEqual(said[0], { started: true });
    tell('finish');
    const rest = play(made, 2);
    assert.deepEqual(rest.slice(0, 2537 - 19 * BLOCK), ramp(2537 - 19 * BLOCK, 19 * BLOCK + 1));
    assert(rest.slice(2537 - 19 * BLOCK).every((x) => x === 0));
    assert.deepEqual(said.at(-1), { played: 2537, drained: true });
  });

  test('an answer shorter than the lead is played when it is complete', () => {
    const { made, said, tell } = processor('player', RATE);
    tell(ramp(300));
    tell('finish');
    assert.deepEqual(play(made, 3).slice(0, 300), ramp(300));
    assert.deepEqual(said.at(-1), { played: 300, drained: true });
  });

  test('a gap in delivery loses nothing, and is followed by a longer lead', () => {
    const { made, tell } = processor('player', RATE);
    tell(ramp(1408));
    assert.deepEqual(play(made, 11), ramp(1408));
    tell(ramp(1500, 1409));
    assert(play(made, 2).every((x) => x === 0), '68 ms are not enough any more');
    tell(ramp(1500, 2909));
    assert.deepEqual(play(made, 20), ramp(20 * BLOCK, 1409));
  });

  /**
   * Plays `seconds` of sound that comes in messages of 20 ms, each at its own time, and tells how long the longest
   * silence inside of it was, in ms. The server sends up to two seconds ahead of the listener.
   * @param {number} seconds @param {(ms: number) => number} arrival when what was made at `ms` is here
   */
  function longestGap(seconds, arrival) {
    const { made, tell } = processor('player', RATE);
    const piece = RATE / 50;
    const whole = ramp(seconds * RATE);
    let sent = 0;
    let heard = 0;
    let silent = 0;
    let longest = 0;
    for (let block = 0; heard < whole.length; block++) {
      const now_ms = (block * BLOCK * 1000) / RATE;
      for (; sent < whole.length && arrival((sent * 1000) / RATE) <= now_ms; sent += piece) tell(whole.slice(sent, sent + piece));
      if (sent >= whole.length) tell('finish');
      for (const sample of play(made, 1)) {
        if (sample === 0) {
          if (heard > 0 && heard < whole.length) longest = Math.max(longest, ++silent);
          continue;
        }
        assert.equal(sample, whole[heard++], 'nothing is lost, nothing comes twice');
        silent = 0;
      }
      assert(now_ms < 4 * seconds * 1000, 'it is played');
    }
    return (longest * 1000) / RATE;
  }
  const AHEAD_MS = 2000;
  const paced = (/** @type {number} */ ms) => Math.max(0, ms - AHEAD_MS);
  /* A number from 0 to 1 for each piece, the same in every run. */
  const chance = (/** @type {number} */ ms) => Math.abs(Math.sin(ms * 12.9898) * 43758.5453) % 1;
  /* The busy machine's main thread: messages wait, then come all at once. */
  const bursts = (/** @type {number} */ every_ms) => (/** @type {number} */ ms) => Math.ceil(paced(ms) / every_ms) * every_ms;

  for (const [what, arrival] of /** @type {[string, (ms: number) => number][]} */ ([
    ['as the server sends it', paced],
    ['up to 150 ms late, each by itself', (ms) => paced(ms) + 150 * chance(ms)],
    ['in bursts of 100 ms', bursts(100)],
    ['in bursts of 700 ms', bursts(700)],
    ['with a second of nothing in the middle', (ms) => (paced(ms) > 4000 && paced(ms) < 5000 ? 5000 : paced(ms))],
  ]))
    test(`sound that comes ${what} is heard without a gap`, () => assert.equal(longestGap(12, arrival), 0));

  test('sound that comes too late waits no longer than it is late: 50 ms stay 50 ms', () => {
    const late = (/** @type {number} */ by_ms) => longestGap(12, (ms) => (ms >= 6000 ? Math.max(paced(ms), 6000 + by_ms) : paced(ms)));
    assert.equal(late(-10), 0);
    for (const by_ms of [20, 50, 200]) assert(late(by_ms) <= by_ms + 2 * BLOCK_MS, `${late(by_ms)} ms for ${by_ms}`);
  });

  test('silence comes at once, without a click, and the next answer is whole', () => {
    const { made, said, tell } = processor('player', RATE);
    tell(Int16Array.from({ length: 8000 }, () => 16000));
    play(made, 4);
    tell('clear');
    const fading = play(made, 2);
    for (let i = 1; i < fading.length; i++) assert(fading[i] <= fading[i - 1] && fading[i - 1] - fading[i] < 200, `step at ${i}`);
    assert.equal(fading.at(-1), 0);
    assert(!said.some((m) => m.drained));
    tell(ramp(2000));
    tell('finish');
    assert.deepEqual(play(made, 16).slice(0, 2000), ramp(2000));
    assert.deepEqual(said.at(-1), { played: 2000, drained: true });
  });
});
