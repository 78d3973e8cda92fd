// SPDX-License-Identifier: Apache-2.0
// Rules about notification ports know less when frames are missing or memory is short; then they
// are silent, and never find what they would not find otherwise. What they find at all is in
// vectors/sequence/notify-*.json.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replay/replay.h"
#include "rules/rules.h"
#include "suite/sequence.h"

static struct sequence_set set;

static const char *const names[] = {
#define RULE(id, name, requirement, level, role, section, advice) name,
#include "rules/notify.def"
#undef RULE
};

enum { PCAP_HEADER = 24, RECORD_HEADER = 16, FINDINGS = 64 };
enum { REORDER = 16 }; // packets by which the loss of one is noticed later on other connections

// ---- captures -----------------------------------------------------------------------------------

struct found {
    const struct rule *rule;
    uint64_t frame; // of the whole capture
};

struct run {
    struct found found[FINDINGS];
    size_t count;
    uint64_t missing; // frame; 0: none
    unsigned limits;  // notes that there is no room
};

static bool is_ours(const struct rule *rule) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (rule != NULL && strcmp(rule->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void on_call(void *context, const struct replay_peers *peers,
                    const struct replay_call *call) {
    struct run *run = context;
    (void)peers;
    for (size_t i = 0; i < call->finding_count; i++) {
        const struct replay_finding *f = &call->findings[i];
        if (is_ours(f->rule)) {
            assert_true(run->count < FINDINGS);
            run->found[run->count++] =
                (struct found){f->rule, f->frame + (run->missing > 0 && f->frame >= run->missing)};
        }
    }
}

static void on_note(void *context, const struct replay_peers *peers, const char *code,
                    const char *text, const struct assoc_stamp *stamp) {
    struct run *run = context;
    (void)peers;
    (void)text;
    (void)stamp;
    run->limits += strcmp(code, "rules-limit") == 0;
}

static void judge(struct run *run, cmrp_view capture, size_t records) {
    const struct replay_observer observer = {.context = run, .call = on_call, .note = on_note};
    const struct replay_options options = {.format = REPLAY_NONE,
                                           .opnum = -1,
                                           .rules = true,
                                           .rule_limits = {.records = records},
                                           .observer = &observer};
    struct replay_result result;
    replay_memory(&options, capture.data, capture.size, &result);
    assert_int_equal(result.status, CAPTURE_OK);
}

// The octets of a frame, counted from 1, with their header; size 0 behind the last.
static cmrp_view frame_of(cmrp_view capture, uint64_t number) {
    size_t at = PCAP_HEADER;
    while (at < capture.size) {
        const size_t size =
            RECORD_HEADER + cmrp_load_u32(capture.data + at + 8, CMRP_LITTLE_ENDIAN);
        if (--number == 0) {
            return (cmrp_view){capture.data + at, size};
        }
        at += size;
    }
    return (cmrp_view){capture.data + at, 0};
}

static bool has(const struct run *run, const struct found *found) {
    for (size_t i = 0; i < run->count; i++) {
        if (run->found[i].rule == found->rule && run->found[i].frame == found->frame) {
            return true;
        }
    }
    return false;
}

static void assert_within(const struct sequence *q, const struct run *less, const struct run *all,
                          const char *what, unsigned long long number) {
    for (size_t i = 0; i < less->count; i++) {
        const uint64_t frame = less->found[i].frame;
        const bool unnoticed = frame > less->missing && frame <= less->missing + REORDER;
        if (!has(all, &less->found[i]) && !(less->missing > 0 && unnoticed)) {
            fail_msg("%s, %s %llu: %s in frame %llu", q->id, what, number,
                     less->found[i].rule->name, (unsigned long long)less->found[i].frame);
        }
    }
}

// The capture of the index-th sequence if it is one of ours.
static const struct sequence *open_sequence(size_t index, struct sequence_capture *capture) {
    const struct sequence *q = &set.sequences[index];
    char *error = NULL;
    if (strstr(q->file, "/notify-") == NULL) {
        return NULL;
    }
    assert_true(sequence_make(q, capture, &error));
    return q;
}

// ---- tests --------------------------------------------------------------------------------------

static void test_lost_frame(void **state) {
    size_t tried = 0;
    (void)state;
    for (size_t i = 0; i < set.count; i++) {
        struct sequence_capture capture;
        struct run all = {0};
        const struct sequence *q = open_sequence(i, &capture);
        if (q == NULL) {
            continue;
        }
        const cmrp_view whole = buffer_view(&capture.octets);
        judge(&all, whole, 0);
        // Of sequences that are like another one a few frames, others in each.
        const uint64_t step = q->like == NULL ? 1 : 23;
        for (uint64_t frame = 1 + (q->like == NULL ? 0 : i % step); frame <= capture.frames;
             frame += step) {
            struct buffer shorter = {0};
            struct run run = {.missing = frame};
            const cmrp_view gone = frame_of(whole, frame);
            const size_t before = (size_t)(gone.data - whole.data);
            buffer_append(&shorter, whole.data, before);
            buffer_append(&shorter, gone.data + gone.size, whole.size - before - gone.size);
            judge(&run, buffer_view(&shorter), 0);
            assert_within(q, &run, &all, "without frame", frame);
            buffer_free(&shorter);
            tried++;
        }
        sequence_capture_free(&capture);
    }
    assert_true(tried > 1000);
}

static void test_short_memory(void **state) {
    size_t noted = 0;
    (void)state;
    for (size_t i = 0; i < set.count; i++) {
        struct sequence_capture capture;
        struct run all = {0};
        const struct sequence *q = open_sequence(i, &capture);
        if (q == NULL) {
            continue;
        }
        judge(&all, buffer_view(&capture.octets), 0);
        assert_int_equal(all.limits, 0);
        for (size_t records = 1; records <= 16; records++) {
            struct run run = {0};
            judge(&run, buffer_view(&capture.octets), records);
            assert_within(q, &run, &all, "records", records);
            assert_true(run.limits <= 1);
            noted += run.limits;
        }
        sequence_capture_free(&capture);
    }
    assert_true(noted > 100);
}

// A capture that begins in the middle of a port's life tells nothing about its filters.
static void test_late_beginning(void **state) {
    size_t tried = 0;
    (void)state;
    for (size_t i = 0; i < set.count; i++) {
        struct sequence_capture capture;
        struct run all = {0};
        const struct sequence *q = open_sequence(i, &capture);
        if (q == NULL || q->like != NULL) {
            if (q != NULL) {
                sequence_capture_free(&capture);
            }
            continue;
        }
        const cmrp_view whole = buffer_view(&capture.octets);
        judge(&all, whole, 0);
        for (uint64_t first = 2; first <= capture.frames; first += 3) {
            struct buffer rest = {0};
            struct run run = {0};
            const cmrp_view from = frame_of(whole, first);
            const size_t before = (size_t)(from.data - whole.data);
            buffer_append(&rest, whole.data, PCAP_HEADER);
            buffer_append(&rest, from.data, whole.size - before);
            judge(&run, buffer_view(&rest), 0);
            for (size_t k = 0; k < run.count; k++) {
                run.found[k].frame += first - 1;
            }
            assert_within(q, &run, &all, "from frame", first);
            buffer_free(&rest);
            tried++;
        }
        sequence_capture_free(&capture);
    }
    assert_true(tried > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_frame),
        cmocka_unit_test(test_short_memory),
        cmocka_unit_test(test_late_beginning),
    };
    char *error = NULL;
    if (!sequence_set_load(CMRP_SOURCE_DIR "/vectors", &set, &error)) {
        print_error("%s\n", error);
        free(error);
        return 1;
    }
    const int status = cmocka_run_group_tests(tests, NULL, NULL);
    sequence_set_free(&set);
    return status;
}
