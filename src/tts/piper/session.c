// SPDX-License-Identifier: Apache-2.0
#include "tts/piper/session.h"

#include <fcntl.h>
#include <onnxruntime_c_api.h>
#include <stdckdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

static const OrtApi *api;     /* const after session_open_all */
static OrtEnv *env;           /* const after session_open_all */
static OrtMemoryInfo *memory; /* const after session_open_all: where our numbers lie */
static int nowhere = -1;      /* const after session_prepare */

struct session {
    OrtSession *session;
    OrtRunOptions *run;
};

/* Takes the status. */
static enum err result(OrtStatus *status, const char *doing, char why[SESSION_WHY_BYTES])
{
    if (!status)
        return OK;
    const char *text = api->GetErrorMessage(status);
    bool is_memory = strstr(text, "bad_alloc") || strstr(text, "Failed to allocate memory");
    snprintf(why, SESSION_WHY_BYTES, "ONNX Runtime cannot %s: %.180s", doing, text);
    for (char *c = why; *c; c++) /* it may be of several lines */
        *c = *c == '\n' ? ' ' : *c;
    api->ReleaseStatus(status);
    return is_memory ? ERR_NOMEM : ERR_INTERNAL;
}

static void on_log(void *arg, OrtLoggingLevel level, const char *category, const char *id,
                   const char *place, const char *text)
{
    (void)arg, (void)category, (void)id, (void)place;
    if (level >= ORT_LOGGING_LEVEL_ERROR)
        log_line(LOG_DEBUG, 0, "ONNX Runtime: %.400s", text);
}

/* --- for all --- */

enum err session_prepare(void)
{
    if (nowhere < 0)
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return nowhere < 0 ? ERR_IO : OK;
}

/* Debian's build tells on standard error of a thousand operators that it knows twice, whatever the log is set to. */
static int mute(void)
{
    int was = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (was >= 0)
        (void)dup2(nowhere, STDERR_FILENO);
    return was;
}

static void unmute(int was)
{
    if (was < 0)
        return;
    (void)dup2(was, STDERR_FILENO);
    close(was);
}

static OrtStatus *make_env(uint32_t threads)
{
    OrtThreadingOptions *options = nullptr;
    OrtStatus *status = api->CreateThreadingOptions(&options);
    if (!status)
        status = api->SetGlobalIntraOpNumThreads(options, (int)threads);
    if (!status)
        status = api->SetGlobalInterOpNumThreads(options, 1);
    if (!status)
        status = api->SetGlobalDenormalAsZero(options);
    /* They would wait awake for each other, and keep other engines from the cores that they need themselves; asleep they are
     * 3 ms later with the first sound. */
    if (!status)
        status = api->SetGlobalSpinControl(options, 0);
    if (!status)
        status = api->CreateEnvWithCustomLoggerAndGlobalThreadPools(
            on_log, nullptr, ORT_LOGGING_LEVEL_ERROR, "piper", options, &env);
    if (options)
        api->ReleaseThreadingOptions(options);
    return status;
}

enum err session_open_all(uint32_t threads, char why[SESSION_WHY_BYTES])
{
    api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    if (!api) {
        snprintf(why, SESSION_WHY_BYTES,
                 "this ONNX Runtime (%s) is older than the one it was built with",
                 OrtGetApiBase()->GetVersionString());
        return ERR_UNSUPPORTED;
    }
    int was = mute();
    OrtStatus *status = make_env(threads);
    unmute(was);
    if (!status)
        status = api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory);
    return result(status, "begin", why);
}

void session_close_all(void)
{
    if (memory)
        api->ReleaseMemoryInfo(memory);
    if (env)
        api->ReleaseEnv(env);
    memory = nullptr;
    env = nullptr;
    if (nowhere >= 0)
        close(nowhere);
    nowhere = -1;
}

/* --- one --- */

static OrtStatus *make_session(struct str model, struct session *s)
{
    OrtSessionOptions *options = nullptr;
    OrtStatus *status = api->CreateSessionOptions(&options);
    if (!status)
        status = api->DisablePerSessionThreads(options);
    if (!status)
        status = api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL);
    if (!status)
        status = api->SetSessionExecutionMode(options, ORT_SEQUENTIAL);
    if (!status)
        status = api->CreateSessionFromArray(env, model.p, model.n, options, &s->session);
    if (!status)
        status = api->CreateRunOptions(&s->run);
    if (options)
        api->ReleaseSessionOptions(options);
    return status;
}

enum err session_create(struct str model, struct session **ret_s, char why[SESSION_WHY_BYTES])
{
    struct session *s = mem_zero(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    int was = mute();
    OrtStatus *status = make_session(model, s);
    unmute(was);
    enum err err = result(status, "load the voice", why);
    if (err == OK)
        *ret_s = s;
    else
        session_destroy(s);
    return err;
}

void session_destroy(struct session *s)
{
    if (!s)
        return;
    if (s->run)
        api->ReleaseRunOptions(s->run);
    if (s->session)
        api->ReleaseSession(s->session);
    free(s);
}

/* --- a run --- */

static OrtStatus *wrap(const struct session_input *in, OrtValue **ret_value)
{
    bool is_float = in->kind == SESSION_FLOATS;
    size_t bytes = is_float ? sizeof(float) : sizeof(int64_t);
    for (size_t i = 0; i < in->rank; i++)
        bytes *= (size_t)in->dims[i];
    return api->CreateTensorWithDataAsOrtValue(memory, (void *)in->data, bytes, in->dims, in->rank,
                                               is_float ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
                                                        : ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64,
                                               ret_value);
}

static OrtStatus *look_at(OrtTensorTypeAndShapeInfo *info, OrtValue *value,
                          struct session_output *out)
{
    enum ONNXTensorElementDataType type;
    OrtStatus *status = api->GetTensorElementType(info, &type);
    if (!status)
        status = api->GetDimensionsCount(info, &out->rank);
    if (!status && (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT || out->rank > SESSION_RANK_MAX))
        return api->CreateStatus(ORT_FAIL, "a value is of another kind than it should be");
    if (!status)
        status = api->GetDimensions(info, out->dims, out->rank);
    if (!status)
        status = api->GetTensorShapeElementCount(info, &out->count);
    void *data = nullptr;
    if (!status)
        status = api->GetTensorMutableData(value, &data);
    out->data = data;
    return status;
}

static OrtStatus *unwrap(OrtValue *value, struct session_output *out)
{
    OrtTensorTypeAndShapeInfo *info = nullptr;
    OrtStatus *status = api->GetTensorTypeAndShape(value, &info);
    if (!status)
        status = look_at(info, value, out);
    if (info)
        api->ReleaseTensorTypeAndShapeInfo(info);
    return status;
}

static OrtStatus *run(struct session *s, const struct session_input *inputs, size_t inputs_n,
                      const char *const *names, size_t outputs_n, OrtValue **given, OrtValue **got)
{
    const char *input_names[SESSION_VALUES_MAX];
    OrtStatus *status = nullptr;
    for (size_t i = 0; i < inputs_n && !status; i++) {
        input_names[i] = inputs[i].name;
        status = wrap(&inputs[i], &given[i]);
    }
    return status ? status
                  : api->Run(s->session, s->run, input_names, (const OrtValue *const *)given,
                             inputs_n, names, outputs_n, got);
}

void session_free(struct session_output *outputs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (outputs[i].value)
            api->ReleaseValue(outputs[i].value);
        outputs[i] = (struct session_output){};
    }
}

enum err session_run(struct session *s, const struct session_input *inputs, size_t inputs_n,
                     const char *const *names, size_t outputs_n, struct session_output *ret_outputs,
                     char why[SESSION_WHY_BYTES])
{
    OrtValue *given[SESSION_VALUES_MAX] = {}, *got[SESSION_VALUES_MAX] = {};
    struct session_output outputs[SESSION_VALUES_MAX] = {};
    OrtStatus *status = run(s, inputs, inputs_n, names, outputs_n, given, got);
    for (size_t i = 0; i < inputs_n; i++)
        if (given[i])
            api->ReleaseValue(given[i]);
    for (size_t i = 0; i < outputs_n; i++) {
        outputs[i].value = got[i];
        if (!status)
            status = unwrap(got[i], &outputs[i]);
    }
    enum err err = result(status, "compute this sound", why);
    if (err == OK)
        memcpy(ret_outputs, outputs, outputs_n * sizeof *outputs);
    else
        session_free(outputs, outputs_n);
    return err;
}
