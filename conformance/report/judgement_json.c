// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "report/clean.h"
#include "report/json_parts.h"
#include "report/judgement_parts.h"
#include "util/hex.h"

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static void set_number(json_t *object, const char *key, uint64_t value) {
    set(object, key, json_integer((json_int_t)value));
}

static void set_time(json_t *object, const char *key, struct judge_time time) {
    struct buffer text = {0};
    if (time.seconds != 0 || time.nanoseconds != 0) {
        judgement_time(time, &text);
        set(object, key, json_string(buffer_text(&text)));
    }
    buffer_free(&text);
}

static json_t *verdicts_object(const size_t verdicts[VERDICT_COUNT]) {
    static const enum verdict possible[] = {VERDICT_PASS, VERDICT_FAIL, VERDICT_XFAIL,
                                            VERDICT_XPASS};
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof possible / sizeof *possible; i++) {
        set_number(object, verdict_name(possible[i]), verdicts[possible[i]]);
    }
    return object;
}

static json_t *counts_object(const struct judge_counts *counts) {
    json_t *object = verdicts_object(counts->verdicts);
    set_number(object, "checked", counts->checked);
    set_number(object, "findings", counts->findings);
    return object;
}

// One member for each level that was judged.
static void set_levels(json_t *object, const struct judgement *j,
                       const struct judge_counts counts[JUDGE_LEVELS]) {
    set(object, "MUST", counts_object(&counts[JUDGE_MUST]));
    if (j->should) {
        set(object, "SHOULD", counts_object(&counts[JUDGE_SHOULD]));
    }
}

static json_t *parties_array(const struct judgement *j) {
    json_t *array = json_array();
    for (size_t i = 0; i < j->party_count; i++) {
        const struct judge_party *p = &j->parties[i];
        json_t *object = json_object();
        clean_member(object, "address", p->address);
        clean_member(object, "role", rules_role_name(p->role));
        set_number(object, "calls", p->calls);
        set_levels(object, j, p->counts);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *connections_array(const struct judgement *j) {
    json_t *array = json_array();
    for (size_t i = 0; i < j->connection_count; i++) {
        const struct judge_connection *c = &j->connections[i];
        json_t *object = json_object();
        clean_member(object, "client", c->client);
        clean_member(object, "server", c->server);
        set(object, "datagrams", json_boolean(c->datagrams));
        set_number(object, "first_frame", c->first_frame);
        set_number(object, "calls", c->calls);
        json_array_append_new(array, object);
    }
    return array;
}

json_t *judgement_case_json(const struct judgement *j, const struct judge_case *c) {
    const struct judge_party *p = &j->parties[c->party];
    json_t *object = json_object();
    clean_member(object, "id", c->id);
    clean_member(object, "rule", c->rule != NULL ? c->name : NULL);
    clean_member(object, "role", rules_role_name(p->role));
    clean_member(object, "address", p->address);
    clean_member(object, "level", judge_level_name(c->level));
    clean_member(object, "requirement", c->requirement);
    clean_member(object, "section", c->section);
    clean_member(object, "statement", c->statement);
    clean_member(object, "verdict", verdict_name(c->verdict));
    clean_member(object, "xfail", c->xfail != NULL ? c->xfail->reason : NULL);
    set_number(object, "checked", c->checked);
    set_number(object, "findings", c->found);
    return object;
}

static void set_octets(json_t *object, const struct judge_finding *f) {
    if (f->octets.size > 0) {
        char *digits = hex_text(buffer_view(&f->octets));
        json_t *octets = json_object();
        set_number(octets, "offset", f->octets_at);
        set(octets, "hex", json_string(digits));
        set_number(octets, "of", f->whole);
        set(object, "octets", octets);
        free(digits);
    }
}

json_t *judgement_finding_json(const struct judgement *j, const struct judge_finding *f) {
    json_t *object = json_object();
    clean_member(object, "id", f->id);
    clean_member(object, "case", j->cases[f->of].id);
    clean_member(object, "level", judge_level_name(f->level));
    clean_member(object, "requirement", f->requirement);
    clean_member(object, "section", f->section);
    set_number(object, "frame", f->frame);
    set_time(object, "time", f->time);
    if (f->connection < j->connection_count) {
        clean_member(object, "client", j->connections[f->connection].client);
        clean_member(object, "server", j->connections[f->connection].server);
    }
    if (f->of_call) {
        set_number(object, "call_id", f->call_id);
        set_number(object, "opnum", f->opnum);
        clean_member(object, "method", f->method);
    }
    set_number(object, "interface", f->interface);
    clean_member(object, "syntax", f->syntax);
    clean_member(object, "drep", f->little_endian ? "le" : "be");
    clean_member(object, "place", judge_place_name(f->place));
    set_number(object, "offset", f->offset);
    set_number(object, "size", f->size);
    if (*f->field != '\0') {
        clean_member(object, "field", f->field);
    }
    clean_member(object, "message", f->message);
    clean_member(object, "advice", f->advice);
    set_octets(object, f);
    return object;
}

static json_t *calls_object(const struct judgement *j) {
    json_t *object = json_object();
    set_number(object, "all", j->calls);
    set_number(object, "complete", j->complete);
    set_number(object, "fault", j->faults);
    set_number(object, "unanswered", j->unanswered);
    set_number(object, "sealed", j->sealed);
    set_number(object, "undecoded", j->undecoded);
    return object;
}

static json_t *not_exercised_array(const struct judgement *j) {
    json_t *array = json_array();
    for (size_t i = 0; i < j->not_exercised_count; i++) {
        const struct rule *rule = j->not_exercised[i];
        json_t *object = json_object();
        clean_member(object, "rule", rule->name);
        clean_member(object, "role", rules_role_name(rule->role));
        clean_member(object, "level", judge_level_name(rule->must ? JUDGE_MUST : JUDGE_SHOULD));
        clean_member(object, "requirement", rule->requirement);
        clean_member(object, "section", rule->section);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *notes_array(const struct judgement *j) {
    json_t *array = json_array();
    for (size_t i = 0; i < j->note_count; i++) {
        const struct judge_note *n = &j->notes[i];
        json_t *object = json_object();
        if (n->frame > 0) {
            set_number(object, "frame", n->frame);
        }
        clean_member(object, "code", n->code);
        clean_member(object, "text", n->text);
        json_array_append_new(array, object);
    }
    return array;
}

static void set_left_out(json_t *object, const struct judgement *j) {
    json_t *left_out = json_object();
    set_number(left_out, "connections", j->more_connections);
    set_number(left_out, "findings", j->more_findings);
    set_number(left_out, "notes", j->more_notes);
    set_number(left_out, "should", j->unselected_should);
    set(object, "left_out", left_out);
}

void judgement_json(const struct judgement *j, struct buffer *out) {
    size_t verdicts[VERDICT_COUNT];
    json_t *object = json_object();
    json_t *summary = json_object();
    json_t *cases = json_array();
    json_t *findings = json_array();
    judgement_verdicts(j->counts, verdicts);
    for (size_t i = 0; i < j->case_count; i++) {
        json_array_append_new(cases, judgement_case_json(j, &j->cases[i]));
    }
    for (size_t i = 0; i < j->finding_count; i++) {
        json_array_append_new(findings, judgement_finding_json(j, &j->findings[i]));
    }
    set_levels(summary, j, j->counts);
    set_number(object, "format", JUDGEMENT_FORMAT);
    clean_member(object, "capture", j->capture);
    clean_member(object, "level", j->should ? "should" : "must");
    clean_member(object, "failure", j->failed ? j->failure : NULL);
    set_number(object, "packets", j->packets);
    set_time(object, "first", j->first);
    set_time(object, "last", j->last);
    set_number(object, "binds", j->binds);
    set(object, "calls", calls_object(j));
    set(object, "verdicts", verdicts_object(verdicts));
    set(object, "summary", summary);
    set(object, "parties", parties_array(j));
    set(object, "connections", connections_array(j));
    set(object, "cases", cases);
    set(object, "findings", findings);
    set(object, "not_exercised", not_exercised_array(j));
    set(object, "notes", notes_array(j));
    set_left_out(object, j);
    char *text = json_dumps(object, JSON_INDENT(2));
    buffer_printf(out, "%s\n", text != NULL ? text : "");
    free(text);
    json_decref(object);
}
