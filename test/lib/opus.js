// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Opus that is not ours: made and read by opus-tools, put into WebM here. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * An Ogg/Opus file beside the WAV file. @param {string} wav
 * @param {{kbps?: number, frame_ms?: number, channels?: number}} [options]
 */
export function encodeOgg(wav, { kbps = 24, frame_ms = 20, channels = 1 } = {}) {
  const file = wav.replace(/\.wav$/, `-${kbps}-${frame_ms}-${channels}.ogg`);
  const stereo = `${wav}.stereo.wav`;
  if (channels === 2) execFileSync('sox', [wav, '-c', '2', stereo]);
  execFileSync('opusenc', ['--quiet', '--bitrate', String(kbps), '--framesize', String(frame_ms), channels === 2 ? stereo : wav, file]);
  return file;
}

/** The samples that another decoder makes of an Ogg/Opus file, as a WAV file. @param {string} ogg */
export function decodeOgg(ogg) {
  const wav = `${ogg}.wav`;
  execFileSync('opusdec', ['--quiet', '--rate', '24000', '--force-wav', ogg, wav]);
  return wav;
}

/** The packets of an Ogg file with one stream; the first two are its heads. @param {string} file */
export function packetsOf(file) {
  const bytes = readFileSync(file);
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const packets = [];
  let part = Buffer.alloc(0);
  for (let page = 0; page < bytes.length; ) {
    const lengths = bytes.subarray(page + 27, page + 27 + bytes[page + 26]);
    let at = page + 27 + lengths.length;
    for (const n of lengths) {
      part = Buffer.concat([part, bytes.subarray(at, at + n)]);
      at += n;
      if (n === 255) continue;
      packets.push(new Uint8Array(part));
      part = Buffer.alloc(0);
    }
    page = at;
  }
  return packets;
}

/** The checksum of Ogg's pages. @param {Uint8Array} bytes */
function checksum(bytes) {
  let sum = 0;
  for (const byte of bytes) {
    sum = (sum ^ (byte << 24)) >>> 0;
    for (let bit = 0; bit < 8; bit++) sum = ((sum << 1) ^ (sum & 0x80000000 ? 0x04c11db7 : 0)) >>> 0;
  }
  return sum;
}

/**
 * An Ogg/Opus file of bare packets of 20 ms, so that another decoder can read them.
 * @param {string} file @param {Uint8Array[]} packets
 */
export function writeOgg(file, packets) {
  const head = Buffer.from('OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0', 'latin1');
  const pages = [head, Buffer.from('OpusTags\0\0\0\0\0\0\0\0'), ...packets].map((packet, i, all) => {
    const lengths = [...Array(Math.floor(packet.length / 255)).fill(255), packet.length % 255];
    const page = Buffer.concat([Buffer.alloc(27), Buffer.from(lengths), packet]);
    page.write('OggS');
    page[5] = i === 0 ? 2 : i === all.length - 1 ? 4 : 0;
    page.writeBigUInt64LE(BigInt(Math.max(0, i - 1) * 960), 6);
    page.writeUInt32LE(1, 14);
    page.writeUInt32LE(i, 18);
    page[26] = lengths.length;
    page.writeUInt32LE(checksum(page), 22);
    return page;
  });
  writeFileSync(file, Buffer.concat(pages));
}

/** @param {number[]} id @param {Uint8Array} content */
function element(id, content) {
  const size = content.length;
  return Buffer.concat([Buffer.from([...id, 0x10 | (size >> 24), (size >> 16) & 255, (size >> 8) & 255, size & 255]), content]);
}

const UNKNOWN = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/**
 * A WebM file of an Ogg file's packets, as MediaRecorder writes it while it records: no sizes, a
 * Cluster now and then. @param {string} ogg
 * @param {number} [perCluster] packets
 */
export function webmOf(ogg, perCluster = 50) {
  const [head, , ...packets] = packetsOf(ogg);
  const entry = Buffer.concat([
    element([0xd7], Buffer.from([1])), element([0x83], Buffer.from([2])),
    element([0x86], Buffer.from('A_OPUS')), element([0x63, 0xa2], head),
  ]);
  const parts = [
    element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x82], Buffer.from('webm'))),
    Buffer.from([0x18, 0x53, 0x80, 0x67, ...UNKNOWN]),
    element([0x16, 0x54, 0xae, 0x6b], element([0xae], entry)),
  ];
  packets.forEach((packet, i) => {
    if (i % perCluster === 0) parts.push(Buffer.from([0x1f, 0x43, 0xb6, 0x75, ...UNKNOWN]), element([0xe7], Buffer.from([0])));
    parts.push(element([0xa3], Buffer.concat([Buffer.from([0x81, 0, 0, 0x80]), packet])));
  });
  return new Uint8Array(Buffer.concat(parts));
}

/** The same as a file. @param {string} ogg */
export function writeWebm(ogg) {
  const file = ogg.replace(/\.ogg$/, '.webm');
  writeFileSync(file, webmOf(ogg));
  return file;
}
