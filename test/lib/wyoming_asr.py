# SPDX-License-Identifier: Apache-2.0
"""A recogniser behind the protocol's own server, as wyoming-faster-whisper is one: the sound of an utterance is kept, then heard,
and the connection ends with its transcript.  What hears is a Repartee, asked by HTTP.  Prints a line once it listens, and
one for each utterance.

  wyoming_asr.py tcp://HOST:PORT http://HOST:PORT/
"""
import asyncio
import io
import json
import sys
import urllib.request
import wave

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info
from wyoming.server import AsyncEventHandler, AsyncServer

SOMEBODY = Attribution(name="a test", url="https://example.org")
INFO = Info(asr=[AsrProgram(name="faster-whisper", attribution=SOMEBODY, installed=True, description=None, version="1", models=[
    AsrModel(name="tiny-int8", attribution=SOMEBODY, installed=True, description=None, version=None, languages=["en", "de"])])])


def hear(url, sound, rate):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, rate, 0, "NONE", ""))
        writer.writeframes(sound)
    request = urllib.request.Request(url + "stt", data=file.getvalue(), headers={"Content-Type": "audio/wav"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["text"]


class Handler(AsyncEventHandler):
    def __init__(self, url, *streams):
        super().__init__(*streams)
        self.url, self.sound, self.rate, self.wish = url, b"", 0, None

    async def handle_event(self, event: Event) -> bool:
        if Describe.is_type(event.type):
            await self.write_event(INFO.event())
        elif Transcribe.is_type(event.type):
            self.wish = Transcribe.from_event(event)
        elif AudioStart.is_type(event.type):
            self.rate = AudioStart.from_event(event).rate
        elif AudioChunk.is_type(event.type):
            chunk = AudioChunk.from_event(event)
            assert (chunk.rate, chunk.width, chunk.channels) == (self.rate, 2, 1)
            self.sound += chunk.audio
        elif AudioStop.is_type(event.type):
            text = await asyncio.to_thread(hear, self.url, self.sound, self.rate)
            print(json.dumps({"bytes": len(self.sound), "language": self.wish.language, "name": self.wish.name}), flush=True)
            await self.write_event(Transcript(text=text).event())
            return False
        return True


async def main():
    uri, url = sys.argv[1:]
    server = AsyncServer.from_uri(uri)
    await server.start(lambda *streams: Handler(url, *streams))
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
