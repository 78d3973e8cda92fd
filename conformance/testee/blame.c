// SPDX-License-Identifier: Apache-2.0
// Whose fault it was.
#include <stdlib.h>

#include "suite/grow.h"
#include "testee/host_state.h"

void case_list_add(struct case_list *list, size_t at) {
    list->items = grow_by_one(list->items, list->count, sizeof *list->items);
    list->items[list->count++] = at;
}

void case_list_clear(struct case_list *list) {
    free(list->items);
    *list = (struct case_list){0};
}

void incident_clear(struct incident *incident) {
    free(incident->text);
    *incident = (struct incident){.verdict = VERDICT_PENDING};
}

void blame_incident(struct worker *w, enum verdict verdict, char *text) {
    if (w->incident.verdict == VERDICT_PENDING) {
        w->incident = (struct incident){verdict, text};
    } else {
        free(text);
    }
    w->state = WORKER_KILLED;
    uv_timer_stop(&w->timer);
    process_kill(w->process);
}

static void add_open(const struct worker *w, struct case_list *list) {
    for (size_t i = 0; i < w->sent_count; i++) {
        if (!w->sent[i].answered) {
            case_list_add(list, w->sent[i].at);
        }
    }
}

// The suspect has been run alone.
static void resolve_alone(struct worker *w) {
    const size_t at = w->alone.items[w->alone.next++];
    if (w->incident.verdict != VERDICT_PENDING) {
        w->reproduced = true;
        host_set_verdict(w, at, w->incident.verdict, w->incident.text);
    }
    if (w->alone.next < w->alone.count) {
        return;
    }
    if (!w->reproduced) {
        char *text = util_format("%s (not when run alone)", w->original.text);
        host_set_verdict(w, w->oldest, w->original.verdict, text);
        free(text);
    }
    case_list_clear(&w->alone);
    incident_clear(&w->original);
}

// The process had several cases. A death may come late, and so may a line that nobody asked for:
// the case that was answered last is a suspect, too.
static void suspect(struct worker *w) {
    add_open(w, &w->alone);
    w->oldest = w->alone.count > 0 ? w->alone.items[0] : w->last_answered;
    if ((w->incident.verdict == VERDICT_CRASH || w->alone.count == 0) &&
        w->last_answered != NO_CASE) {
        case_list_add(&w->alone, w->last_answered);
    }
    if (w->alone.count == 1 && w->sent_count == 1) {
        host_set_verdict(w, w->alone.items[0], w->incident.verdict, w->incident.text);
        case_list_clear(&w->alone);
        return;
    }
    w->reproduced = false;
    w->original = w->incident;
    w->incident = (struct incident){.verdict = VERDICT_PENDING};
}

void blame_resolve(struct worker *w) {
    if (w->is_alone) {
        resolve_alone(w);
    } else if (w->blamed) {
        add_open(w, &w->again);
    } else if (w->incident.verdict != VERDICT_PENDING) {
        suspect(w);
    }
    incident_clear(&w->incident);
    w->blamed = false;
}
