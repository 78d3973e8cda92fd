// SPDX-License-Identifier: Apache-2.0
#include "registry_support.h"

#include <stdio.h>
#include <unistd.h>

#include "util/text.h"

// ---- fixture ------------------------------------------------------------------------------------

static void changed(void *context, const struct registry_event *event) {
    static const char *const names[] = {
        [REGISTRY_KEY_CREATED] = "created",         [REGISTRY_KEY_DELETED] = "deleted",
        [REGISTRY_ATTRIBUTES] = "attributes",       [REGISTRY_VALUE_SET] = "set",
        [REGISTRY_VALUE_DELETED] = "value deleted",
    };
    struct fixture *f = context;
    buffer_printf(&f->news, "%s [%s]", names[event->change], event->path);
    if (event->value != NULL) {
        buffer_printf(&f->news, " %s", event->value);
    }
    buffer_printf(&f->news, "\n");
}

static void overflowed(void *context, const char *path) {
    struct fixture *f = context;
    buffer_printf(&f->news, "overflow [%s]\n", path);
}

static void troubled(void *context, const char *why) {
    struct fixture *f = context;
    buffer_printf(&f->troubles, "%s\n", why);
}

void fixture_open(struct fixture *f, const char *path, const struct registry_limits *limits) {
    const struct registry_listener listener = {f, changed, overflowed, NULL, troubled};
    char *error;
    *f = (struct fixture){0};
    f->registry = registry_open(path, limits, &listener, &error);
    if (f->registry == NULL) {
        fail_msg("%s", error);
    }
    assert_null(error);
    assert_int_equal(registry_root(f->registry, &f->root), 0);
}

void fixture_close(struct fixture *f) {
    registry_key_release(f->root);
    registry_close(f->registry);
    buffer_free(&f->news);
    buffer_free(&f->troubles);
}

void assert_news(struct fixture *f, const char *expected) {
    assert_string_equal(buffer_text(&f->news), expected);
    buffer_clear(&f->news);
}

// ---- batches ------------------------------------------------------------------------------------

static void put_u32(struct buffer *out, uint32_t value) {
    cmrp_store_u32(buffer_extend(out, 4), value, CMRP_LITTLE_ENDIAN);
}

void batch_put(struct batch *b, uint32_t type, uint32_t value_type, const char *name,
               const void *data, size_t size) {
    struct buffer units = {0};
    if (b->octets.size == 0) {
        put_u32(&b->octets, 1);
    }
    assert_true(text_to_units(&units, name, strlen(name), CMRP_LITTLE_ENDIAN));
    buffer_append(&units, "\0", 2);
    put_u32(&b->octets, type);
    put_u32(&b->octets, value_type);
    put_u32(&b->octets, (uint32_t)units.size);
    buffer_append(&b->octets, units.data, units.size);
    put_u32(&b->octets, (uint32_t)size);
    buffer_append(&b->octets, data, size);
    buffer_append(&b->octets, "\0", size % 2);
    buffer_free(&units);
}

void batch_text(struct batch *b, uint32_t type, const char *name, const char *data) {
    batch_put(b, type, type == CMRP_CLUSREG_SET_VALUE ? CMRP_REG_SZ : 0, name, data,
              data != NULL ? strlen(data) : 0);
}

void assert_batch(struct registry_key *key, struct batch *b, uint32_t status, int32_t failed) {
    int32_t number = -1;
    // In a block of exactly its size, so that a sanitizer sees one octet too many.
    uint8_t *exact = util_alloc(b->octets.size);
    if (b->octets.size > 0) {
        memcpy(exact, b->octets.data, b->octets.size);
    }
    assert_int_equal(registry_batch(key, (cmrp_view){exact, b->octets.size}, &number), status);
    assert_int_equal(number, failed);
    free(exact);
    buffer_free(&b->octets);
}

char *batch_list(cmrp_view octets) {
    struct buffer out = {0};
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    assert_true(cmrp_batch_open(&batch, octets, 0, CMRP_BATCH_STRICT, &error));
    while (cmrp_batch_next(&batch, &c)) {
        buffer_printf(&out, "%u %u ", c.type, c.value_type);
        text_from_units(&out, (cmrp_view){c.name.data, c.name.size - 2}, CMRP_LITTLE_ENDIAN);
        buffer_printf(&out, "=%.*s\n", (int)c.data.size, (const char *)c.data.data);
        assert_int_equal(c.padding, 0);
        assert_int_equal(c.warnings & ~CMRP_BATCH_WARN_SURROGATE, 0);
    }
    assert_int_equal(error.code, CMRP_OK);
    (void)buffer_text(&out);
    return (char *)out.data;
}

// ---- keys and values ----------------------------------------------------------------------------

cmrp_view view_of(const char *text) {
    return (cmrp_view){(const uint8_t *)text, strlen(text)};
}

struct registry_key *make_key(struct registry_key *parent, const char *path) {
    struct registry_key *key;
    bool created;
    assert_int_equal(registry_key_create(parent, path, NULL, &created, &key), 0);
    return key;
}

void set_text(struct registry_key *key, const char *name, const char *data) {
    assert_int_equal(registry_value_set(key, name, CMRP_REG_SZ, view_of(data)), 0);
}

void assert_value(struct registry_key *key, const char *name, const char *data) {
    struct registry_value value;
    const uint32_t status = registry_value_get(key, name, &value);
    if (data == NULL) {
        assert_int_equal(status, REGISTRY_ERROR_FILE_NOT_FOUND);
        return;
    }
    assert_int_equal(status, 0);
    assert_int_equal(value.size, strlen(data));
    assert_memory_equal(value.data, data, value.size);
    registry_value_clear(&value);
}

void assert_open(struct registry_key *key, const char *path, uint32_t status) {
    struct registry_key *found;
    assert_int_equal(registry_key_open(key, path, &found), status);
    assert_int_equal(found != NULL, status == 0);
    registry_key_release(found);
}

static void dump_into(struct buffer *out, struct registry_key *key) {
    struct registry_value value;
    struct registry_info info;
    uint64_t written;
    char *name;
    uint8_t *sd;
    size_t size;
    assert_int_equal(registry_security_get(key, &sd, &size), 0);
    buffer_printf(out, "[%s] %zu octets\n", registry_key_path(key), size);
    free(sd);
    for (uint32_t i = 0; registry_value_at(key, i, &value) == 0; i++) {
        buffer_printf(out, "%s = %u:", value.name, value.type);
        for (size_t k = 0; k < value.size; k++) {
            buffer_printf(out, "%02x", value.data[k]);
        }
        buffer_printf(out, "\n");
        registry_value_clear(&value);
    }
    assert_int_equal(registry_key_info(key, &info), 0);
    for (uint32_t i = 0; i < info.keys; i++) {
        struct registry_key *child;
        assert_int_equal(registry_key_at(key, i, &name, &written), 0);
        assert_int_equal(registry_key_open(key, name, &child), 0);
        dump_into(out, child);
        registry_key_release(child);
        free(name);
    }
}

char *dump(struct registry_key *root) {
    struct buffer out = {0};
    dump_into(&out, root);
    (void)buffer_text(&out);
    return (char *)out.data;
}

uint32_t draw(uint64_t *seed, uint32_t bound) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % bound;
}
