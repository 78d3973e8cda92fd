// SPDX-License-Identifier: Apache-2.0
#include <time.h>
#include <unistd.h>

#include "report/report.h"

enum { BAR = 40 };

static const double TERMINAL_SECONDS = 0.1; // between two drawings of the bar
static const double LINE_SECONDS = 10;      // between two lines

static double monotonic(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void progress_start(struct progress *p, FILE *stream, size_t total) {
    *p = (struct progress){.stream = stream, .total = total, .clock = monotonic};
    p->terminal = isatty(fileno(stream)) != 0;
    p->last = p->clock();
}

static void draw(struct progress *p, size_t done, size_t findings) {
    const size_t filled = p->total > 0 ? done * BAR / p->total : 0;
    fputs("\r[", p->stream);
    for (size_t i = 0; i < BAR; i++) {
        fputc(i < filled ? '#' : '.', p->stream);
    }
    fprintf(p->stream, "] %zu/%zu, %zu findings", done, p->total, findings);
    p->shown = true;
}

void progress_step(struct progress *p, size_t done, size_t findings) {
    const double now = p->clock();
    if (now - p->last < (p->terminal ? TERMINAL_SECONDS : LINE_SECONDS)) {
        return;
    }
    p->last = now;
    if (p->terminal) {
        draw(p, done, findings);
    } else {
        fprintf(p->stream, "%zu of %zu cases, %zu findings\n", done, p->total, findings);
    }
    fflush(p->stream);
}

void progress_end(struct progress *p) {
    if (p->shown) {
        fputs("\r\033[K", p->stream);
        fflush(p->stream);
        p->shown = false;
    }
}
