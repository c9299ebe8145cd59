// SPDX-License-Identifier: Apache-2.0
/* The audio thread. What its two nodes and voice.js say to each other is in types.d.ts. */

const SPEECH_HZ = 16000;
const FRAME = SPEECH_HZ / 50;
const PREROLL_FRAMES = 10; /* 200 ms: people begin to speak before the button is quite down */

/* The filter's places between two input samples: every common rate lands exactly on one. */
const PHASES = 320;
const ZERO_CROSSINGS = 16;

/** Band-limited interpolation with a windowed sinc (J. O. Smith, Digital Audio Resampling). */
class Resampler {
  constructor(fromHz, toHz) {
    this.step = fromHz / toHz;
    const cutoff = 0.46 * Math.min(1, toHz / fromHz); /* cycles per input sample */
    this.half = Math.ceil(ZERO_CROSSINGS / (2 * cutoff));
    this.taps = 2 * this.half;
    this.filter = new Float32Array((PHASES + 1) * this.taps);
    for (let i = 0; i < this.filter.length; i++) {
      const phase = Math.floor(i / this.taps);
      const x = (i % this.taps) - this.half + 1 - phase / PHASES;
      const sinc = x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x);
      const w = (Math.PI * Math.max(-this.half, Math.min(this.half, x))) / this.half;
      this.filter[i] = sinc * (0.42 + 0.5 * Math.cos(w) + 0.08 * Math.cos(2 * w)); /* Blackman */
    }
    this.input = new Float32Array(this.taps + 4096);
    this.count = this.half - 1; /* silence before the first sample */
    this.at = this.half - 1; /* where in `input` the next output sample lies */
  }

  push(block, emit) {
    this.input.set(block, this.count);
    this.count += block.length;
    for (; Math.floor(this.at) + this.half < this.count; this.at += this.step) {
      const whole = Math.floor(this.at);
      const row = Math.round((this.at - whole) * PHASES) * this.taps;
      const first = whole - this.half + 1;
      let sum = 0;
      for (let i = 0; i < this.taps; i++) sum += this.input[first + i] * this.filter[row + i];
      emit(sum);
    }
    const used = Math.max(0, Math.floor(this.at) - this.half + 1);
    this.input.copyWithin(0, used, this.count);
    this.count -= used;
    this.at -= used;
  }
}

class Capture extends AudioWorkletProcessor {
  resampler = new Resampler(sampleRate, SPEECH_HZ);
  frame = new Int16Array(FRAME);
  filled = 0;
  energy = 0;
  before = [];

  constructor() {
    super();
    this.port.onmessage = ({ data }) => this[data]();
  }

  arm() {
    this.armed = true;
    this.before = [];
    this.filled = 0;
  }

  start() {
    this.recording = true;
    for (const frame of this.before.splice(0)) this.port.postMessage({ frame, level: 0 });
  }

  stop() {
    if (this.recording && this.filled > 0) this.port.postMessage({ frame: this.frame.slice(0, this.filled), level: 0 });
    this.recording = false;
    this.filled = 0;
    this.port.postMessage({ stopped: true });
  }

  take(sample) {
    const value = Math.max(-1, Math.min(1, sample));
    this.energy += value * value;
    this.frame[this.filled++] = Math.round(value * 32767);
    if (this.filled < FRAME) return;
    if (this.recording) this.port.postMessage({ frame: this.frame, level: Math.sqrt(this.energy / FRAME) });
    else if (this.before.push(this.frame) > PREROLL_FRAMES) this.before.shift();
    this.frame = new Int16Array(FRAME);
    this.filled = this.energy = 0;
  }

  process(inputs) {
    const mono = inputs[0][0];
    if (!mono) return true;
    if (this.armed) this.port.postMessage({ open: true });
    this.armed = false;
    this.resampler.push(mono, (sample) => this.take(sample));
    return true;
  }
}

const LEAD_S = 0.06; /* what must have arrived before sound begins: it hides jitter */
const LEAD_MAX_S = 0.3; /* every gap doubles the lead, up to this */
const FADE_S = 0.005; /* no click when the user cuts in */
const REPORT_S = 0.1;

class Player extends AudioWorkletProcessor {
  lead = LEAD_S;

  constructor() {
    super();
    this.reset();
    this.port.onmessage = ({ data }) => (typeof data === 'string' ? this[data]() : this.add(data));
  }

  reset() {
    this.queue = [];
    this.offset = 0;
    this.waiting = 0;
    this.played = this.reported = 0;
    this.running = this.finished = false;
    this.fade = 0; /* samples left of the fade-out; 0: none */
  }

  add(samples) {
    if (this.fade > 0) this.reset();
    this.queue.push(samples);
    this.waiting += samples.length;
  }

  finish() {
    this.finished = true;
  }

  clear() {
    if (this.running) this.fade = Math.round(FADE_S * sampleRate);
    else this.reset();
  }

  next() {
    const value = this.queue[0][this.offset++] / 32768;
    this.waiting--;
    this.played++;
    if (this.offset === this.queue[0].length) {
      this.queue.shift();
      this.offset = 0;
    }
    return this.fade > 0 ? (value * --this.fade) / (FADE_S * sampleRate) : value;
  }

  /* The queue has run dry: the end of the answer, or a gap in delivery. */
  dry() {
    this.running = false;
    this.lead = Math.min(2 * this.lead, LEAD_MAX_S);
    if (!this.finished) return;
    this.port.postMessage({ played: this.played, drained: true });
    this.lead = LEAD_S;
    this.reset();
  }

  process(_inputs, outputs) {
    const out = outputs[0][0];
    if (!this.running && (this.finished || this.waiting >= this.lead * sampleRate)) {
      if (this.played === 0) this.port.postMessage({ started: true });
      this.running = true;
    }
    if (!this.running) return true;
    const fading = this.fade > 0;
    for (let i = 0; i < out.length && this.waiting > 0 && !(fading && this.fade === 0); i++) out[i] = this.next();
    if (fading && (this.fade === 0 || this.waiting === 0)) this.reset();
    else if (this.waiting === 0) this.dry();
    if (this.played - this.reported >= REPORT_S * sampleRate) {
      this.reported = this.played;
      this.port.postMessage({ played: this.played });
    }
    return true;
  }
}

registerProcessor('capture', Capture);
registerProcessor('player', Player);
