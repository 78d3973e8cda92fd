// SPDX-License-Identifier: Apache-2.0
#include "cluster_support.h"

#include <stdio.h>
#include <unistd.h>

#include "util/file.h"

const char small_seed[] =
    "{\"cluster\":{\"name\":\"SMALL\",\"node\":\"N1\",\"quorum\":{\"resource\":\"Disk\"}},"
    "\"nodes\":[{\"name\":\"N1\"},{\"name\":\"N2\"},{\"name\":\"N3\"}],"
    "\"networks\":[{\"name\":\"Net\",\"id\":\"net\"}],"
    "\"interfaces\":[{\"name\":\"I1\",\"id\":\"i1\",\"node\":\"N1\",\"network\":\"Net\"},"
    "{\"name\":\"I2\",\"id\":\"i2\",\"node\":\"N2\",\"network\":\"Net\"},"
    "{\"name\":\"I3\",\"id\":\"i3\",\"node\":\"N3\",\"network\":\"Net\"}],"
    "\"resource_types\":[{\"name\":\"Generic\"},"
    "{\"name\":\"Storage\",\"properties\":{\"QuorumCapable\":1}}],"
    "\"groups\":[{\"name\":\"Core\",\"id\":\"core\",\"owner\":\"N1\",\"online\":true,\"resources\":"
    "["
    "{\"name\":\"Disk\",\"id\":\"disk\",\"type\":\"Storage\",\"online\":true}]},"
    "{\"name\":\"App\",\"id\":\"app\",\"owner\":\"N2\",\"online\":true,\"resources\":["
    "{\"name\":\"Service\",\"id\":\"service\",\"type\":\"Generic\",\"online\":true,"
    "\"depends_on\":[\"Name\"]},"
    "{\"name\":\"Name\",\"id\":\"name\",\"type\":\"Generic\",\"online\":true,"
    "\"depends_on\":[\"Address\"]},"
    "{\"name\":\"Address\",\"id\":\"address\",\"type\":\"Generic\",\"online\":true},"
    "{\"name\":\"Other\",\"id\":\"other\",\"type\":\"Generic\"}]}]}";

// ---- files --------------------------------------------------------------------------------------

void write_file(const char *path, const char *text) {
    char *error = NULL;
    assert_true(file_write(path, (cmrp_view){(const uint8_t *)text, strlen(text)}, &error));
}

// ---- clusters -----------------------------------------------------------------------------------

static struct cluster *try_text(const char *seed, const struct cluster_options *more,
                                char **error) {
    struct cluster_options options = {0};
    if (more != NULL) {
        options = *more;
    }
    char *path = temporary("seed.json");
    write_file(path, seed);
    options.seed = path;
    struct cluster *cluster = cluster_create(&options, error);
    unlink(path);
    free(path);
    return cluster;
}

struct cluster *cluster_of_text(const char *seed, const struct cluster_options *more) {
    char *error = NULL;
    struct cluster *cluster = try_text(seed, more, &error);
    if (cluster == NULL) {
        fail_msg("%s", error);
    }
    return cluster;
}

struct cluster *small_cluster(void) {
    return cluster_of_text(small_seed, NULL);
}

void assert_refused(const char *seed, const char *message) {
    char *error = NULL;
    struct cluster *cluster = try_text(seed, NULL, &error);
    if (cluster != NULL || error == NULL || strstr(error, message) == NULL) {
        fail_msg("expected \"%s\", but: %s", message, error != NULL ? error : "it is taken");
    }
    free(error);
}

struct cluster_object *find(struct cluster *cluster, enum cluster_kind kind, const char *name) {
    struct cluster_object *object = cluster_find(cluster, kind, name);
    assert_non_null(object);
    return object;
}

void assert_states(struct cluster *cluster, enum cluster_kind kind, const char *expected) {
    struct buffer text = {0};
    for (struct cluster_object *o = cluster_next(cluster, kind, NULL); o != NULL;
         o = cluster_next(cluster, kind, o)) {
        buffer_printf(&text, "%s%s=%s", text.size > 0 ? " " : "", cluster_object_name(o),
                      cluster_state_name(kind, cluster_object_state(o)));
    }
    assert_string_equal(buffer_text(&text), expected);
    buffer_free(&text);
}

// ---- ports --------------------------------------------------------------------------------------

static void put_payload(struct buffer *out, const struct port_payload *p) {
    switch (p->kind) {
    case PORT_PAYLOAD_NONE: buffer_printf(out, " -"); break;
    case PORT_PAYLOAD_NUMBER: buffer_printf(out, " %u", (unsigned)p->number); break;
    case PORT_PAYLOAD_TEXT: buffer_printf(out, " \"%s\"", p->texts[0]); break;
    case PORT_PAYLOAD_TEXTS:
        buffer_printf(out, " [");
        for (size_t i = 0; i < p->text_count; i++) {
            buffer_printf(out, "%s%s", i > 0 ? " " : "", p->texts[i]);
        }
        buffer_printf(out, "]");
        break;
    case PORT_PAYLOAD_PROPERTIES:
        for (size_t i = 0; i < p->property_count; i++) {
            const struct port_property *property = &p->properties[i];
            if (property->is_number) {
                buffer_printf(out, " %s=%u", property->name, (unsigned)property->number);
            } else {
                buffer_printf(out, " %s=%s", property->name, property->text);
            }
        }
        break;
    default:
        buffer_printf(out, " quorum=%d", p->has_quorum);
        for (size_t i = 0; i < p->up_node_count; i++) {
            buffer_printf(out, ",%u", p->up_nodes[i]);
        }
    }
}

static void put_indication(struct buffer *out, unsigned version, const struct port_indication *i) {
    const struct port_event *e = i->event;
    if (version == 1) {
        buffer_printf(out, "%u %x %u %s\n", (unsigned)i->key, (unsigned)e->change,
                      (unsigned)e->sequence, i->name);
        return;
    }
    buffer_printf(out, "%u %u %llx %s|%s|%s|%s", (unsigned)i->key, (unsigned)e->object_type,
                  (unsigned long long)e->flag, e->id, e->parent_id, i->name, e->type);
    put_payload(out, &e->payload);
    buffer_printf(out, "\n");
}

static void listener_done(void *context, uint32_t status, const struct port_indication *indications,
                          size_t count) {
    struct listener *l = context;
    l->status = status;
    l->calls++;
    for (size_t i = 0; i < count; i++) {
        put_indication(&l->told, port_version(l->port), &indications[i]);
    }
    if (status == 0 && !l->stopped) {
        port_get(l->port, &l->waiter);
    }
}

struct listener *listen_to(struct cluster *cluster, unsigned version) {
    struct listener *l = util_alloc(sizeof *l);
    assert_int_equal(port_create(cluster, version, &l->port), 0);
    l->waiter = (struct port_waiter){.context = l, .done = listener_done, .single = version == 1};
    port_get(l->port, &l->waiter);
    return l;
}

void listener_close(struct listener *listener) {
    listener->stopped = true;
    port_close(listener->port);
    buffer_free(&listener->told);
    free(listener);
}

void assert_told(struct listener *listener, const char *expected) {
    assert_string_equal(buffer_text(&listener->told), expected);
    buffer_clear(&listener->told);
}
