// SPDX-License-Identifier: Apache-2.0
//
// A run over a file: opening it, the loop over its packets, and what to say when that fails.

#include "capture/capture.h"
#include "capture/source.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run {
    struct source *source;
    FILE *stream; // until libpcap owns it
    pcap_t *pcap;
    int link;
    struct capture *capture;
    const struct capture_handler *handler;
    struct capture_stamp stamp;
    struct capture_error error;
};

static void fail(struct run *run, enum capture_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct run *run, enum capture_status status, const char *format, ...) {
    FILE *stream = run->pcap ? pcap_file(run->pcap) : run->stream;
    va_list arguments;

    run->error.status = status;
    run->error.frame = run->stamp.frame;
    run->error.offset = -1;
    if (stream && (status == CAPTURE_TRUNCATED || status == CAPTURE_DAMAGED))
        run->error.offset = (int64_t)ftello(stream);
    va_start(arguments, format);
    vsnprintf(run->error.text, sizeof run->error.text, format, arguments);
    va_end(arguments);
}

static void fail_system(struct run *run, int system, const char *what) {
    fail(run, CAPTURE_UNREADABLE, "%s: %s", what, strerror(system));
    run->error.system = system;
}

// Returns whether the source itself explains why reading ended.
static bool source_explains(struct run *run) {
    switch (source_state(run->source)) {
    case SOURCE_GOOD: return false;
    case SOURCE_CUT: fail(run, CAPTURE_TRUNCATED, "the gzip stream ends too early"); break;
    case SOURCE_FAILED: fail_system(run, source_system(run->source), "cannot read"); break;
    case SOURCE_DAMAGED:
        fail(run, CAPTURE_DAMAGED, "the gzip stream is damaged: %s", source_what(run->source));
        break;
    case SOURCE_NO_MEMORY: fail(run, CAPTURE_OUT_OF_MEMORY, "no memory to decompress"); break;
    }
    return true;
}

static void explain_open_failure(struct run *run, const char *reason) {
    enum { MARK = 4 }; // octets that tell the formats

    off_t size = ftello(run->stream);
    if (source_explains(run))
        return;
    if (!feof(run->stream))
        fail(run, CAPTURE_NOT_CAPTURE, "not a pcap or pcapng capture (%s)", reason);
    else if (size == 0)
        fail(run, CAPTURE_NOT_CAPTURE, "empty, not a pcap or pcapng capture");
    else if (size < MARK)
        fail(run, CAPTURE_NOT_CAPTURE, "too short for a pcap or pcapng capture");
    else
        fail(run, CAPTURE_TRUNCATED, "ends within the header of the capture (%s)", reason);
}

static bool check_link(struct run *run) {
    run->link = pcap_datalink(run->pcap);
    if (capture_link_supported(run->link))
        return true;
    const char *name = pcap_datalink_val_to_name(run->link);
    const char *description = pcap_datalink_val_to_description(run->link);
    fail(run, CAPTURE_LINK_TYPE, "link type %s (%d%s%s) is not supported", name ? name : "unknown",
         run->link, description ? ", " : "", description ? description : "");
    return false;
}

static bool open_capture(struct run *run, int descriptor, const uint8_t *memory, size_t size,
                         const struct capture_limits *limits) {
    char reason[PCAP_ERRBUF_SIZE] = "";

    run->source = source_create(descriptor, memory, size);
    run->stream = run->source ? source_open(run->source) : NULL;
    run->capture = capture_create(limits, run->handler);
    if (!run->stream || !run->capture) {
        fail(run, CAPTURE_OUT_OF_MEMORY, "no memory");
        return false;
    }
    run->pcap =
        pcap_fopen_offline_with_tstamp_precision(run->stream, PCAP_TSTAMP_PRECISION_NANO, reason);
    if (!run->pcap) {
        explain_open_failure(run, reason);
        return false;
    }
    run->stream = NULL;
    return check_link(run);
}

static void set_stamp(struct capture_stamp *stamp, const struct pcap_pkthdr *header) {
    int64_t seconds = header->ts.tv_sec;
    int64_t nanoseconds = header->ts.tv_usec;

    // libpcap reads the unsigned seconds of pcap files as signed: after 2038 they come out
    // negative.
    if (seconds < 0 && seconds >= INT32_MIN)
        seconds += INT64_C(1) << 32;
    if (nanoseconds < 0)
        nanoseconds = 0;
    else if (nanoseconds > 999999999)
        nanoseconds = 999999999;
    stamp->frame++;
    stamp->seconds = seconds;
    stamp->nanoseconds = (uint32_t)nanoseconds;
}

static void explain_end(struct run *run, int result) {
    if (source_explains(run) || result == PCAP_ERROR_BREAK)
        return;
    const char *reason = pcap_geterr(run->pcap);
    if (feof(pcap_file(run->pcap)))
        fail(run, CAPTURE_TRUNCATED, "cut off after packet %llu (%s)",
             (unsigned long long)run->stamp.frame, reason);
    else if (strstr(reason, "of the first interface"))
        fail(run, CAPTURE_LINK_TYPE,
             "interfaces of different kinds in one capture, which libpcap cannot read (%s)",
             reason);
    else
        fail(run, CAPTURE_DAMAGED, "cannot be read after packet %llu (%s)",
             (unsigned long long)run->stamp.frame, reason);
}

static void read_packets(struct run *run) {
    const struct capture_handler *handler = run->handler;
    struct pcap_pkthdr *header;
    const u_char *data;

    for (;;) {
        if (handler->stop && handler->stop(handler->ctx)) {
            fail(run, CAPTURE_STOPPED, "stopped after packet %llu",
                 (unsigned long long)run->stamp.frame);
            break;
        }
        int result = pcap_next_ex(run->pcap, &header, &data);
        if (result != 1) {
            explain_end(run, result);
            break;
        }
        set_stamp(&run->stamp, header);
        capture_packet(run->capture, run->link, data, header->caplen, header->len, &run->stamp);
    }
    capture_finish(run->capture, &run->stamp);
}

static enum capture_status finish(struct run *run, struct capture_stats *stats,
                                  struct capture_error *error) {
    if (stats) {
        memset(stats, 0, sizeof *stats);
        if (run->capture)
            *stats = *capture_get_stats(run->capture);
    }
    if (error)
        *error = run->error;
    capture_destroy(run->capture);
    if (run->pcap)
        pcap_close(run->pcap); // closes the stream
    else if (run->stream)
        fclose(run->stream);
    source_destroy(run->source);
    return run->error.status;
}

static enum capture_status run_over(struct run *run, int descriptor, const uint8_t *memory,
                                    size_t size, const struct capture_limits *limits,
                                    struct capture_stats *stats, struct capture_error *error) {
    if (open_capture(run, descriptor, memory, size, limits))
        read_packets(run);
    return finish(run, stats, error);
}

enum capture_status capture_run_descriptor(int descriptor, const struct capture_limits *limits,
                                           const struct capture_handler *handler,
                                           struct capture_stats *stats,
                                           struct capture_error *error) {
    struct run run = {.handler = handler, .error.offset = -1};

    return run_over(&run, descriptor, NULL, 0, limits, stats, error);
}

enum capture_status capture_run_memory(const uint8_t *data, size_t size,
                                       const struct capture_limits *limits,
                                       const struct capture_handler *handler,
                                       struct capture_stats *stats, struct capture_error *error) {
    struct run run = {.handler = handler, .error.offset = -1};
    static const uint8_t nothing;

    return run_over(&run, -1, data ? data : &nothing, data ? size : 0, limits, stats, error);
}

enum capture_status capture_run(const char *path, const struct capture_limits *limits,
                                const struct capture_handler *handler, struct capture_stats *stats,
                                struct capture_error *error) {
    if (strcmp(path, "-") == 0)
        return capture_run_descriptor(STDIN_FILENO, limits, handler, stats, error);
    struct run run = {.handler = handler, .error.offset = -1};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        fail_system(&run, errno, "cannot open");
        return finish(&run, stats, error);
    }
    enum capture_status status = run_over(&run, descriptor, NULL, 0, limits, stats, error);
    close(descriptor);
    return status;
}
