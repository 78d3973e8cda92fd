// SPDX-License-Identifier: Apache-2.0
#include "report/html_sequence.h"

#include <stdlib.h>

#include "report/html.h"
#include "report/judgement_parts.h"

enum { LABEL = 400 }; // octets of an event's words

struct mark { // a finding at an event
    size_t event;
    size_t finding;
};

struct sequence_page {
    const struct judgement *j;
    const bool *cases;  // those that are on the page
    const bool *events; // the same
    struct buffer *out;
    struct mark *marks; // by event
    size_t mark_count;
};

static int compare(const void *a, const void *b) {
    const struct mark *x = a;
    const struct mark *y = b;
    return x->event != y->event ? (x->event < y->event ? -1 : 1)
                                : (x->finding > y->finding) - (x->finding < y->finding);
}

static void find_marks(struct sequence_page *p) {
    p->marks = util_alloc((p->j->finding_count + 1) * sizeof *p->marks);
    for (size_t i = 0; i < p->j->finding_count; i++) {
        if (p->j->findings[i].event < p->j->event_count) {
            p->marks[p->mark_count++] = (struct mark){p->j->findings[i].event, i};
        }
    }
    qsort(p->marks, p->mark_count, sizeof *p->marks, compare);
}

// The first mark of this event, or of a later one.
static size_t marks_from(const struct sequence_page *p, size_t event) {
    size_t low = 0;
    size_t high = p->mark_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (p->marks[middle].event < event) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void put_marks(struct sequence_page *p, size_t event) {
    enum { SHOWN = 8 };
    const size_t first = marks_from(p, event);
    for (size_t i = first; i < p->mark_count && p->marks[i].event == event; i++) {
        const struct judge_finding *f = &p->j->findings[p->marks[i].finding];
        if (i - first == SHOWN) {
            buffer_printf(p->out, " and more");
            return;
        }
        const bool linked = p->cases[f->of];
        buffer_printf(p->out,
                      linked ? " <a class=\"wrong\" href=\"#f-" : " <span class=\"wrong\">");
        if (linked) {
            html_id(p->out, f->id);
            buffer_printf(p->out, "\">");
        }
        buffer_printf(p->out, "%s: ", judge_level_name(f->level));
        html_text(p->out, p->j->cases[f->of].name);
        buffer_printf(p->out, linked ? "</a>" : "</span>");
    }
}

// How an event is drawn, and what is said of its direction where nothing is drawn.
static const char *class_of(const struct judge_event *e, const char **direction) {
    const bool to_server = e->kind == JUDGE_EVENT_BIND || e->kind == JUDGE_EVENT_REQUEST;
    const bool to_client = e->kind == JUDGE_EVENT_BOUND || e->kind == JUDGE_EVENT_RESPONSE;
    *direction = to_server ? "client to server: " : to_client ? "server to client: " : "";
    return to_server ? "call" : to_client ? "answer" : "other";
}

static void put_event(struct sequence_page *p, size_t index) {
    const struct judge_event *e = &p->j->events[index];
    const char *direction;
    const char *class = class_of(e, &direction);
    if (e->left_out > 0) {
        buffer_printf(p->out, "<li class=\"other\">%llu events that are not shown</li>\n",
                      (unsigned long long)e->left_out);
    }
    buffer_printf(p->out, "<li class=\"%s\" id=\"e-%zu\"><span class=\"where\">", class, index + 1);
    if (e->frame > 0) {
        buffer_printf(p->out, "%llu ", (unsigned long long)e->frame);
    }
    buffer_printf(p->out, "</span><span class=\"aside\">%s</span><span class=\"words\">",
                  direction);
    html_start(p->out, e->label, LABEL);
    buffer_printf(p->out, "</span>");
    put_marks(p, index);
    buffer_printf(p->out, "</li>\n");
}

static void put_head(struct sequence_page *p, size_t connection, bool open) {
    if (connection >= p->j->connection_count) {
        buffer_printf(p->out, "<details class=\"flow\"%s><summary>Of no connection</summary>\n",
                      open ? " open" : "");
        return;
    }
    const struct judge_connection *c = &p->j->connections[connection];
    buffer_printf(p->out, "<details class=\"flow\"%s><summary>", open ? " open" : "");
    html_text(p->out, c->client);
    buffer_printf(p->out, " to ");
    html_text(p->out, c->server);
    buffer_printf(p->out, "%s: %llu call%s from frame %llu on</summary>\n",
                  c->datagrams ? " (datagrams)" : "", (unsigned long long)c->calls,
                  c->calls == 1 ? "" : "s", (unsigned long long)c->first_frame);
    buffer_printf(p->out, "<p class=\"ends\"><span>client ");
    html_text(p->out, c->client);
    buffer_printf(p->out, "</span> <span>server ");
    html_text(p->out, c->server);
    buffer_printf(p->out, "</span></p>\n");
}

// The events of a connection; `order` holds those of all, by connection.
static void put_flow(struct sequence_page *p, const size_t *order, size_t count) {
    const size_t connection = p->j->events[order[0]].connection;
    size_t findings = 0;
    size_t shown = 0;
    for (size_t i = 0; i < count; i++) {
        findings += p->j->events[order[i]].findings;
    }
    put_head(p, connection, findings > 0);
    buffer_printf(p->out, "<ol class=\"sequence\">\n");
    while (shown < count && p->events[order[shown]]) {
        put_event(p, order[shown++]);
    }
    buffer_printf(p->out, "</ol>\n");
    if (shown < count) {
        buffer_printf(p->out, "<p>%zu events more are not shown.</p>\n", count - shown);
    }
    buffer_printf(p->out, "</details>\n");
}

static const struct judge_event *sorted_events; // for qsort, which passes nothing on

static int by_connection(const void *a, const void *b) {
    const size_t x = *(const size_t *)a;
    const size_t y = *(const size_t *)b;
    const size_t c = sorted_events[x].connection;
    const size_t d = sorted_events[y].connection;
    return c != d ? (c < d ? -1 : 1) : (x > y) - (x < y);
}

// The indices of the events, by connection.
static size_t *order_of(const struct judgement *j) {
    size_t *order = util_alloc((j->event_count + 1) * sizeof *order);
    for (size_t i = 0; i < j->event_count; i++) {
        order[i] = i;
    }
    sorted_events = j->events;
    qsort(order, j->event_count, sizeof *order, by_connection);
    return order;
}

void html_sequence_choose(const struct judgement *j, size_t limit, bool *events) {
    size_t *order = order_of(j);
    for (size_t i = 0; i < j->event_count; i++) {
        events[order[i]] = i < limit;
    }
    free(order);
}

void html_sequence(const struct judgement *j, const bool *cases, const bool *events,
                   struct buffer *out) {
    struct sequence_page p = {.j = j, .cases = cases, .events = events, .out = out};
    size_t *order = order_of(j);
    find_marks(&p);
    for (size_t i = 0; i < j->event_count;) {
        size_t n = 1;
        while (i + n < j->event_count &&
               j->events[order[i + n]].connection == j->events[order[i]].connection) {
            n++;
        }
        if (!events[order[i]]) {
            buffer_printf(out, "<p>%zu events more are not shown.</p>\n", j->event_count - i);
            break;
        }
        put_flow(&p, order + i, n);
        i += n;
    }
    if (j->more_events > 0) {
        buffer_printf(out, "<p>%llu events behind these are not kept.</p>\n",
                      (unsigned long long)j->more_events);
    }
    free(order);
    free(p.marks);
}
