// SPDX-License-Identifier: Apache-2.0
/* Microphone and loudspeaker. Both keep their audio graph warm between turns; the work on samples is
 * done on the audio thread. */

/** Something the user can do something about; `message` says what. */
export class Trouble extends Error {
  constructor(message, code = '') {
    super(message);
    this.code = code;
  }
}

const TROUBLES = {
  NotAllowedError: 'The microphone is not allowed for this page. Allow it next to the address, then try again.',
  NotFoundError: 'No microphone was found. Plug one in and try again, or type.',
  NotReadableError: 'The microphone is in use by another program. Close that program and try again.',
  other: 'The microphone could not be started. Try again.',
  insecure: 'Browsers give the microphone only to pages on the same computer (http://127.0.0.1) or over https. Typing works here.',
};

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function load(context, name, options) {
  await context.audioWorklet.addModule('/worklet.js');
  return new AudioWorkletNode(context, name, options);
}

/* --- the microphone --- */

/* The next utterance begins without a delay and with its first syllable. Until then nothing leaves
 * the audio thread. */
const LINGER_MS = 20000;
/* People let go before their last word has passed the sound card. */
const TAIL_MS = 80;
const FLUSH_MS = 200; /* longer than the audio thread ever takes */

let ears, capture, source;
let cancelling, linger, ontold;
let onframe = (_frame, _level) => {};
let ending = Promise.resolve();

/** @type {Microphone} */
export const microphone = {
  async open(echoCancellation = false) {
    await ending;
    clearTimeout(linger);
    if (cancelling !== echoCancellation) microphone.close();
    cancelling = echoCancellation;
    if (source?.mediaStream.active) return;
    if (!navigator.mediaDevices || !window.AudioWorkletNode) throw new Trouble(TROUBLES.insecure);
    try {
      const audio = { channelCount: 1, echoCancellation, noiseSuppression: true, autoGainControl: true };
      const [stream] = await Promise.all([navigator.mediaDevices.getUserMedia({ audio }), prepare()]);
      await attach(stream);
    } catch (error) {
      microphone.close();
      throw new Trouble(TROUBLES[error.name] ?? TROUBLES.other);
    }
  },

  begin(each) {
    onframe = each;
    capture.port.postMessage('start');
  },

  end: () => (ending = end()),

  close() {
    clearTimeout(linger);
    source?.disconnect();
    for (const track of source?.mediaStream.getTracks() ?? []) track.stop();
    source = null;
    ears?.suspend();
  },
};

async function prepare() {
  if (capture) return;
  ears ??= new AudioContext({ latencyHint: 'interactive' });
  capture = await load(ears, 'capture', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
  capture.port.onmessage = ({ data }) => {
    if (data.frame) onframe(data.frame, data.level);
    else ontold?.(data);
  };
}

/** Resolves when the audio thread says `answer`. */
function tell(message, answer) {
  capture?.port.postMessage(message);
  return new Promise((resolve) => (ontold = (data) => data[answer] && resolve(0)));
}

async function attach(stream) {
  source = ears.createMediaStreamSource(stream);
  stream.getAudioTracks()[0].onended = () => {
    microphone.close();
    microphone.onlost();
  };
  const opened = tell('arm', 'open');
  source.connect(capture);
  await ears.resume();
  await opened;
}

async function end() {
  await sleep(TAIL_MS);
  await Promise.race([tell('stop', 'stopped'), sleep(FLUSH_MS)]);
  onframe = () => {};
  clearTimeout(linger);
  linger = setTimeout(microphone.close, LINGER_MS);
}

/* --- the loudspeaker --- */

const DUCKED = 0.2; /* of the volume, while somebody seems to interrupt */
const DUCK_S = 0.04;

let mouth, rate, playing, volume;
let early = []; /* what came while the audio thread was being set up */

/** @type {Loudspeaker} */
export const player = {
  turn: -1,
  playedMs: 0,

  unlock(hz) {
    if (rate === hz) {
      mouth.resume().catch(() => {});
      return;
    }
    mouth?.close();
    playing = null;
    rate = hz;
    /* At the answer's own rate: the browser resamples once. */
    mouth = new AudioContext({ sampleRate: hz, latencyHint: 'interactive' });
    begin(mouth).catch(() => {}); /* without sound the text still comes */
  },

  begin(turn, hz) {
    player.clear();
    player.unlock(hz);
    player.turn = turn;
    player.playedMs = 0;
  },

  push(turn, samples) {
    if (turn === player.turn) post(new Int16Array(samples));
  },

  finish: () => post('finish'),

  duck(softly) {
    volume?.gain.setTargetAtTime(softly ? DUCKED : 1, mouth.currentTime, DUCK_S);
  },

  clear() {
    player.turn = -1;
    player.duck(false);
    early = [];
    playing?.port.postMessage('clear');
  },
};

async function begin(context) {
  const node = await load(context, 'player', { numberOfInputs: 0, outputChannelCount: [1] });
  if (context !== mouth) return;
  volume = new GainNode(context);
  node.connect(volume).connect(context.destination);
  node.port.onmessage = ({ data }) => report(data);
  playing = node;
  for (const message of early.splice(0)) node.port.postMessage(message);
}

function report({ started, played, drained }) {
  if (player.turn < 0) return;
  const late_ms = (mouth.outputLatency || 0) * 1000;
  if (started) player.onstart(late_ms);
  if (played === undefined) return;
  player.playedMs = Math.max(0, Math.round((played / rate) * 1000 - (drained ? 0 : late_ms)));
  player.onplayed(player.playedMs);
  if (!drained) return;
  player.turn = -1;
  player.ondrained();
}

function post(message) {
  if (playing) playing.port.postMessage(message);
  else early.push(message);
}
