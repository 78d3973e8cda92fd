// SPDX-License-Identifier: Apache-2.0
#include "test_support.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef CMRP_TEST_WITHOUT_CMOCKA
jmp_buf without_cmocka_leave;
#endif

// ---- memory -------------------------------------------------------------------------------------

cmrp_view exact(const void *octets, size_t size) {
    uint8_t *copy = malloc(size);
    assert_true(copy != NULL || size == 0);
    if (size > 0) {
        memcpy(copy, octets, size);
    }
    return (cmrp_view){copy, size};
}

void free_view(cmrp_view view) {
    union {
        const uint8_t *constant;
        uint8_t *octets;
    } data = {view.data};
    free(data.octets);
}

void guard_open(guard *g, size_t capacity) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    g->capacity = (capacity + page - 1) / page * page;
    g->mapped = g->capacity + page;
    g->map = mmap(NULL, g->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g->map != MAP_FAILED);
    assert_int_equal(mprotect(g->map + g->capacity, page, PROT_NONE), 0);
}

cmrp_view guard_place(const guard *g, const void *octets, size_t size) {
    uint8_t *place = g->map + g->capacity - size;
    assert_true(size <= g->capacity);
    if (size > 0) {
        memcpy(place, octets, size);
    }
    return (cmrp_view){place, size};
}

void guard_close(guard *g) {
    assert_int_equal(munmap(g->map, g->mapped), 0);
}

bool inside(cmrp_view part, cmrp_view whole) {
    const uintptr_t at = (uintptr_t)part.data;
    const uintptr_t start = (uintptr_t)whole.data;
    return part.size == 0 ||
           (at >= start && part.size <= whole.size && at - start <= whole.size - part.size);
}

// ---- input --------------------------------------------------------------------------------------

void built_init(built *b, cmrp_order order, cmrp_syntax syntax) {
    memset(b, 0, sizeof *b);
    b->order = order;
    b->word = syntax == CMRP_NDR64 ? 8 : 4;
}

cmrp_view built_view(const built *b) {
    return (cmrp_view){b->octets, b->size};
}

static void add_cut(built *b, size_t end, cmrp_code code, uint64_t offset, const char *path) {
    assert_true(b->cut_count < COUNT_OF(b->cuts));
    cut *c = &b->cuts[b->cut_count++];
    *c = (cut){end, code, offset, path};
    if (b->region != NULL) {
        *c = *b->region;
        c->end = end;
    }
}

void add_boundary(built *b, cmrp_code code, const char *path) {
    add_cut(b, b->size + 1, code, b->size, path);
}

static void append(built *b, uint8_t octet) {
    assert_true(b->size < sizeof b->octets);
    b->octets[b->size++] = octet;
}

static void append_uint(built *b, size_t width, uint64_t value) {
    for (size_t i = 0; i < width; i++) {
        const size_t place = b->order == CMRP_LITTLE_ENDIAN ? i : width - 1 - i;
        append(b, (uint8_t)(value >> (8 * place)));
    }
}

void add_uint(built *b, const char *path, size_t width, uint64_t value) {
    const size_t at = b->size;
    append_uint(b, width, value);
    add_cut(b, b->size, CMRP_E_TRUNCATED, at, path);
}

void add_octets(built *b, const char *path, const void *octets, size_t size, cmrp_code code,
                uint64_t offset) {
    for (size_t i = 0; i < size; i++) {
        append(b, ((const uint8_t *)octets)[i]);
    }
    add_cut(b, b->size, code, offset, path);
}

void add_text(built *b, const char *path, const char *ascii, cmrp_code code, uint64_t offset) {
    for (; *ascii != '\0'; ascii++) {
        append_uint(b, 2, (unsigned char)*ascii);
    }
    add_cut(b, b->size, code, offset, path);
}

void ndr_align(built *b, const char *path, size_t alignment) {
    while (b->size % alignment != 0) {
        append(b, 0);
    }
    add_cut(b, b->size, CMRP_E_TRUNCATED, b->size, path);
}

void ndr_uint(built *b, const char *path, size_t width, uint64_t value) {
    ndr_align(b, path, width);
    add_uint(b, path, width, value);
}

void ndr_word(built *b, const char *path, uint64_t value) {
    ndr_uint(b, path, b->word, value);
}

void ndr_handle(built *b, const char *path, const uint8_t handle[CMRP_HANDLE_SIZE]) {
    // The integers that a handle consists of, as a little-endian sender has them.
    static const uint8_t widths[] = {4, 4, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1};
    ndr_align(b, path, 4);
    const size_t start = b->size;
    for (size_t f = 0, at = 0; f < COUNT_OF(widths); at += widths[f++]) {
        uint64_t value = 0;
        for (size_t i = widths[f]; i > 0; i--) {
            value = value << 8 | handle[at + i - 1];
        }
        append_uint(b, widths[f], value);
    }
    add_cut(b, b->size, CMRP_E_TRUNCATED, start, path);
}

void ndr_string(built *b, const char *path, const char *ascii) {
    const size_t count = strlen(ascii) + 1;
    ndr_word(b, path, count);
    ndr_word(b, path, 0);
    ndr_word(b, path, count);
    const size_t at = b->size - b->word;
    add_text(b, path, ascii, CMRP_E_OVERRUN, at);
    add_octets(b, path, "\0", 2, CMRP_E_OVERRUN, at);
}

void ndr_octets(built *b, const char *path, const void *octets, size_t size) {
    ndr_word(b, path, size);
    add_octets(b, path, octets, size, CMRP_E_OVERRUN, b->size - b->word);
}

// ---- loops --------------------------------------------------------------------------------------

static cut cut_at(const built *b, size_t size) {
    for (size_t i = 0; i < b->cut_count; i++) {
        if (b->cuts[i].end > size) {
            return b->cuts[i];
        }
    }
    return (cut){.code = CMRP_OK};
}

static void check_cut(cut want, size_t size, bool accepted, uint64_t base,
                      const cmrp_error *error) {
    char path[128];
    if (want.code == CMRP_OK) {
        if (!accepted || error->code != CMRP_OK) {
            fail_msg("%zu octets: refused with %s", size, cmrp_code_id(error->code));
        }
        return;
    }
    (void)cmrp_error_field(error, path, sizeof path);
    if (accepted || error->code != want.code || error->offset != base + want.offset ||
        strcmp(path, want.path) != 0) {
        fail_msg("%zu octets: %s at %llu in %s, expected %s at %llu in %s", size,
                 cmrp_code_id(error->code), (unsigned long long)error->offset, path,
                 cmrp_code_id(want.code), (unsigned long long)(base + want.offset), want.path);
    }
}

void check_cuts(const built *b, decode_function *decode, void *context, uint64_t base) {
    guard g;
    guard_open(&g, b->size);
    for (size_t size = 0; size <= b->size; size++) {
        const cut want = cut_at(b, size);
        const cmrp_view copies[] = {exact(b->octets, size), guard_place(&g, b->octets, size)};
        for (size_t i = 0; i < COUNT_OF(copies); i++) {
            cmrp_error error = {0};
            const bool accepted = decode(context, copies[i], base, &error);
            check_cut(want, size, accepted, base, &error);
        }
        free_view(copies[0]);
    }
    guard_close(&g);
}

static void check_capacity(encode_function *encode, void *context, cmrp_view expected,
                           const cmrp_reservation *hole, size_t capacity) {
    enum { UNTOUCHED = 0xa5 };
    cmrp_error error = {0};
    cmrp_writer w;
    uint8_t *buffer = malloc(capacity);
    assert_true(buffer != NULL || capacity == 0);
    memset(buffer, UNTOUCHED, capacity);
    cmrp_writer_init(&w, buffer, capacity, &error, "none");
    const bool ok = encode(context, &w);
    assert_int_equal(ok, capacity >= expected.size);
    assert_int_equal(error.code, ok ? CMRP_OK : CMRP_E_NO_SPACE);
    assert_true(w.size <= capacity && w.size <= expected.size);
    assert_true(ok ? w.size == expected.size : error.offset <= capacity && error.field != NULL);
    for (size_t i = 0; i < capacity; i++) {
        const bool in_hole =
            hole != NULL && i >= hole->position && i < hole->position + hole->width;
        if (i >= w.size) {
            assert_int_equal(buffer[i], UNTOUCHED);
        } else if (ok || !in_hole) {
            assert_int_equal(buffer[i], expected.data[i]);
        }
    }
    free(buffer);
}

void check_encode(encode_function *encode, void *context, cmrp_view expected,
                  const cmrp_reservation *hole) {
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_sizer_init(&w, &error, "none");
    assert_true(encode(context, &w));
    assert_int_equal(error.code, CMRP_OK);
    assert_int_equal(w.size, expected.size);
    for (size_t capacity = 0; capacity <= expected.size + 3; capacity++) {
        check_capacity(encode, context, expected, hole, capacity);
    }
}

// xorshift64: the same numbers everywhere.
static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

enum { MUTATION_CAPACITY = 2048 };

static size_t mutate(uint64_t *state, uint8_t *octets, size_t size) {
    static const uint32_t hostile[] = {
        0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    const uint64_t r = next_random(state);
    const size_t at = size > 0 ? (size_t)(r >> 32) % size : 0;
    const size_t span = 1u << ((r >> 8) & 3); // 1, 2, 4 or 8 octets
    switch (r & 7) {
    case 0: return at; // cut
    case 1:            // grow
        if (size + span <= MUTATION_CAPACITY) {
            memset(octets + size, (int)(r >> 16 & 0xff), span);
            return size + span;
        }
        break;
    case 2: // take out
        if (at + span <= size) {
            memmove(octets + at, octets + at + span, size - at - span);
            return size - span;
        }
        break;
    case 3:
    case 4: { // a number where one may stand
        const size_t place = at & ~(size_t)3;
        const uint64_t value = hostile[(r >> 16) % COUNT_OF(hostile)];
        for (size_t i = 0; i < span && place + i < size; i++) {
            octets[place + i] = (uint8_t)(value >> (8 * (i & 3)));
        }
        break;
    }
    default:
        if (size > 0) {
            octets[at] = (uint8_t)(octets[at] ^ 1u << ((r >> 16) & 7));
        }
        break;
    }
    return size;
}

void run_mutations(const cmrp_view *seeds, size_t count, mutation_function *decode, void *context) {
    enum { ROUNDS = 100000, FEW = ROUNDS / 100 };
    uint64_t state = 0x6d7263702d636d72;
    unsigned accepted = 0;
    guard g;
    guard_open(&g, MUTATION_CAPACITY);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t octets[MUTATION_CAPACITY];
        const cmrp_view seed = seeds[round % count];
        size_t size = seed.size;
        memcpy(octets, seed.data, size);
        for (uint64_t n = 1 + (next_random(&state) & 3); n > 0; n--) {
            size = mutate(&state, octets, size);
        }
        accepted += decode(context, round % count, guard_place(&g, octets, size));
    }
    guard_close(&g);
    // Mutations that are all refused, or never, would test half of the code.
    assert_in_range(accepted, FEW, ROUNDS - FEW);
}

void check_refusal(const cmrp_error *error, uint64_t base, size_t size) {
    assert_true(error->code != CMRP_OK);
    assert_non_null(error->field);
    assert_non_null(error->section);
    // A field that is wholly missing can start behind the gap that is missing with it.
    assert_in_range(error->offset, base, base + size + 7);
    assert_true(error->left <= size);
}

// ---- warnings -----------------------------------------------------------------------------------

void collect(void *context, const cmrp_error *warning) {
    warnings *w = context;
    if (w->count < COUNT_OF(w->list)) {
        w->list[w->count] = *warning;
    }
    w->count++;
}
