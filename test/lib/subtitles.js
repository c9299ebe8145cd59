// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Subtitles, read strictly: whatever a player might stumble over is an error. */
import assert from 'node:assert/strict';

/** @typedef {{start: number, end: number, text: string}} Cue in seconds */

const TIME = '(\\d{2,}):([0-5]\\d):([0-5]\\d)';
/** @param {string[]} parts hours, minutes, seconds, milliseconds */
const seconds = (parts) => Number(parts[0]) * 3600 + Number(parts[1]) * 60 + Number(parts[2]) + Number(parts[3]) / 1000;

/** Cues of one line of times and at least one of text. @param {string[]} lines @param {string} point @returns {Cue} */
function cueOf(lines, point) {
  const times = new RegExp(`^${TIME}\\${point}(\\d{3}) --> ${TIME}\\${point}(\\d{3})$`).exec(lines[0]);
  assert.ok(times, `no times: ${lines[0]}`);
  const text = lines.slice(1).join('\n');
  assert.ok(text.trim() && text === text.trim(), `no text, or blanks around it: ${JSON.stringify(text)}`);
  assert.doesNotMatch(text, /[\0-\x09\x0b-\x1f\x7f]|-->/, 'what ends a cue, or a control character');
  return { start: seconds(times.slice(1, 5)), end: seconds(times.slice(5, 9)), text };
}

/** @param {Cue[]} cues */
function inOrder(cues) {
  for (const [i, { start, end }] of cues.entries()) {
    assert.ok(end > start, `cue ${i + 1} ends before it begins`);
    assert.ok(start >= (cues[i - 1]?.end ?? 0), `cue ${i + 1} begins before the one in front has ended`);
  }
  return cues;
}

/** Paragraphs, each with exactly one empty line behind it. @param {string} text */
function blocksOf(text) {
  if (text === '') return [];
  assert.ok(text.endsWith('\n\n') && !text.includes('\n\n\n') && !text.startsWith('\n') && !text.includes('\r'), 'lines are missing, or too many');
  return text.slice(0, -2).split('\n\n').map((block) => block.split('\n'));
}

/** SubRip. @param {string} text */
export function parseSrt(text) {
  return inOrder(blocksOf(text).map(([number, ...lines], i) => {
    assert.equal(number, String(i + 1), 'cues are counted from 1');
    return cueOf(lines, ',');
  }));
}

/** @type {Record<string, string>} */
const ENTITIES = { '&amp;': '&', '&lt;': '<', '&gt;': '>' };

/** WebVTT without cue names, settings and markup (W3C, 4.1). @param {string} text */
export function parseVtt(text) {
  const [[head, ...more], ...blocks] = blocksOf(text);
  assert.deepEqual([head, ...more], ['WEBVTT']);
  return inOrder(blocks.map((lines) => {
    const cue = cueOf(lines, '.');
    assert.doesNotMatch(cue.text.replace(/&(amp|lt|gt);/g, ''), /[&<>]/, 'markup');
    return { ...cue, text: cue.text.replace(/&\w+;/g, (entity) => ENTITIES[entity]) };
  }));
}
