// SPDX-License-Identifier: Apache-2.0
/*
 * Every message between the server and an engine. No include guard: included once for every use.
 *
 * MSG(name, type, direction, fields): S server → engine, E engine → server, B both.
 * Fields are written in this order, little-endian: U32, U64, F32; STR and BYTES as u32 length and
 * bytes. A receiver refuses a frame that is too short, too long, or carries malformed UTF-8 in a STR.
 */
// clang-format off
/* The handshake: the engine speaks first; the server answers with `load`, the engine with `ready`. vad: of a
 * recogniser, the file of its voice detector; empty: the built-in one. */
MSG(hello,    0x0001, E, U32(hello, version) STR(hello, role) STR(hello, program))
MSG(load,     0x0002, S, STR(load, driver) STR(load, model_dir) STR(load, model) STR(load, options) U32(load, threads) STR(load, sha256) STR(load, vad) STR(load, vad_sha256) STR(load, sha256_beside))
MSG(ready,    0x0003, E, STR(ready, driver) STR(ready, model) STR(ready, languages) U32(ready, rate_hz) U32(ready, slots) STR(ready, notes))
MSG(ping,     0x0004, S, U64(ping, token))
MSG(pong,     0x0005, E, U64(pong, token) U32(pong, live_streams))

/* Any stream; its first message is its *_open. `fail` ends the stream; err is the position in base/err.h's table.
 * `canceled`: a stream that was cancelled before its last word is closed, its place is free. */
MSG(cancel,   0x0010, S, U32(cancel, reserved))
MSG(fail,     0x0011, E, U32(fail, err) STR(fail, text))
MSG(credit,   0x0012, B, U32(credit, bytes))
MSG(canceled, 0x0013, E, U32(canceled, reserved))

/* repartee-stt: stt_open, audio…, stt_finish; answers partials, then one final. Audio is s16le mono.
 * partials: 0 none; 1 when the words change; 2 also while they do not, each 200 ms of sound or as often as it can, to tell
 * by audio_ms how far it has got, and fails where it cannot; 3 what stays as it is: each is the beginning of the next one
 * and of the final.
 * segments: 1 before the final come its segments, with the times of words where they are measured; 2 the same, and where
 * they are not it fails at once. translate: whatever is spoken, the words are English. The prompt is what may have been
 * said before, and a hint as the temperature: not every recogniser can use it. The final's language is what was heard,
 * where that was found out. */
MSG(stt_open,    0x0020, S, U32(stt_open, rate_hz) U32(stt_open, endpoint) U32(stt_open, adapt) U32(stt_open, partials) STR(stt_open, language) U32(stt_open, segments) U32(stt_open, translate) F32(stt_open, temperature) STR(stt_open, prompt))
MSG(audio,       0x0021, B, BYTES(audio, samples))
MSG(stt_finish,  0x0022, S, U32(stt_finish, reserved))
MSG(stt_speech,  0x0023, E, U32(stt_speech, started) U32(stt_speech, at_ms))
MSG(stt_partial, 0x0024, E, STR(stt_partial, text) U32(stt_partial, stable_bytes) U32(stt_partial, audio_ms))
MSG(stt_final,   0x0025, E, STR(stt_final, text) U32(stt_final, audio_ms) U64(stt_final, compute_us) STR(stt_final, language))
/* A part of the final's text that was said without a pause: what was thought of it (a mean log-probability, how likely
 * nobody spoke, how far it can be compressed; 0 where that is not asked), its words (wire/spoken_word.h) and the model's
 * tokens (i32), where it has any. */
MSG(stt_segment, 0x002f, E, U32(stt_segment, start_ms) U32(stt_segment, end_ms) F32(stt_segment, logprob) F32(stt_segment, no_speech) F32(stt_segment, compression) STR(stt_segment, text) BYTES(stt_segment, words) BYTES(stt_segment, tokens))
/* Words of the documents, in pieces; the last piece (more = 0) replaces the adapted language model. Each
 * telling has a higher number than the one before. Once an utterance that begins is heard with them, or
 * is not going to be (err: the position in base/err.h's table), the engine says stt_learnt with the
 * number; of tellings that come close together it may answer the last one only. */
MSG(stt_words,   0x0026, S, U32(stt_words, telling) U32(stt_words, more) STR(stt_words, text))
MSG(stt_learnt,  0x002d, E, U32(stt_learnt, telling) U32(stt_learnt, err) STR(stt_learnt, text))
/* Of the program as a whole: something that was heard is not believed (wire/guard.h). */
MSG(stt_guarded, 0x002e, E, U32(stt_guarded, guard))
/* repartee-stt: vad_open, audio…; answers a byte for each frame of 20 ms: how likely it is speech, 0 … 255.
 * Goes on until it is cancelled. Needs no recogniser, so it takes no slot. */
MSG(vad_open,    0x0027, S, U32(vad_open, rate_hz))
MSG(vad_frames,  0x0028, E, BYTES(vad_frames, speech))
/* repartee-stt: decode_open ("opus": a packet a message; "webm"), audio…, decode_finish; answers with
 * samples at 16 kHz, then decode_done. `bytes` counts what was decoded of the sound so far. Needs no
 * recogniser, so it takes no slot. */
MSG(decode_open,   0x0029, S, STR(decode_open, format))
MSG(decode_finish, 0x002a, S, U32(decode_finish, reserved))
MSG(decoded,       0x002b, E, U32(decoded, bytes) BYTES(decoded, samples))
MSG(decode_done,   0x002c, E, U64(decode_done, samples))

/* repartee-llm: llm_open, llm_segment…, llm_generate; answers tokens, then done. The session says whose
 * cached prefix to look at; a segment longer than a frame goes on in the next one (more = 1). The id is of a call of a
 * function and, the same one, of its result. */
MSG(llm_open,     0x0030, S, STR(llm_open, session))
MSG(llm_segment,  0x0031, S, STR(llm_segment, role) U32(llm_segment, trusted) U32(llm_segment, priority) U32(llm_segment, more) STR(llm_segment, text) STR(llm_segment, id))
MSG(llm_generate, 0x0032, S, U32(llm_generate, max_tokens) F32(llm_generate, temperature) F32(llm_generate, top_p) U32(llm_generate, top_k) U64(llm_generate, seed) STR(llm_generate, stop_json))
/* Before llm_generate, where they are wanted: more about how tokens are chosen (bias_json: an object of a
 * token's number and what is added to it, or ""), and what the answer has to be: JSON, by a schema or any object (""). */
MSG(llm_sampling, 0x0035, S, F32(llm_sampling, min_p) F32(llm_sampling, presence_penalty) F32(llm_sampling, frequency_penalty) F32(llm_sampling, repeat_penalty) STR(llm_sampling, bias_json))
MSG(llm_format,   0x0036, S, STR(llm_format, schema_json))
/* A function that the model may ask for; of the last one's word, must: the answer has to be a call, one: it ends with
 * the first call. A call is told once it is whole; the reason of llm_done is "tool_calls" then. */
MSG(llm_tool,     0x0037, S, STR(llm_tool, name) STR(llm_tool, description) STR(llm_tool, parameters_json) U32(llm_tool, must) U32(llm_tool, one))
MSG(llm_call,     0x0038, E, STR(llm_call, name) STR(llm_call, arguments_json))
/* In place of llm_generate: the prompt is read up to the end of its last segment's text and kept for the session, so that
 * what begins with the same words has only its rest to read; nothing is written. Room is left for max_tokens. Answers
 * llm_done with the reason "prefill". */
MSG(llm_prefill,  0x0039, S, U32(llm_prefill, max_tokens))
/* Before llm_generate: how likely each token was is wanted, and the `top` likeliest in its place. Each llm_token then
 * comes after the llm_logprob of each token that its text begins (wire/logprob.h); a call's tokens are not told. */
MSG(llm_logprobs, 0x003a, S, U32(llm_logprobs, top))
MSG(llm_logprob,  0x003b, E, BYTES(llm_logprob, list))
MSG(llm_token,    0x0033, E, STR(llm_token, text))
MSG(llm_done,     0x0034, E, STR(llm_done, reason) U32(llm_done, prompt_tokens) U32(llm_done, cached_tokens) U32(llm_done, completion_tokens) U32(llm_done, segments_left_out) U64(llm_done, prefill_us) U64(llm_done, decode_us))

/* repartee-tts: tts_open, tts_text… (clauses), tts_finish; answers tts_format, audio…, a tts_clause
 * after each clause's last sound, then tts_done. The format is "pcm", "opus" (a packet of 20 ms a
 * message), "ogg", "mp3" or "flac"; counts are of samples in any of them. */
/* tts_sound: a clause is spoken elsewhere as far as this sound goes (s16le mono, of one rate in a clause); what is left of
 * it to be spoken, or its last sign, comes as its tts_text. level: how loud that voice usually is, as audio/loudness.h
 * measures; 0: it is not known yet. */
MSG(tts_open,   0x0040, S, STR(tts_open, voice) U32(tts_open, rate_hz) F32(tts_open, speed) STR(tts_open, format))
MSG(tts_text,   0x0041, S, STR(tts_text, text))
MSG(tts_sound,  0x0047, S, U32(tts_sound, rate_hz) U32(tts_sound, level) BYTES(tts_sound, samples))
MSG(tts_finish, 0x0042, S, U32(tts_finish, reserved))
MSG(tts_format, 0x0043, E, U32(tts_format, rate_hz))
MSG(tts_clause, 0x0044, E, U32(tts_clause, index) U32(tts_clause, samples) U64(tts_clause, compute_us))
MSG(tts_done,   0x0045, E, U32(tts_done, samples))
/* Of the program as a whole, before it is ready: the names that tts_open takes, with ", " between them. */
MSG(tts_voices, 0x0046, E, STR(tts_voices, names))

/* repartee-read: one document per process. The document's descriptor rides on read_open's frame. */
MSG(read_open, 0x0050, S, STR(read_open, kind) STR(read_open, name) U64(read_open, size))
MSG(read_text, 0x0051, E, STR(read_text, text))
MSG(read_done, 0x0052, E, STR(read_done, title) U64(read_done, bytes) STR(read_done, notes))

/* repartee-llm --embed: embed_open, then each text as embed_text or, in the model's own tokens (i32), as
 * embed_tokens, embed_finish; answers with a vector for each, in their order, of f32 and of length 1, then
 * embed_done. What is longer than a frame goes on in the next one (more = 1).
 * purpose: 0 the text as it is; 1 a query, 2 a passage to be found, for models that tell them apart.
 * dimensions: so many of the model's, from the first; 0: all. shorten: a text that the model has no room for
 * loses its end; 0: it is refused. */
MSG(embed_open,   0x0060, S, U32(embed_open, purpose) U32(embed_open, dimensions) U32(embed_open, shorten))
MSG(embed_text,   0x0061, S, U32(embed_text, more) STR(embed_text, text))
MSG(embed_tokens, 0x0062, S, U32(embed_tokens, more) BYTES(embed_tokens, tokens))
MSG(embed_finish, 0x0063, S, U32(embed_finish, reserved))
MSG(embed_vector, 0x0064, E, BYTES(embed_vector, numbers))
MSG(embed_done,   0x0065, E, U32(embed_done, tokens) U32(embed_done, shortened) U64(embed_done, compute_us))
// clang-format on
