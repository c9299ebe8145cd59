// SPDX-License-Identifier: Apache-2.0
/* The commands as a table: parsing, help, manual pages and completion are made from it. */
#include "server/cli/cli.h"

#define VOICES "slt|rms|awb|kal|en|en-gb|en-us"

// clang-format off
static const struct command table[] = {
    {.name = "serve", .operands = "", .run = cli_serve,
     .summary = "run the server and print its address",
     .about = "Starts the engines, opens the documents and answers on the printed address, until "
              "it is stopped with Ctrl-C or SIGTERM; running answers may finish first.",
     .examples = "  repartee serve\n"
                 "  repartee serve --listen 127.0.0.1:9000 --data ./data\n"},
    {.name = "ask", .operands = "QUESTION", .least = 1, .most = -1, .run = cli_ask,
     .missing = "what is the question? Write it in quotes, or - to read it from standard input",
     .summary = "ask by text; the answer is written as it comes, with its sources",
     .about = "All words are one question. The answer is drawn from the documents and names them.",
     .examples = "  repartee ask \"how do I add documents?\"\n"
                 "  echo \"what is stored?\" | repartee ask -\n"
                 "  repartee ask --json -- \"-5 degrees: is that too cold?\"\n",
     .options = {{"no-rag", 0, nullptr, nullptr, "leave the documents out"}}},
    {.name = "say", .operands = "TEXT", .least = 0, .most = -1, .run = cli_say,
     .missing = "what shall be said? Write it in quotes, or - to read it from standard input",
     .summary = "speak a text aloud, or into a WAV file",
     .about = "On a terminal it is played, else a WAV file goes to standard output. The sound is "
              "played and written while it is made. With --list: which voices there are, whose "
              "they are, and which language they speak.",
     .examples = "  repartee say \"Good morning.\"\n"
                 "  repartee say --list\n"
                 "  repartee say \"Good morning.\" -o morning.wav\n"
                 "  repartee say --voice slt \"Good morning.\" | aplay\n"
                 "  repartee say -o letter.wav - < letter.txt\n",
     .options = {{"output", 'o', "FILE", "files", "WAV file to write; - is standard output"},
                 {"voice", 0, "NAME", VOICES, "voice to speak with, in the place of tts.voice"},
                 {"list", 0, nullptr, nullptr, "list the voices there are"},
                 {"speaker", 0, "NAME", nullptr, "ALSA device to play to ('aplay -L' lists them)"}}},
    {.name = "hear", .operands = "FILE", .least = 1, .most = 1, .run = cli_hear, .offer = "files",
     .missing = "name a recording, or - to read it from standard input",
     .summary = "write down what is said in a recording",
     .about = "A recording is a WAV, FLAC or MP3 file, or Opus in an Ogg or WebM file. The words go to "
              "standard output; with --json also when each part was said.",
     .examples = "  repartee hear interview.wav\n"
                 "  repartee hear message.ogg\n"
                 "  arecord -f S16_LE -r 16000 -d 5 | repartee hear -\n"},
    {.name = "talk", .operands = "QUESTION.wav", .least = 0, .most = 1, .run = cli_talk, .offer = "files",
     .summary = "talk live, by microphone and speaker; or with a recording, one whole spoken turn",
     .about = "Live, the space bar or Enter begins and ends what you say, Escape silences the answer, "
              "and q or Ctrl-C ends the conversation. The words that are heard stand on one line while "
              "you speak. With a recording, the answer's sound can be written into a file.",
     .examples = "  repartee talk\n"
                 "  repartee talk --microphone plughw:1\n"
                 "  repartee talk question.wav -o answer.wav\n",
     .options = {{"output", 'o', "FILE", "files", "WAV file for the spoken answer to a recording"},
                 {"microphone", 0, "NAME", nullptr, "ALSA device to record from ('arecord -L' lists them)"},
                 {"speaker", 0, "NAME", nullptr, "ALSA device to play to ('aplay -L' lists them)"}}},
    {.name = "ingest", .operands = "PATH", .least = 1, .most = -1, .run = cli_ingest, .offer = "files",
     .missing = "name the files or folders to add",
     .summary = "add documents (Markdown, text, HTML; folders with all they hold)",
     .about = "A document that is known already is left out; one that has changed takes the place of "
              "its old version. When the command has ended well, the documents are stored for good.",
     .examples = "  repartee ingest handbook.md notes/\n"
                 "  repartee ingest -- -draft.md\n"},
    {.name = "pull", .operands = "NAME|SOURCE", .least = 0, .most = -1, .run = cli_pull,
     .summary = "bring models onto this machine: a small set, or those that are named",
     .about = "A source is a name that 'repartee models' shows, hf:owner/repo:file of Hugging Face's hub "
              "(hf:owner/repo@revision:file), or an https address with its sha256:… behind it. A voice of "
              "Piper (--kind tts, x.onnx) brings x.onnx.json from beside it; its address has two sha256:… "
              "behind it. What comes is checked against its size and SHA-256; a broken download goes on "
              "where it ended, and a model is there with all of its files or not at all. Without any, "
              "models that go together are chosen by this machine's memory. HF_TOKEN and HTTPS_PROXY are "
              "honoured.",
     .examples = "  repartee pull\n"
                 "  repartee pull llama-3.1-8b\n"
                 "  repartee pull hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF:qwen2.5-0.5b-instruct-q8_0.gguf\n"
                 "  repartee pull hf:rhasspy/piper-voices:en/en_US/amy/medium/en_US-amy-medium.onnx --kind tts\n"
                 "  repartee pull --from /media/stick/models\n",
     .options = {{"from", 0, "DIR", "folders", "take the files from this folder; nothing is asked of the network"},
                 {"as", 0, "NAME", nullptr, "what the model is called here"},
                 {"kind", 0, "KIND", "llm|stt|tts|embed|vad", "what it is for, where the file does not tell"},
                 {"fd", 0, "N", nullptr, nullptr}}},
    {.name = "models", .operands = "list | rm NAME | verify", .least = 0, .most = 2, .run = cli_models,
     .offer = "list|rm|verify",
     .summary = "list the models, remove one, or check that none has changed",
     .about = "Lists what is installed and what can be pulled. With verify, every file is read and its "
              "SHA-256 compared with models.lock; an engine does the same when it loads one.",
     .examples = "  repartee models\n"
                 "  repartee models verify\n"
                 "  repartee models rm qwen2.5-0.5b\n"},
    {.name = "key", .operands = "create NAME | list | revoke NAME", .least = 1, .most = 2,
     .run = cli_key, .offer = "create|list|revoke",
     .missing = "what about keys? Write create NAME, list or revoke NAME",
     .summary = "make, list and revoke the keys of those who come from elsewhere",
     .about = "A key is shown once, when it is made; what is stored of it cannot be turned back into "
              "it. Its name owns what its holder adds. A running server follows at once.",
     .examples = "  repartee key create kitchen\n"
                 "  repartee key list\n"
                 "  repartee key revoke kitchen\n"},
    {.name = "forget", .operands = "", .run = cli_forget,
     .summary = "delete the conversations that were held on this computer",
     .about = "What was asked and answered is removed from the server's memory and overwritten on the "
              "disk. Documents stay. The conversations of those who come with a key of their own stay "
              "too; they delete theirs with DELETE /sessions.",
     .examples = "  repartee forget\n"},
    {.name = "doctor", .operands = "", .run = cli_doctor,
     .summary = "say what is installed, which engines run, and what to do next",
     .about = "The first thing to try when something does not work. The exit code is 1 when a server "
              "cannot be started or an engine does not run.",
     .examples = "  repartee doctor\n"
                 "  repartee doctor --json\n"},
    {.name = "bench", .operands = "", .run = cli_bench,
     .summary = "measure how long one waits for words and for sound on this machine",
     .about = "Asks by text and by voice, has a text read out and a recording written down, one after "
              "another and in real time, and prints medians and 99th percentiles. Takes about five "
              "seconds a round.",
     .examples = "  repartee bench\n"
                 "  repartee bench --rounds 100 --json\n",
     .options = {{"rounds", 'n', "N", nullptr, "how often everything is measured (10)"}}},
    {.name = "config", .operands = "OPTION", .most = 1, .run = cli_config, .offer = "options",
     .summary = "show the configuration as it is: all of it, or one option",
     .about = "What the file, the environment and the flags make together, written as a "
              "configuration file. Secrets are not shown.",
     .examples = "  repartee config\n"
                 "  repartee config tts.voice\n"
                 "  repartee config --json\n"},
    {.name = "completion", .operands = "SHELL", .least = 1, .most = 1, .run = cli_completion,
     .missing = "for which shell? There is bash", .offer = "bash", .is_bare = true,
     .summary = "print a script that completes commands and options in a shell",
     .about = "Packages install it. For one user, put the line of the example into ~/.bashrc.",
     .examples = "  eval \"$(repartee completion bash)\"\n"},
};

static const struct cli_option common[] = {
    {"json", 0, nullptr, nullptr, "print the result as one JSON object"},
    {"config", 0, "FILE", "files", "configuration file, in the place of repartee.conf"},
    {"help", 'h', nullptr, nullptr, "show this help"},
    {"version", 'V', nullptr, nullptr, "show the version"},
};
// clang-format on

const struct command *commands(int *ret_count)
{
    *ret_count = sizeof table / sizeof *table;
    return table;
}

const struct cli_option *common_options(int *ret_count)
{
    *ret_count = sizeof common / sizeof *common;
    return common;
}
