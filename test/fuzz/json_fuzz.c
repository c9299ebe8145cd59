// SPDX-License-Identifier: Apache-2.0
/* What is read is written again; what was written reads the same from then on. */
#include "base/check.h"
#include "base/json.h"
#include "fuzz.h"

struct ask {
    struct str message, format;
    bool use_rag;
    int64_t k;
    double speed;
    const struct json_val *list;
};
static const struct json_field fields[] = {
    {"message", JSON_STR, offsetof(struct ask, message), .required = true, .min = 1, .max = 20},
    {"format", JSON_STR, offsetof(struct ask, format), .one_of = "pcm|wav"},
    {"use_rag", JSON_BOOL, offsetof(struct ask, use_rag)},
    {"k", JSON_INT, offsetof(struct ask, k), .min = 1, .max = 50},
    {"speed", JSON_NUM, offsetof(struct ask, speed), .min = 0.5, .max = 2},
    {"list", JSON_ARR, offsetof(struct ask, list)},
};

/* The writer goes less deep than the reader by one: what is deeper is left out. */
static void write(struct json_out *j, const struct json_val *v, int depth);

static void write_container(struct json_out *j, const struct json_val *v, int depth)
{
    size_t iter = 0, count = 0;
    struct str key;
    const struct json_val *item;
    while (depth < JSON_MAX_DEPTH - 1 && json_next(v, &iter, &key, &item)) {
        count++;
        if (json_typeof(v) == JSON_OBJ) {
            char z[64];
            if (key.n >= sizeof z || str_find_byte(key, 0) < key.n)
                continue;
            for (size_t i = 0; i < key.n; i++)
                z[i] = key.p[i];
            z[key.n] = 0;
            check(json_get(v, z) == item);
            json_key(j, z);
        } else {
            check(json_at(v, count - 1) == item);
        }
        write(j, item, depth + 1);
    }
    check(depth >= JSON_MAX_DEPTH - 1 || count == json_count(v));
}

static void write(struct json_out *j, const struct json_val *v, int depth)
{
    switch (json_typeof(v)) {
    case JSON_NULL:
        json_put_null(j);
        break;
    case JSON_BOOL:
        json_put_bool(j, json_bool(v, false));
        break;
    case JSON_INT:
        json_put_int(j, json_int(v, 0));
        break;
    case JSON_NUM:
        json_put_num(j, json_num(v, 0));
        break;
    case JSON_STR:
        check(utf8_valid(json_str(v)));
        json_put_str(j, json_str(v));
        break;
    case JSON_ARR:
    case JSON_OBJ:
        if (depth >= JSON_MAX_DEPTH - 1) {
            json_put_null(j);
            break;
        }
        json_typeof(v) == JSON_ARR ? json_arr(j) : json_obj(j);
        write_container(j, v, depth);
        json_end(j);
    }
}

/* Reads and writes; false when it is not JSON. */
static bool again(struct str text, struct buf *into)
{
    struct json_doc *doc;
    struct json_why why = {};
    struct ask ask = {};
    if (json_parse(text, &doc, &why) != OK) {
        check(why.text[0] && utf8_valid(str_of(why.text)));
        return false;
    }
    struct json_out j = {.to = into};
    write(&j, json_root(doc), 0);
    check(json_finish(&j) == OK);
    enum err err = json_read(json_root(doc), fields, 6, JSON_STRICT, &ask, &why);
    check(err == OK ? ask.message.n > 0 : why.text[0] && utf8_valid(str_of(why.text)));
    json_doc_destroy(doc);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autobuf once = BUF(SIZE_MAX), twice = BUF(SIZE_MAX), thrice = BUF(SIZE_MAX);
    if (!again((struct str){(const char *)data, size}, &once))
        return 0;
    check(again(buf_str(&once), &twice) && again(buf_str(&twice), &thrice));
    check(str_eq(buf_str(&twice), buf_str(&thrice)));
    return 0;
}
