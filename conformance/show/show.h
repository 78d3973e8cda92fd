// SPDX-License-Identifier: Apache-2.0
// Values as people read them: batches, change values, stubs, PDUs, registry data, status codes.
//
// Everything is appended to a buffer as UTF-8. Text that comes from a peer is quoted and escaped
// (util/text.h), so that a terminal shows it and does nothing else. Functions that say "lines"
// append whole lines, indented; the others append part of a line.
#ifndef SHOW_SHOW_H
#define SHOW_SHOW_H

#include "json/json.h"

struct show_options {
    bool verbose;    // offsets, raw fields, everything at full length
    bool colour;     // with terminal colours
    unsigned indent; // spaces before every line
    // Appends a short name for a context handle; `meaning` is a cmrp_meaning. NULL: its octets.
    void (*handle)(void *context, struct buffer *out, unsigned meaning,
                   const uint8_t handle[CMRP_HANDLE_SIZE]);
    void *context;
};

enum show_style { SHOW_PLAIN, SHOW_NAME, SHOW_GOOD, SHOW_WARNING, SHOW_BAD, SHOW_FAINT };

// ---- whole values -------------------------------------------------------------------------------

// Lines for octets of the selected type. What stands before an error is shown; then returns false
// with *error set, which is not shown. Offsets count from the first octet.
bool show_value(struct buffer *out, const struct json_selector *how, cmrp_view octets,
                const struct show_options *options, cmrp_error *error);

// Lines: a command each, in columns, and what is remarkable about it. flags are CMRP_BATCH_*.
bool show_batch(struct buffer *out, cmrp_view blob, unsigned flags,
                const struct show_options *options, cmrp_error *error);
// Lines: the value, then a flag each.
void show_change(struct buffer *out, const cmrp_change_set *set, uint64_t value,
                 const struct show_options *options);
// Lines: a parameter each.
bool show_stub(struct buffer *out, const cmrp_stub_format *format, cmrp_view stub,
               const struct show_options *options, cmrp_error *error);
// Lines: the PDU, then a field each.
bool show_pdu(struct buffer *out, cmrp_view octets, const struct show_options *options,
              cmrp_error *error);
// Lines: what the buffer of an event says, a line for each value of a property list.
bool show_payload(struct buffer *out, uint32_t object_type, uint64_t flag, cmrp_view octets,
                  const struct show_options *options, cmrp_error *error);

// ---- decoded stubs ------------------------------------------------------------------------------

// Lines: every parameter that is present.
void show_params(struct buffer *out, const cmrp_stub_format *format, const cmrp_slot *slots,
                 const struct show_options *options);
// The important parameters, shortened: two spaces before each.
void show_brief(struct buffer *out, const cmrp_stub_format *format, const cmrp_slot *slots,
                const struct show_options *options);
// Lines: the commands of batches and the elements of arrays, one each. A batch that cannot be read
// is shown up to where it is wrong.
void show_items(struct buffer *out, const cmrp_stub_format *format, const cmrp_slot *slots,
                const struct show_options *options);
// The status that decides about a response: the first that is not 0 of the return value and the
// other status parameters in order. false when the response has none.
bool show_outcome(const cmrp_stub_format *format, const cmrp_slot *slots, uint32_t *status);

// ---- parts of a line ----------------------------------------------------------------------------

void show_indent(struct buffer *out, const struct show_options *options);
void show_styled(struct buffer *out, const struct show_options *options, enum show_style style,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
// "message [section]", with the offset and field that belong to it; a warning or an error.
void show_complaint(struct buffer *out, const cmrp_error *complaint,
                    const struct show_options *options);

// Registry data as its type shows it: strings quoted, numbers decimal and hexadecimal, MULTI_SZ as
// a list; what does not fit its type, and all other types, as octets.
void show_data(struct buffer *out, uint32_t type, cmrp_view data,
               const struct show_options *options);
// "N octets: 01 02 …"; the first 16 of them unless verbose.
void show_octets(struct buffer *out, cmrp_view octets, const struct show_options *options);
// What a payload says, in part of a line: a state by its name, the names of properties, …
void show_payload_brief(struct buffer *out, const cmrp_payload *payload,
                        const struct show_options *options);
// Text in quotes.
void show_text(struct buffer *out, cmrp_view units, cmrp_order order);
// Names joined by |, undefined bits in hexadecimal, 0 as such. Short: without the prefix that the
// names share, the first four only.
void show_flags(struct buffer *out, const cmrp_change_set *set, uint64_t value, bool brief);
// "NDR 2.0", "clusapi 3.0", "bind-time features 0x03", or the UUID and version.
void show_syntax_id(struct buffer *out, const cmrp_syntax_id *id);

// The name of a status code that this protocol uses, or NULL.
const char *show_win32(uint32_t status);
// The name of a fault status, or NULL. Servers send Win32 codes, too.
const char *show_fault(uint32_t status);
// The name, or the number in hexadecimal.
void show_status(struct buffer *out, uint32_t status);
// Name and number: "ERROR_ACCESS_DENIED (5)", "fault nca_op_rng_error (0x1c010002)"; without a name
// "error 77", "fault 0x1c0000ff".
void show_code(struct buffer *out, uint32_t status, bool fault);
// The name of an authentication type or level [MS-RPCE 2.2.1.1.7 and 2.2.1.1.8], or NULL.
const char *show_auth_type(unsigned type);
const char *show_auth_level(unsigned level);

#endif
