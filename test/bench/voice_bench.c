// SPDX-License-Identifier: Apache-2.0
/*
 * voice_bench FILE.onnx "TEXT" ROUNDS THREADS [plain]: how long a voice of Piper takes by ONNX Runtime alone, whole, in milliseconds,
 * and how much sound that is. With "plain" by the session options of Piper's own program: one thread, few optimisations, no arena.
 * What the engine takes for the same text is compared with it (tts.bench.js).
 */
#include <onnxruntime_c_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "tts/driver.h"
#include "tts/espeak.h"
#include "tts/piper/phonemes.h"
#include "tts/unicode.h"

enum { ROUNDS_MAX = 1000, FILE_BYTES = 1 << 20 };

static const OrtApi *api;

static void must(OrtStatus *status)
{
    if (status)
        fprintf(stderr, "%s\n", api->GetErrorMessage(status));
    check(!status);
}

static void read_ids(const char *path, const char *text, struct voice_json *json,
                     struct phoneme_ids *ids)
{
    char name[4096], why[TTS_WHY_BYTES], block[4096];
    autobuf file = BUF(FILE_BYTES), raw = BUF(FILE_BYTES), phonemes = BUF(FILE_BYTES);
    snprintf(name, sizeof name, "%s.json", path);
    FILE *f = fopen(name, "rb");
    check(f);
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        check(buf_add(&file, (struct str){block, n}) == OK);
    fclose(f);
    check(voice_json_read(buf_str(&file), json, why) == OK);
    check(tts_builtin.load(&(struct tts_load){}, why) == OK);
    check(espeak_phonemes(json->espeak, str_of(text), '\0', &raw) == OK);
    check(unicode_decompose(buf_str(&raw), &phonemes) == OK);
    struct str rest = buf_str(&phonemes);
    check(phonemes_next(json, &rest, ids) && rest.n == 0);
}

static OrtSession *open_session(const char *path, int threads, bool is_plain)
{
    OrtEnv *env;
    OrtSessionOptions *options;
    OrtSession *session;
    must(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "bench", &env));
    must(api->CreateSessionOptions(&options));
    must(api->SetIntraOpNumThreads(options, threads));
    must(api->SetSessionGraphOptimizationLevel(options,
                                               is_plain ? ORT_ENABLE_BASIC : ORT_ENABLE_ALL));
    if (is_plain) {
        must(api->DisableCpuMemArena(options));
        must(api->DisableMemPattern(options));
    }
    int was = dup(STDERR_FILENO);
    check(freopen("/dev/null", "w", stderr));
    must(api->CreateSession(env, path, options, &session));
    check(dup2(was, STDERR_FILENO) >= 0);
    return session;
}

static OrtValue *value_of(void *data, size_t bytes, const int64_t *dims, size_t rank,
                          ONNXTensorElementDataType type)
{
    OrtMemoryInfo *memory;
    OrtValue *value;
    must(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
    must(api->CreateTensorWithDataAsOrtValue(memory, data, bytes, dims, rank, type, &value));
    return value;
}

static size_t say(OrtSession *session, struct phoneme_ids *ids, const struct voice_json *json)
{
    static const char *const names[] = {"input", "input_lengths", "scales"}, *const outputs[] = {
                                                                                 "output"};
    int64_t count = (int64_t)ids->n;
    float scales[] = {json->noise_scale, json->length_scale, json->noise_w};
    const OrtValue *inputs[] = {
        value_of(ids->id, ids->n * 8, (int64_t[]){1, count}, 2,
                 ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64),
        value_of(&count, 8, (int64_t[]){1}, 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64),
        value_of(scales, sizeof scales, (int64_t[]){3}, 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT),
    };
    OrtValue *sound = nullptr;
    OrtTensorTypeAndShapeInfo *info;
    size_t samples;
    must(api->Run(session, nullptr, names, inputs, 3, outputs, 1, &sound));
    must(api->GetTensorTypeAndShape(sound, &info));
    must(api->GetTensorShapeElementCount(info, &samples));
    api->ReleaseTensorTypeAndShapeInfo(info);
    api->ReleaseValue(sound);
    return samples;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

int main(int argc, char **argv)
{
    static struct phoneme_ids ids;
    static double ms[ROUNDS_MAX], per_second[ROUNDS_MAX];
    struct voice_json json;
    if (argc < 5)
        return 2;
    api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    int rounds = (int)strtol(argv[3], nullptr, 10);
    check(rounds > 0 && rounds <= ROUNDS_MAX);
    read_ids(argv[1], argv[2], &json, &ids);
    OrtSession *session = open_session(argv[1], (int)strtol(argv[4], nullptr, 10), argc > 5);
    for (int i = 0; i < 3; i++)
        (void)say(session, &ids, &json);
    for (int i = 0; i < rounds; i++) {
        uint64_t from = clock_us();
        size_t samples = say(session, &ids, &json);
        ms[i] = (double)(clock_us() - from) / 1000;
        per_second[i] = ms[i] * json.rate_hz / (double)samples;
    }
    qsort(ms, (size_t)rounds, sizeof *ms, by_size);
    qsort(per_second, (size_t)rounds, sizeof *ms, by_size);
    printf("{\"ms\": %.2f, \"ms_a_second\": %.3f, \"ids\": %zu}\n", ms[rounds / 2],
           per_second[rounds / 2], ids.n);
    return 0;
}
