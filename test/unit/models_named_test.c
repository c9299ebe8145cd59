// SPDX-License-Identifier: Apache-2.0
/* Paths of models that are links: what an engine is told to open. */
#include "server/models/named.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

enum { DEEP = 8 };

static char root[] = "/tmp/models-named-XXXXXX";

static void path_of(const char *name, char into[256])
{
    snprintf(into, 256, "%s/%s", root, name);
}

static void make_folder(const char *name)
{
    char path[256];
    path_of(name, path);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void make_file(const char *name)
{
    char path[256];
    path_of(name, path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
}

static void make_link(const char *to, const char *name)
{
    char path[256];
    path_of(name, path);
    assert_int_equal(symlink(to, path), 0);
}

/* The hub's cache as its own tools lay it out, and a user's links. */
static int make(void **)
{
    assert_non_null(mkdtemp(root));
    make_folder("models");
    make_folder("blobs");
    make_folder("snapshots");
    make_folder("snapshots/rev");
    make_folder("snapshots/rev/onnx");
    make_folder("far");
    make_file("blobs/c0ffee");
    make_file("far/voice.onnx");
    make_link("../../../blobs/c0ffee", "snapshots/rev/onnx/model_q8f16.onnx");
    make_link("far/voice.onnx", "mine.onnx");
    make_link("far", "near");
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static int unmake(void **)
{
    return nftw(root, remove_one, DEEP, FTW_DEPTH | FTW_PHYS);
}

static void links_are_followed_but_into_a_store(void **)
{
    static const struct {
        const char *given, *path;
    } rows[] = {
        {"snapshots/rev/onnx/model_q8f16.onnx", "snapshots/rev/onnx/model_q8f16.onnx"},
        {"snapshots/rev/../rev/onnx/model_q8f16.onnx", "snapshots/rev/onnx/model_q8f16.onnx"},
        {"blobs/c0ffee", "blobs/c0ffee"},
        {"far/voice.onnx", "far/voice.onnx"},
        {"mine.onnx", "far/voice.onnx"},
        {"near/voice.onnx", "far/voice.onnx"},
        {"near", "far"},
        {"near/", "far"},
        {"far/..", ""},
        {"nowhere.onnx", "nowhere.onnx"},
    };
    char models[256];
    path_of("models", models);
    for (size_t i = 0; i < countof(rows); i++) {
        struct model_named named = {};
        char given[256], path[256];
        path_of(rows[i].given, given);
        path_of(rows[i].path, path);
        if (rows[i].path[0] == 0)
            snprintf(path, sizeof path, "%s", root);
        model_find_named(given, "piper", models, root, &named);
        assert_string_equal(named.wrong, "");
        assert_string_equal(named.path, path);
    }
}

/* An engine has no other idea of where we are. */
static void a_relative_path_becomes_absolute(void **)
{
    struct model_named named = {};
    char below[256], path[256];
    path_of("snapshots/rev/onnx", below);
    path_of("snapshots/rev/onnx/model_q8f16.onnx", path);
    assert_int_equal(chdir(below), 0);
    model_find_named("model_q8f16.onnx", "piper", root, root, &named);
    assert_int_equal(chdir("/"), 0);
    assert_string_equal(named.path, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_are_followed_but_into_a_store),
        cmocka_unit_test(a_relative_path_becomes_absolute),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
