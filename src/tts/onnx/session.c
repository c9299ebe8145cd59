// SPDX-License-Identifier: Apache-2.0
#include "tts/onnx/session.h"

#include <fcntl.h>
#include <onnxruntime_c_api.h>
#include <stdckdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"

static const OrtApi *api;     /* const after session_open_all */
static OrtEnv *env;           /* const after session_open_all */
static OrtMemoryInfo *memory; /* const after session_open_all: where our numbers lie */
static int nowhere = -1;      /* const after session_prepare */

struct session {
    OrtSession *session;
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
            on_log, nullptr, ORT_LOGGING_LEVEL_ERROR, "voice", options, &env);
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
    if (s->session)
        api->ReleaseSession(s->session);
    free(s);
}

/* --- who ends runs --- */

void session_stop_init(struct session_stop *stop)
{
    check(pthread_mutex_init(&stop->mutex, nullptr) == 0);
}

void session_stop_finish(struct session_stop *stop)
{
    pthread_mutex_destroy(&stop->mutex);
}

void session_stop_set(struct session_stop *stop)
{
    pthread_mutex_lock(&stop->mutex);
    atomic_store(&stop->is_set, true);
    OrtStatus *status = stop->run ? api->RunOptionsSetTerminate(stop->run) : nullptr;
    pthread_mutex_unlock(&stop->mutex);
    if (status)
        api->ReleaseStatus(status); /* then it computes to its end */
}

/* False: nobody wants it any more. */
static bool begin_run(struct session_stop *stop, OrtRunOptions *run)
{
    if (!stop)
        return true;
    pthread_mutex_lock(&stop->mutex);
    bool begins = !atomic_load(&stop->is_set);
    stop->run = begins ? run : nullptr;
    pthread_mutex_unlock(&stop->mutex);
    return begins;
}

/* Was it ended? */
static bool end_run(struct session_stop *stop)
{
    if (!stop)
        return false;
    pthread_mutex_lock(&stop->mutex);
    stop->run = nullptr;
    bool is_set = atomic_load(&stop->is_set);
    pthread_mutex_unlock(&stop->mutex);
    return is_set;
}

/* --- a run --- */

static OrtStatus *wrap(const struct session_input *in, OrtValue **ret_value)
{
    static const struct {
        size_t bytes;
        enum ONNXTensorElementDataType type;
    } kinds[] = {[SESSION_FLOATS] = {sizeof(float), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
                 [SESSION_INTS] = {sizeof(int64_t), ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
                 [SESSION_INTS32] = {sizeof(int32_t), ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32}};
    size_t bytes = kinds[in->kind].bytes;
    for (size_t i = 0; i < in->rank; i++)
        bytes *= (size_t)in->dims[i];
    return api->CreateTensorWithDataAsOrtValue(memory, (void *)in->data, bytes, in->dims, in->rank,
                                               kinds[in->kind].type, ret_value);
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

struct run {
    OrtRunOptions *options; /* its own: another utterance is not ended with it */
    OrtValue *given[SESSION_VALUES_MAX], *got[SESSION_VALUES_MAX];
    const char *input_names[SESSION_VALUES_MAX];
};

static OrtStatus *prepare(struct run *r, const struct session_input *inputs, size_t inputs_n)
{
    OrtStatus *status = api->CreateRunOptions(&r->options);
    for (size_t i = 0; i < inputs_n && !status; i++) {
        r->input_names[i] = inputs[i].name;
        status = wrap(&inputs[i], &r->given[i]);
    }
    return status;
}

static void clean(struct run *r)
{
    for (size_t i = 0; i < SESSION_VALUES_MAX; i++)
        if (r->given[i])
            api->ReleaseValue(r->given[i]);
    if (r->options)
        api->ReleaseRunOptions(r->options);
}

void session_free(struct session_output *outputs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (outputs[i].value)
            api->ReleaseValue(outputs[i].value);
        outputs[i] = (struct session_output){};
    }
}

static OrtStatus *take(struct run *r, size_t outputs_n, struct session_output *outputs)
{
    OrtStatus *status = nullptr;
    for (size_t i = 0; i < outputs_n; i++) {
        outputs[i].value = r->got[i];
        if (!status)
            status = unwrap(r->got[i], &outputs[i]);
    }
    return status;
}

enum err session_run(struct session *s, const struct session_input *inputs, size_t inputs_n,
                     const char *const *names, size_t outputs_n, struct session_output *ret_outputs,
                     struct session_stop *stop, char why[SESSION_WHY_BYTES])
{
    struct run r = {};
    struct session_output outputs[SESSION_VALUES_MAX] = {};
    bool is_ended = false;
    OrtStatus *status = prepare(&r, inputs, inputs_n);
    if (!status && !begin_run(stop, r.options)) {
        clean(&r);
        return ERR_CANCELED;
    }
    if (!status) {
        status = api->Run(s->session, r.options, r.input_names, (const OrtValue *const *)r.given,
                          inputs_n, names, outputs_n, r.got);
        is_ended = end_run(stop);
        OrtStatus *taken = status ? nullptr : take(&r, outputs_n, outputs);
        status = status ? status : taken;
    }
    clean(&r);
    enum err err = result(status, "compute this sound", why);
    if (is_ended) {
        why[0] = '\0';
        err = ERR_CANCELED;
    }
    if (err == OK)
        memcpy(ret_outputs, outputs, outputs_n * sizeof *outputs);
    else
        session_free(outputs, outputs_n);
    return err;
}
