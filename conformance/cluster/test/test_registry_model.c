// SPDX-License-Identifier: Apache-2.0
// The registry against a plain model of it: random operations, of which all outcomes and all that
// is stored must be the same. In memory and in a file.
#include "registry_support.h"

#include <stdio.h>

#include "util/text.h"

// ---- the model ----------------------------------------------------------------------------------

enum { KEYS = 400, VALUES = 12, HANDLES = 12, NAME = 24, PATH = 200, SIZE = 6 };

struct model_value {
    bool there;
    char name[NAME];
    uint32_t type;
    char data[SIZE + 1];
};

struct model_key {
    bool there;
    char path[PATH]; // as it was first written
    char sd[8];      // "": that of a new registry
    struct model_value values[VALUES];
};

struct model {
    struct model_key keys[KEYS]; // [0] is the root; a place is used once
    int used;
};

static const char *parent_of(const char *path, char out[PATH]) {
    const char *cut = strrchr(path, '\\');
    snprintf(out, PATH, "%.*s", (int)(cut != NULL ? cut - path : 0), path);
    return out;
}

static bool same(const char *a, const char *b) {
    return text_compare_folded(a, b) == 0;
}

static int find(const struct model *m, const char *path) {
    for (int i = 0; i < m->used; i++) {
        if (m->keys[i].there && same(m->keys[i].path, path)) {
            return i;
        }
    }
    return -1;
}

static bool is_below(const struct model *m, int key, int top) {
    const char *path = m->keys[key].path;
    const char *above = m->keys[top].path;
    const size_t size = strlen(above);
    return key != top && (size == 0 || (strncmp(path, above, size) == 0 && path[size] == '\\'));
}

static void append(char out[PATH], const char *text) {
    const size_t size = strlen(out);
    const size_t more = strlen(text);
    assert_true(size + more < PATH);
    memcpy(out + size, text, more + 1);
}

static void add_level(char out[PATH], const char *name) {
    append(out, *out != '\0' && *name != '\0' ? "\\" : "");
    append(out, name);
}

static const char *join(const struct model *m, int key, const char *path, char out[PATH]) {
    out[0] = '\0';
    append(out, m->keys[key].path);
    add_level(out, path);
    return out;
}

static bool is_path(const char *path) {
    const size_t size = strlen(path);
    return size == 0 || (path[0] != '\\' && path[size - 1] != '\\' && strstr(path, "\\\\") == NULL);
}

static int make(struct model *m, const char *path, bool *made) {
    int key = find(m, path);
    *made = key < 0;
    if (key < 0) {
        char above[PATH];
        bool ignored;
        const int parent = make(m, parent_of(path, above), &ignored);
        const char *cut = strrchr(path, '\\');
        assert_true(m->used < KEYS);
        key = m->used++;
        m->keys[key] = (struct model_key){.there = true};
        append(m->keys[key].path, m->keys[parent].path);
        add_level(m->keys[key].path, cut != NULL ? cut + 1 : path);
        memcpy(m->keys[key].sd, m->keys[parent].sd, sizeof m->keys[key].sd);
    }
    return key;
}

static void prune(struct model *m, int key) {
    for (int i = 0; i < m->used; i++) {
        if (is_below(m, i, key)) {
            m->keys[i].there = false;
        }
    }
    m->keys[key].there = false;
}

static struct model_value *value_of(struct model *m, int key, const char *name) {
    for (int i = 0; i < VALUES; i++) {
        struct model_value *v = &m->keys[key].values[i];
        if (v->there && same(v->name, name)) {
            return v;
        }
    }
    return NULL;
}

static void put(struct model *m, int key, const char *name, uint32_t type, const char *data) {
    struct model_value *v = value_of(m, key, name);
    for (int i = 0; v == NULL; i++) {
        assert_true(i < VALUES);
        if (!m->keys[key].values[i].there) {
            v = &m->keys[key].values[i];
            snprintf(v->name, NAME, "%s", name);
        }
    }
    v->there = true;
    v->type = type;
    snprintf(v->data, sizeof v->data, "%s", data);
}

// ---- what both have -----------------------------------------------------------------------------

static int by_name(const void *a, const void *b) {
    return text_compare_folded(*(const char *const *)a, *(const char *const *)b);
}

static void dump_model(struct buffer *out, struct model *m, int key, size_t default_size) {
    struct model_key *k = &m->keys[key];
    const char *names[KEYS];
    size_t count = 0;
    buffer_printf(out, "[%s] %zu octets\n", k->path,
                  k->sd[0] != '\0' ? strlen(k->sd) : default_size);
    for (int i = 0; i < VALUES; i++) {
        if (k->values[i].there) {
            names[count++] = k->values[i].name;
        }
    }
    qsort(names, count, sizeof names[0], by_name);
    for (size_t i = 0; i < count; i++) {
        const struct model_value *v = value_of(m, key, names[i]);
        buffer_printf(out, "%s = %u:", v->name, v->type);
        for (const char *c = v->data; *c != '\0'; c++) {
            buffer_printf(out, "%02x", (uint8_t)*c);
        }
        buffer_printf(out, "\n");
    }
    count = 0;
    for (int i = 1; i < m->used; i++) {
        char above[PATH];
        if (m->keys[i].there && strcmp(parent_of(m->keys[i].path, above), k->path) == 0) {
            names[count++] = m->keys[i].path;
        }
    }
    qsort(names, count, sizeof names[0], by_name); // they differ in the last level only
    for (size_t i = 0; i < count; i++) {
        dump_model(out, m, find(m, names[i]), default_size);
    }
}

// ---- both at once -------------------------------------------------------------------------------

struct both {
    struct fixture f;
    struct model m;
    uint64_t seed;
    struct {
        struct registry_key *key;
        int model;
    } handles[HANDLES];
    size_t default_size;
    unsigned succeeded, failed;
};

static const char *draw_name(struct both *b) {
    static const char *const names[] = {
        "a", "A", "b", "Bb", "\xc3\xa9", "\xc3\x89", "c", "\xed\xa0\x80", "x y", "%"};
    return names[draw(&b->seed, 10)];
}

static const char *draw_path(struct both *b, char out[PATH]) {
    const uint32_t kind = draw(&b->seed, 40);
    if (kind == 0) {
        return "";
    }
    if (kind == 1) {
        static const char *const wrong[] = {"\\", "\\a", "a\\", "a\\\\b"};
        return wrong[draw(&b->seed, 4)];
    }
    const uint32_t levels = 1 + draw(&b->seed, 3);
    out[0] = '\0';
    for (uint32_t i = 0; i < levels; i++) {
        add_level(out, draw_name(b));
    }
    return out;
}

static const char *draw_value_name(struct both *b) {
    static const char *const names[] = {"", "v", "V", "w", "a\\b", "\\", "\xc3\xa9", "\xc3\x89"};
    return names[draw(&b->seed, 8)];
}

static const char *draw_data(struct both *b, char out[SIZE + 1]) {
    const uint32_t size = draw(&b->seed, SIZE);
    for (uint32_t i = 0; i < size; i++) {
        out[i] = (char)('a' + draw(&b->seed, 26));
    }
    out[size] = '\0';
    return out;
}

static void expect(struct both *b, uint32_t found, uint32_t expected) {
    assert_int_equal(found, expected);
    *(found == 0 ? &b->succeeded : &b->failed) += 1;
}

// What is said of any handle before its operation is looked at.
static uint32_t dead_or(const struct both *b, int h, uint32_t otherwise) {
    return b->m.keys[b->handles[h].model].there ? otherwise : REGISTRY_ERROR_KEY_DELETED;
}

static void keep(struct both *b, struct registry_key *key, int model) {
    const uint32_t h = 1 + draw(&b->seed, HANDLES - 1); // [0] stays the root
    registry_key_release(b->handles[h].key);
    b->handles[h].key = key;
    b->handles[h].model = model;
}

static void do_create(struct both *b, int h) {
    char text[PATH], whole[PATH];
    const char *path = draw_path(b, text);
    const bool gives = draw(&b->seed, 4) == 0;
    const cmrp_view sd = view_of(draw(&b->seed, 2) == 0 ? "sd" : "longer");
    struct registry_key *key;
    bool created, made;
    const uint32_t expected = !is_path(path) ? REGISTRY_ERROR_INVALID_NAME : dead_or(b, h, 0);
    expect(b, registry_key_create(b->handles[h].key, path, gives ? &sd : NULL, &created, &key),
           expected);
    if (expected == 0) {
        const int at = make(&b->m, join(&b->m, b->handles[h].model, path, whole), &made);
        assert_int_equal(created, made);
        assert_string_equal(registry_key_path(key), b->m.keys[at].path);
        if (gives) {
            snprintf(b->m.keys[at].sd, sizeof b->m.keys[at].sd, "%.*s", (int)sd.size, sd.data);
        }
        keep(b, key, at);
    }
}

static void do_open(struct both *b, int h) {
    char text[PATH], whole[PATH];
    const char *path = draw_path(b, text);
    struct registry_key *key;
    const int at = find(&b->m, join(&b->m, b->handles[h].model, path, whole));
    const uint32_t expected = !is_path(path)
                                  ? REGISTRY_ERROR_INVALID_NAME
                                  : dead_or(b, h, at < 0 ? REGISTRY_ERROR_FILE_NOT_FOUND : 0);
    expect(b, registry_key_open(b->handles[h].key, path, &key), expected);
    if (expected == 0) {
        assert_string_equal(registry_key_path(key), b->m.keys[at].path);
        keep(b, key, at);
    }
}

static void do_delete(struct both *b, int h) {
    char text[PATH], whole[PATH];
    const char *path = draw_path(b, text);
    const bool tree = draw(&b->seed, 3) == 0;
    const int at = find(&b->m, join(&b->m, b->handles[h].model, path, whole));
    bool has_children = false;
    for (int i = 0; at >= 0 && i < b->m.used; i++) {
        has_children = has_children || (b->m.keys[i].there && is_below(&b->m, i, at));
    }
    const uint32_t expected = *path == '\0'           ? REGISTRY_ERROR_INVALID_PARAMETER
                              : !is_path(path)        ? REGISTRY_ERROR_INVALID_NAME
                              : dead_or(b, h, 0) != 0 ? REGISTRY_ERROR_KEY_DELETED
                              : at < 0                ? REGISTRY_ERROR_FILE_NOT_FOUND
                              : has_children && !tree ? REGISTRY_ERROR_ACCESS_DENIED
                                                      : 0;
    struct registry_key *key = b->handles[h].key;
    expect(b, tree ? registry_tree_delete(key, path) : registry_key_delete(key, path), expected);
    if (expected == 0) {
        prune(&b->m, at);
    }
}

static void do_value(struct both *b, int h) {
    static const uint32_t types[] = {0, 1, 2, 3, 4, 7, 11, 5, 99};
    const char *name = draw_value_name(b);
    const int at = b->handles[h].model;
    struct registry_key *key = b->handles[h].key;
    struct model_value *v = value_of(&b->m, at, name);
    if (draw(&b->seed, 3) == 0) {
        const uint32_t expected = dead_or(b, h, v == NULL ? REGISTRY_ERROR_FILE_NOT_FOUND : 0);
        expect(b, registry_value_delete(key, name), expected);
        if (expected == 0) {
            v->there = false;
        }
        return;
    }
    char data[SIZE + 1];
    const uint32_t type = types[draw(&b->seed, 9)];
    const uint32_t expected =
        type == 5 || type == 99 ? REGISTRY_ERROR_INVALID_PARAMETER : dead_or(b, h, 0);
    expect(b, registry_value_set(key, name, type, view_of(draw_data(b, data))), expected);
    if (expected == 0) {
        put(&b->m, at, name, type, data);
    }
}

// One command for the batch and the model; what the model says to it.
static uint32_t add_command(struct both *b, struct batch *batch, struct model *m, int base,
                            int *pointer) {
    char text[PATH], whole[PATH], data[SIZE + 1];
    const uint32_t kind = draw(&b->seed, 20);
    if (kind < 6) {
        const bool creates = kind < 4;
        const char *path = draw_path(b, text);
        bool made;
        batch_text(batch, creates ? CMRP_CLUSREG_CREATE_KEY : CMRP_CLUSREG_DELETE_KEY, path, NULL);
        if (!is_path(path) || (!creates && *path == '\0')) {
            return REGISTRY_ERROR_INVALID_NAME;
        }
        join(m, base, path, whole);
        *pointer = creates ? make(m, whole, &made) : -1;
        const int at = find(m, whole);
        if (!creates && at >= 0) {
            prune(m, at);
        }
        return 0;
    }
    const char *name = draw_value_name(b);
    const bool sets = kind < 16;
    const uint32_t type = draw(&b->seed, 60) == 0 ? 99 : 1 + draw(&b->seed, 4);
    draw_data(b, data);
    batch_put(batch, sets ? CMRP_CLUSREG_SET_VALUE : CMRP_CLUSREG_DELETE_VALUE, sets ? type : 0,
              name, data, sets ? strlen(data) : 0);
    if (*pointer < 0) {
        return REGISTRY_ERROR_INVALID_PARAMETER;
    }
    if (sets && type == 99) {
        return REGISTRY_ERROR_INVALID_DATA;
    }
    if (sets) {
        put(m, *pointer, name, type, data);
    } else if (value_of(m, *pointer, name) != NULL) {
        value_of(m, *pointer, name)->there = false;
    }
    return 0;
}

static void do_batch(struct both *b, int h) {
    static struct model after;
    struct batch batch = {0};
    const int count = 1 + (int)draw(&b->seed, 12);
    int pointer = b->handles[h].model;
    uint32_t expected = dead_or(b, h, 0);
    const bool dead = expected != 0;
    int32_t number = 0;
    after = b->m;
    for (int i = 1; i <= count; i++) {
        if (expected == 0) {
            expected = add_command(b, &batch, &after, b->handles[h].model, &pointer);
            number = expected != 0 ? i : 0;
        } else {
            batch_text(&batch, CMRP_CLUSREG_SET_VALUE, "later", "x");
        }
    }
    int32_t failed = -1;
    expect(b, registry_batch(b->handles[h].key, buffer_view(&batch.octets), &failed), expected);
    assert_int_equal(failed, dead ? 0 : number);
    buffer_free(&batch.octets);
    if (expected == 0) {
        b->m = after;
    }
}

static void compare(struct both *b) {
    struct buffer expected = {0};
    dump_model(&expected, &b->m, 0, b->default_size);
    char *found = dump(b->f.root);
    assert_string_equal(found, buffer_text(&expected));
    free(found);
    buffer_free(&expected);
}

static void play(const char *path, uint64_t seed, int steps) {
    static struct both b;
    uint8_t *sd;
    b = (struct both){.seed = seed, .m = {.used = 1, .keys = {{.there = true}}}};
    fixture_open(&b.f, path, NULL);
    assert_int_equal(registry_security_get(b.f.root, &sd, &b.default_size), 0);
    free(sd);
    for (int h = 0; h < HANDLES; h++) {
        b.handles[h].key = registry_key_hold(b.f.root);
    }
    for (int step = 0; step < steps && b.m.used < KEYS - 60; step++) {
        const int h = (int)draw(&b.seed, HANDLES);
        switch (draw(&b.seed, 12)) {
        case 0:
        case 1: do_create(&b, h); break;
        case 2:
        case 3: do_open(&b, h); break;
        case 4: do_delete(&b, h); break;
        case 5:
        case 6:
        case 7:
        case 8: do_value(&b, h); break;
        default: do_batch(&b, h);
        }
        if (step % 16 == 0) {
            compare(&b);
        }
    }
    compare(&b);
    assert_true(b.succeeded > 50 && b.failed > 20); // both ways were gone
    for (int h = 0; h < HANDLES; h++) {
        registry_key_release(b.handles[h].key);
    }
    fixture_close(&b.f);
    if (path != NULL) {
        fixture_open(&b.f, path, NULL);
        compare(&b);
        fixture_close(&b.f);
    }
}

static void in_memory(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        play(NULL, seed, 400);
    }
}

static void in_a_file(void **state) {
    (void)state;
    for (uint64_t seed = 1001; seed <= 1005; seed++) {
        char *name = util_format("model%d", (int)seed);
        char *path = temporary(name);
        play(path, seed, 250);
        free(path);
        free(name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory),
        cmocka_unit_test(in_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
