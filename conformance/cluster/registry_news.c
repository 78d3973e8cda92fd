// SPDX-License-Identifier: Apache-2.0
// What is told after a commit.
#include <stdlib.h>

#include "cluster/registry_state.h"

static size_t keep(struct registry_news *news, const void *text, size_t size) {
    const size_t at = news->text.size;
    buffer_append(&news->text, text, size);
    *buffer_extend(&news->text, 1) = '\0';
    return at;
}

static size_t keep_path(struct registry_news *news, const struct buffer *path) {
    if (news->count > 0 && news->last_path != SIZE_MAX) {
        const char *last = (const char *)news->text.data + news->last_path;
        if (strlen(last) == path->size &&
            (path->size == 0 || memcmp(last, path->data, path->size) == 0)) {
            return news->last_path;
        }
    }
    return keep(news, path->data, path->size);
}

void registry_note(struct registry *r, enum registry_change change, const struct buffer *path,
                   const char *value) {
    struct registry_news *news = &r->news;
    if (r->listener.changed == NULL) {
        return;
    }
    if (news->text.size + news->count * sizeof news->lines[0] > r->limits.news_octets) {
        r->news_lost = true;
        return;
    }
    if (news->count == news->capacity) {
        news->capacity = news->capacity == 0 ? 64 : 2 * news->capacity;
        news->lines = util_grow(news->lines, news->capacity, sizeof news->lines[0]);
    }
    const size_t at = keep_path(news, path);
    news->last_path = at;
    news->lines[news->count++] = (struct registry_newsline){
        .change = change,
        .path = at,
        .value = value != NULL ? keep(news, value, strlen(value)) : SIZE_MAX,
    };
}

void registry_tell(struct registry *r) {
    struct registry_news news = r->news;
    if (news.count == 0 || r->outer) {
        return;
    }
    r->news = (struct registry_news){0}; // a listener may do what makes news
    const char *text = (const char *)news.text.data;
    for (size_t i = 0; i < news.count; i++) {
        const struct registry_newsline *line = &news.lines[i];
        const struct registry_event event = {
            .change = line->change,
            .path = text + line->path,
            .value = line->value != SIZE_MAX ? text + line->value : NULL,
        };
        r->listener.changed(r->listener.context, &event);
    }
    if (r->news.lines == NULL) { // the memory is kept, for the next change
        news.count = 0;
        buffer_clear(&news.text);
        r->news = news;
    } else {
        free(news.lines);
        buffer_free(&news.text);
    }
    if (r->listener.told != NULL) {
        r->listener.told(r->listener.context);
    }
}
