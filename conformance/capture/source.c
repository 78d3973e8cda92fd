// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE // fopencookie
#include "capture/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { SOURCE_BUFFER = 1 << 16 };

enum gzip_phase { GZIP_MEMBER, GZIP_BETWEEN, GZIP_NONE };

struct source {
    int descriptor;
    const uint8_t *memory;
    size_t memory_left;
    const uint8_t *at; // octets read but not used: `left` of them, within `input`
    size_t left;
    bool input_ended;
    bool looked; // at the first octets, for gzip's mark
    enum gzip_phase phase;
    enum source_state state;
    int system;
    const char *what;
    off64_t position; // in the octets given out
    z_stream zlib;
    bool zlib_ready;
    uint8_t input[SOURCE_BUFFER];
    char stdio[SOURCE_BUFFER];
};

struct source *source_create(int descriptor, const uint8_t *memory, size_t size) {
    struct source *source = malloc(sizeof *source);

    if (!source)
        return NULL;
    memset(source, 0, offsetof(struct source, input));
    source->descriptor = memory ? -1 : descriptor;
    source->memory = memory;
    source->memory_left = memory ? size : 0;
    source->phase = GZIP_NONE;
    return source;
}

// Up to `size` octets as they come, 0 at the end or on failure.
static size_t read_input(struct source *source, void *data, size_t size) {
    if (source->input_ended || size == 0)
        return 0;
    ssize_t got;
    if (source->memory) {
        got = (ssize_t)(source->memory_left < size ? source->memory_left : size);
        memcpy(data, source->memory, (size_t)got);
        source->memory += got;
        source->memory_left -= (size_t)got;
    } else {
        do
            got = read(source->descriptor, data, size);
        while (got < 0 && errno == EINTR);
    }
    if (got > 0)
        return (size_t)got;
    source->input_ended = true;
    if (got < 0) {
        source->state = SOURCE_FAILED;
        source->system = errno;
    }
    return 0;
}

// Has at least `size` unused octets, unless the input ends before.
static bool fill(struct source *source, size_t size) {
    if (source->left < size && source->left > 0)
        memmove(source->input, source->at, source->left);
    if (source->left < size)
        source->at = source->input;
    while (source->left < size) {
        size_t got = read_input(source, source->input + source->left, SOURCE_BUFFER - source->left);
        if (got == 0)
            return false;
        source->left += got;
    }
    return true;
}

static void damaged(struct source *source, const char *what) {
    source->state = SOURCE_DAMAGED;
    source->what = what ? what : "wrong data";
}

static bool at_gzip(struct source *source) {
    return fill(source, 2) && source->at[0] == 0x1f && source->at[1] == 0x8b;
}

static void look(struct source *source) {
    source->looked = true;
    if (!at_gzip(source))
        return;
    source->phase = GZIP_MEMBER;
    if (inflateInit2(&source->zlib, 16 + MAX_WBITS) == Z_OK)
        source->zlib_ready = true;
    else
        source->state = SOURCE_NO_MEMORY;
}

// A gzip file may be several streams one after the other.
static void next_member(struct source *source) {
    if (at_gzip(source)) {
        inflateReset(&source->zlib);
        source->phase = GZIP_MEMBER;
    } else if (source->left > 0) {
        damaged(source, "octets after its end");
    }
}

static void inflate_some(struct source *source) {
    if (!fill(source, 1)) {
        if (source->state == SOURCE_GOOD)
            source->state = SOURCE_CUT;
        return;
    }
    source->zlib.next_in = (z_const Bytef *)source->at;
    source->zlib.avail_in = (uInt)source->left;
    int result = inflate(&source->zlib, Z_SYNC_FLUSH);
    source->at = source->zlib.next_in;
    source->left = source->zlib.avail_in;
    if (result == Z_STREAM_END)
        source->phase = GZIP_BETWEEN;
    else if (result == Z_MEM_ERROR)
        source->state = SOURCE_NO_MEMORY;
    else if (result != Z_OK && result != Z_BUF_ERROR)
        damaged(source, source->zlib.msg);
}

static size_t read_gzip(struct source *source, char *data, size_t size) {
    source->zlib.next_out = (Bytef *)data;
    source->zlib.avail_out = (uInt)size;
    // What one inflate gives is given out at once: the input may be a live one.
    while (source->zlib.avail_out == size && source->state == SOURCE_GOOD) {
        if (source->phase == GZIP_BETWEEN)
            next_member(source);
        if (source->phase == GZIP_BETWEEN || source->state != SOURCE_GOOD)
            break;
        inflate_some(source);
    }
    return size - source->zlib.avail_out;
}

static size_t read_plain(struct source *source, char *data, size_t size) {
    if (source->left == 0)
        return read_input(source, data, size);
    size_t part = source->left < size ? source->left : size;
    memcpy(data, source->at, part);
    source->at += part;
    source->left -= part;
    return part;
}

static ssize_t cookie_read(void *cookie, char *data, size_t size) {
    struct source *source = cookie;
    size_t got = 0;

    if (!source->looked)
        look(source);
    if (size > SOURCE_BUFFER)
        size = SOURCE_BUFFER;
    if (source->phase == GZIP_NONE)
        got = read_plain(source, data, size);
    else if (source->state == SOURCE_GOOD)
        got = read_gzip(source, data, size);
    source->position += (off64_t)got;
    return (ssize_t)got; // failures end the stream and stay in source->state
}

// Only so that ftello works.
static int cookie_seek(void *cookie, off64_t *offset, int whence) {
    const struct source *source = cookie;

    if (whence != SEEK_CUR || *offset != 0)
        return -1;
    *offset = source->position;
    return 0;
}

FILE *source_open(struct source *source) {
    cookie_io_functions_t functions = {.read = cookie_read, .seek = cookie_seek};
    FILE *stream = fopencookie(source, "r", functions);

    if (stream)
        setvbuf(stream, source->stdio, _IOFBF, sizeof source->stdio);
    return stream;
}

enum source_state source_state(const struct source *source) {
    return source->state;
}

int source_system(const struct source *source) {
    return source->system;
}

const char *source_what(const struct source *source) {
    return source->what;
}

void source_destroy(struct source *source) {
    if (!source)
        return;
    if (source->zlib_ready)
        inflateEnd(&source->zlib);
    free(source);
}
