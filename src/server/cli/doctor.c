// SPDX-License-Identifier: Apache-2.0
/* What is installed, which engines run, what the machine offers, and what to do next. */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/json.h"
#include "server/cli/connect.h"

/* --- the machine --- */

static void processor_name(char *into, size_t size)
{
    snprintf(into, size, "unknown processor");
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[512];
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "model name", 10) == 0) {
            struct str s = str_of(line);
            s = str_trim(str_sub(s, str_find_byte(s, ':') + 1, s.n));
            snprintf(into, size, "%.*s", STR_FMT(s));
            break;
        }
    }
    if (f)
        fclose(f);
}

struct machine {
    char cpu[128];
    long cores;
    double memory_gib, free_gib, disk_gib; /* disk: what is free below the data directory */
    bool has_landlock;
};

static void look_at(struct machine *m, const char *data)
{
    struct sysinfo info;
    struct statvfs disk;
    processor_name(m->cpu, sizeof m->cpu);
    m->cores = sysconf(_SC_NPROCESSORS_ONLN);
    m->has_landlock = confine_has_landlock();
    if (sysinfo(&info) == 0) {
        m->memory_gib = (double)info.totalram * info.mem_unit / (1u << 30);
        m->free_gib = ((double)info.freeram + (double)info.bufferram) * info.mem_unit / (1u << 30);
    }
    if (statvfs(data, &disk) == 0)
        m->disk_gib = (double)disk.f_bavail * (double)disk.f_frsize / (1u << 30);
}

static void show_machine(const struct cli *c, const struct machine *m)
{
    printf("Machine\n  %ld cores, %s\n", m->cores, m->cpu);
    printf("  %.1f GiB of memory, %.1f GiB free\n", m->memory_gib, m->free_gib);
    printf("  data in %s, %.1f GiB free\n", c->data, m->disk_gib);
    printf("  Landlock %s\n",
           m->has_landlock
               ? "confines the engines' files"
               : "is missing in this kernel: engines run less confined, and uploads are refused");
}

static int print_json(const struct cli *c, const struct machine *m, struct str server)
{
    autobuf out = BUF(2 * 1024 * 1024);
    struct json_out j = {.to = &out};
    json_obj(&j);
    json_key(&j, "machine");
    json_obj(&j);
    json_kint(&j, "cores", m->cores);
    json_kstr(&j, "processor", str_of(m->cpu));
    json_knum(&j, "memory_gib", m->memory_gib);
    json_knum(&j, "memory_free_gib", m->free_gib);
    json_kbool(&j, "landlock", m->has_landlock);
    json_end(&j);
    json_kstr(&j, "data", str_of(c->data));
    json_knum(&j, "data_free_gib", m->disk_gib);
    json_key(&j, "server");
    json_put_raw(&j, server);
    json_end(&j);
    if (json_finish(&j) != OK)
        return cli_no_memory(c);
    printf("%.*s\n", STR_FMT(out));
    return EXIT_OK;
}

/* --- the server --- */

static void show_engine(const struct json_val *engines, const char *role, const char *what)
{
    const struct json_val *e = json_get(engines, role);
    struct str driver = json_str(json_get(e, "driver")), state = json_str(json_get(e, "state"));
    struct str notes = json_str(json_get(e, "notes"));
    printf("  %-8s %-8.*s %.*s%s%.*s\n", what, STR_FMT(driver), STR_FMT(state), notes.n ? ", " : "",
           STR_FMT(notes));
}

static int show_server(struct cli *c, const struct json_val *r)
{
    const struct json_val *engines = json_get(r, "engines");
    printf("Engines\n");
    show_engine(engines, "stt", "hears");
    show_engine(engines, "llm", "answers");
    show_engine(engines, "tts", "speaks");
    printf("Documents\n  %lld documents, %lld passages\n",
           (long long)json_int(json_get(r, "documents"), 0),
           (long long)json_int(json_get(r, "chunks"), 0));
    printf("Next\n  repartee serve --listen %s    then open the printed address\n"
           "  repartee ingest FILE…    to add your own documents\n"
           "  The built-in engines understand and speak English; answers are quoted from the "
           "documents.\n",
           c->conf.listen);
    return EXIT_OK;
}

int cli_doctor(struct cli *c)
{
    struct machine machine = {};
    look_at(&machine, c->data);
    if (!c->json)
        show_machine(c, &machine);
    struct connection *k;
    int code = connect_server(c, CONNECT_ANYHOW, &k);
    if (code != EXIT_OK)
        return code;
    autobuf answer = BUF(1024 * 1024);
    int status; /* 503 while an engine is down, with the same details */
    enum err err = connection_get(k, "/readyz", &answer, &status);
    disconnect_server(k);
    struct json_doc *doc;
    struct json_why why;
    if (err != OK)
        return cli_fail(c, "the server went away (%s); try again", err_text(err));
    if (c->json)
        return print_json(c, &machine, buf_str(&answer));
    if (json_parse(buf_str(&answer), &doc, &why) != OK)
        return cli_not_json(c);
    code = show_server(c, json_root(doc));
    json_doc_destroy(doc);
    return code;
}
