# SPDX-License-Identifier: Apache-2.0
"""The protocol's own client, as Home Assistant uses it.  Prints what has come as one JSON value.

  wyoming_peer.py URI describe
  wyoming_peer.py URI transcribe FILE.wav [LANGUAGE]
  wyoming_peer.py URI synthesize FILE.wav TEXT [VOICE]
  wyoming_peer.py URI stream FILE.wav PIECE...
  wyoming_peer.py URI handle CONVERSATION TEXT...
"""
import asyncio
import json
import sys
import wave

from wyoming.asr import Transcribe, Transcript, TranscriptChunk
from wyoming.audio import AudioChunk, AudioStart, AudioStop, wav_to_chunks
from wyoming.client import AsyncClient
from wyoming.handle import Handled, HandledChunk, NotHandled
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import (Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped,
                         SynthesizeVoice)


async def read(client, last):
    """All events up to one of the types in `last`, or the end."""
    events = []
    while not events or events[-1].type not in last:
        event = await client.read_event()
        if event is None:
            break
        events.append(event)
    return events


def types(events):
    return [event.type for event in events if not AudioChunk.is_type(event.type)]


async def describe(client):
    await client.write_event(Ping(text="hello").event())
    assert Pong.from_event(await client.read_event()).text == "hello"
    await client.write_event(Describe().event())
    info = Info.from_event(await client.read_event())
    return info.event().data


async def transcribe(client, path, language=None):
    with wave.open(path, "rb") as file:
        await client.write_event(Transcribe(language=language).event())
        for part in wav_to_chunks(file, 1024, start_event=True, stop_event=True):
            await client.write_event(part.event())
    events = await read(client, ["transcript-stop", "error"])
    words = [TranscriptChunk.from_event(e).text for e in events if TranscriptChunk.is_type(e.type)]
    whole = [Transcript.from_event(e) for e in events if Transcript.is_type(e.type)]
    return {"types": types(events), "chunks": words, "text": [t.text for t in whole],
            "language": [t.language for t in whole], "last": events[-1].data}


def write_wav(path, events):
    starts = [AudioStart.from_event(e) for e in events if AudioStart.is_type(e.type)]
    chunks = [AudioChunk.from_event(e) for e in events if AudioChunk.is_type(e.type)]
    if starts:
        with wave.open(path, "wb") as file:
            file.setframerate(starts[0].rate)
            file.setsampwidth(starts[0].width)
            file.setnchannels(starts[0].channels)
            for chunk in chunks:
                file.writeframes(chunk.audio)
    times = [(c.timestamp, c.milliseconds) for c in chunks]
    return {"types": types(events), "times": times, "last": events[-1].data}


async def synthesize(client, path, text, voice=None):
    wish = SynthesizeVoice(name=voice) if voice else None
    await client.write_event(Synthesize(text=text, voice=wish).event())
    return write_wav(path, await read(client, ["audio-stop", "error"]))


async def stream(client, path, *pieces):
    """The first sound is awaited before the last piece is written."""
    await client.write_event(SynthesizeStart().event())
    for piece in pieces[:-1]:
        await client.write_event(SynthesizeChunk(text=piece).event())
    events = await read(client, ["audio-chunk", "error"])
    await client.write_event(SynthesizeChunk(text=pieces[-1]).event())
    await client.write_event(Synthesize(text="".join(pieces)).event())
    await client.write_event(SynthesizeStop().event())
    events += await read(client, ["synthesize-stopped", "error"])
    assert SynthesizeStopped.is_type(events[-1].type)
    return write_wav(path, events)


async def handle(client, conversation, *questions):
    answers = []
    context = {"conversation_id": conversation} if conversation else None
    for text in questions:
        await client.write_event(Transcript(text=text, context=context, language="en").event())
        events = await read(client, ["handled-stop", "not-handled"])
        chunks = [HandledChunk.from_event(e).text for e in events if HandledChunk.is_type(e.type)]
        whole = [Handled.from_event(e) for e in events if Handled.is_type(e.type)]
        whole += [NotHandled.from_event(e) for e in events if NotHandled.is_type(e.type)]
        answers.append({"types": types(events), "chunks": chunks, "text": whole[0].text,
                        "context": whole[0].context})
    return answers


async def main():
    uri, command, *arguments = sys.argv[1:]
    async with AsyncClient.from_uri(uri, connect_timeout=20, read_timeout=120) as client:
        print(json.dumps(await globals()[command](client, *arguments)))


asyncio.run(main())
