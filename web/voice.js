// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Microphone and loudspeaker. Both keep their audio graph warm between turns; the work on samples
 * is done on the audio thread (worklet.js). Nothing here knows the server.
 */

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

/* After an utterance the microphone stays open this long, so that the next one begins without a
 * delay and with its first syllable. Nothing leaves the audio thread meanwhile. */
const LINGER_MS = 20000;
/* People let go before their last word has passed the sound card. */
const TAIL_MS = 80;
const FLUSH_MS = 200; /* longer than the audio thread ever takes */

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Microphone {
  #context;
  #node;
  #source;
  /** @type {OnFrame} */
  #onframe = () => {};
  /** @type {(data: any) => unknown} */
  #ontold = () => {};
  #cancelling = false;
  #linger = 0;
  #ending = Promise.resolve();
  onlost; /* the device has disappeared */

  /** Asks for the microphone, unless it is open. Throws Trouble.
   * @param {boolean} [echoCancellation] whoever holds the button has silenced the answer, and needs none */
  async open(echoCancellation = false) {
    await this.#ending;
    clearTimeout(this.#linger);
    if (this.#cancelling !== echoCancellation) this.close();
    this.#cancelling = echoCancellation;
    if (this.#source?.mediaStream.active) return;
    if (!navigator.mediaDevices || !window.AudioWorkletNode) throw new Trouble(TROUBLES.insecure);
    try {
      const audio = { channelCount: 1, echoCancellation, noiseSuppression: true, autoGainControl: true };
      const [stream] = await Promise.all([navigator.mediaDevices.getUserMedia({ audio }), this.#prepare()]);
      await this.#attach(stream);
    } catch (error) {
      this.close();
      throw new Trouble(TROUBLES[error.name] ?? TROUBLES.other);
    }
  }

  async #prepare() {
    if (this.#node) return;
    this.#context ??= new AudioContext({ latencyHint: 'interactive' });
    await this.#context.audioWorklet.addModule('/worklet.js');
    const mono = { numberOfOutputs: 0, channelCount: 1, channelCountMode: /** @type {const} */ ('explicit') };
    this.#node = new AudioWorkletNode(this.#context, 'capture', mono);
    this.#node.port.onmessage = ({ data }) => {
      if (data.frame) this.#onframe(data.frame, data.level);
      else this.#ontold(data);
    };
  }

  /** Resolves when the audio thread says `answer`. */
  #tell(message, answer) {
    this.#node?.port.postMessage(message);
    return new Promise((resolve) => (this.#ontold = (data) => data[answer] && resolve(0)));
  }

  /** Resolves when sound arrives. */
  async #attach(stream) {
    this.#source = this.#context.createMediaStreamSource(stream);
    stream.getAudioTracks()[0].onended = () => {
      this.close();
      this.onlost();
    };
    const opened = this.#tell('arm', 'open');
    this.#source.connect(this.#node);
    await this.#context.resume();
    await opened;
  }

  /** Frames of 16 kHz sound, from 200 ms ago on. */
  begin(onframe) {
    this.#onframe = onframe;
    this.#node.port.postMessage('start');
  }

  /** Resolves when the last frame has been handed over. */
  end() {
    return (this.#ending = this.#end());
  }

  async #end() {
    await sleep(TAIL_MS);
    await Promise.race([this.#tell('stop', 'stopped'), sleep(FLUSH_MS)]);
    this.#onframe = () => {};
    clearTimeout(this.#linger);
    this.#linger = window.setTimeout(() => this.close(), LINGER_MS);
  }

  /** Lets the device go: the browser's recording sign goes out. */
  close() {
    clearTimeout(this.#linger);
    this.#source?.disconnect();
    for (const track of this.#source?.mediaStream.getTracks() ?? []) track.stop();
    this.#source = null;
    this.#context?.suspend();
  }
}

const DUCKED = 0.2; /* of the volume, while somebody seems to interrupt */
const DUCK_S = 0.04;

/** Plays the answer's samples, one turn at a time. */
export class Player {
  turn = -1; /* what is being played, or -1 */
  playedMs = 0;
  #rate = 0;
  #context;
  #node;
  #volume;
  /** What came while the audio thread was being set up. */
  #early = [];
  onstart; /* the first sample is on its way; it is heard so many ms later */
  onplayed; /* so many ms have been heard */
  ondrained; /* the last sample has been played */

  /** Call it on a press: browsers allow sound only then. */
  unlock(rate) {
    if (this.#rate === rate) {
      if (this.#context.state !== 'running') this.#context.resume().catch(() => {});
      return;
    }
    this.#context?.close();
    this.#node = null;
    this.#rate = rate;
    /* At the answer's own rate: the browser resamples once. */
    this.#context = new AudioContext({ sampleRate: rate, latencyHint: 'interactive' });
    this.#load(this.#context).catch(() => {}); /* without sound the text still comes */
  }

  async #load(context) {
    await context.audioWorklet.addModule('/worklet.js');
    if (context !== this.#context) return;
    const node = new AudioWorkletNode(context, 'player', { numberOfInputs: 0, outputChannelCount: [1] });
    this.#volume = new GainNode(context);
    node.connect(this.#volume).connect(context.destination);
    node.port.onmessage = ({ data }) => this.#report(data);
    this.#node = node;
    for (const message of this.#early.splice(0)) node.port.postMessage(message);
  }

  #report({ started, played, drained }) {
    if (this.turn < 0) return;
    const late_ms = (this.#context.outputLatency || 0) * 1000;
    if (started) this.onstart(late_ms);
    if (played === undefined) return;
    this.playedMs = Math.max(0, Math.round((played / this.#rate) * 1000 - (drained ? 0 : late_ms)));
    this.onplayed(this.playedMs);
    if (!drained) return;
    this.turn = -1;
    this.ondrained();
  }

  #post(message) {
    if (this.#node) this.#node.port.postMessage(message);
    else this.#early.push(message);
  }

  begin(turn, rate) {
    this.clear();
    this.unlock(rate);
    this.turn = turn;
    this.playedMs = 0;
  }

  /** Int16 samples, little-endian. */
  push(turn, samples) {
    if (turn === this.turn) this.#post(new Int16Array(samples));
  }

  finish() {
    this.#post('finish');
  }

  /** @param {boolean} softly while somebody speaks, until it is known whether he means it */
  duck(softly) {
    this.#volume?.gain.setTargetAtTime(softly ? DUCKED : 1, this.#context.currentTime, DUCK_S);
  }

  /** Silence, at once. */
  clear() {
    this.turn = -1;
    this.duck(false);
    this.#early = [];
    this.#node?.port.postMessage('clear');
  }
}
