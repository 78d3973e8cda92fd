// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share. Not for other folders.
#ifndef SHOW_PARTS_H
#define SHOW_PARTS_H

#include "show/show.h"

// The set whose flags a parameter holds, or NULL; *object_type is kept between the parameters of a
// list, in order.
const cmrp_change_set *show_set_of(const cmrp_param *param, const cmrp_slot *slot,
                                   uint64_t *object_type);
// The name of an object's state, by the meaning of its parameter, or NULL.
const char *show_state(unsigned meaning, uint64_t state);
// A handle by its short name, or as hex.
void show_handle(struct buffer *out, const cmrp_param *param, const cmrp_slot *slot,
                 const struct show_options *options);
// The last part of a dotted name.
const char *show_last_part(const char *name);
// Columns that the text from `start` on takes.
size_t show_width(const struct buffer *out, size_t start);
// Spaces, so that what began at `start` takes `width` columns.
void show_pad(struct buffer *out, size_t start, size_t width);

// ---- PDUs ---------------------------------------------------------------------------------------

// The start of a field's line.
void show_field(struct buffer *out, const struct show_options *options, const char *name);
void show_number(struct buffer *out, const struct show_options *options, const char *name,
                 uint64_t value);
void show_octets_field(struct buffer *out, const struct show_options *options, const char *name,
                       cmrp_view octets);

// Collects warnings as lines (cmrp_warn); they come behind the fields.
struct show_warned {
    struct buffer lines;
    const struct show_options *options;
};
void show_keep_warning(void *context, const cmrp_error *warning);

// A tower, or a stub of ept_map.
bool show_tower(struct buffer *out, const struct json_selector *how, cmrp_view octets,
                const struct show_options *options, cmrp_error *error);

// show_pdu for a connectionless one.
bool show_pdu_cl(struct buffer *out, cmrp_view octets, const struct show_options *options,
                 cmrp_error *error);

#endif
