// SPDX-License-Identifier: Apache-2.0
// What the files about notification ports share. Not for other topics.
//
// notify.c keeps ports, filters and names and hands calls out; notify_table.c says what tells one
// method from another; notify_filter.c judges registrations, notify_life.c completion and closing,
// notify_event.c indications against filters, notify_content.c what notifications of version 2
// hold, notify_sequence.c state sequences.
//
// What a bystander knows: filters that were registered while everything of the association was
// seen. Calls under way may have had their effect. Events come from anywhere and at any time, so
// that nothing follows from an indication that does not come, or comes late.
#ifndef RULES_NOTIFY_H
#define RULES_NOTIFY_H

#include "rules/state.h"

// ---- methods ------------------------------------------------------------------------------------

enum { NOTIFY_P2, NOTIFY_P3, NOTIFY_PROTOCOLS };

// A registration method.
struct notify_adder {
    uint16_t opnum;
    uint8_t port;       // version
    uint16_t scope;     // CMRP_SCOPE_…
    uint8_t meaning;    // of the object's handle; 0: none
    bool again;         // ReAdd: gives the state sequence back
    uint32_t state;     // the CLUSTER_CHANGE_…_STATE bit of the object, or 0
    const char *object; // parameters
    const char *filter;
    struct { // by protocol; RULE_COUNT: no such rule
        uint16_t mask;
        uint16_t key;
        uint16_t sequence; // of the Add whose value a ReAdd gives back
        uint16_t state;    // the sequence only grows, from indication to indication
        uint16_t added;    // and from Add to Add
    } rules[NOTIFY_PROTOCOLS];
};

// A retrieval method in one protocol version.
struct notify_getter {
    uint16_t opnum;
    uint8_t protocol;
    uint8_t port;
    uint16_t wait;         // completes with an indication, or after Unblock or Close
    uint16_t never;        // events that are not returned
    uint16_t match;        // a filter asks for it
    uint16_t key;          // and has this key
    uint16_t name;         // of the object is there
    uint16_t no_more;      // ERROR_NO_MORE_ITEMS
    uint16_t invalid;      // ERROR_INVALID_FUNCTION
    uint16_t first_filter; // nothing before it
};

// NULL: the opnum is no such method.
const struct notify_adder *notify_adder_of(const struct rules *rules, uint16_t opnum);
const struct notify_getter *notify_getter_of(const struct sight *s);
// Events that have an object type, or, for type 0, CLUSTER_CHANGE.
struct notify_set {
    const cmrp_change_set *set; // NULL: the type has none; the rest is 0
    uint64_t known;
    uint64_t returnable;
};
const struct notify_set *notify_set_of(const struct rules *rules, uint32_t object_type);
// The flags that a method takes: of CLUSTER_CHANGE.
uint64_t notify_registrable(const struct rules *rules, const struct notify_adder *adder);
// NOTIFY_P2 or NOTIFY_P3; false where the call belongs to neither.
bool notify_protocol(const struct sight *s, unsigned *protocol);

// Codes.
enum {
    NOTIFY_INVALID_FUNCTION = 0x1,
    NOTIFY_WAIT_TIMEOUT = 0x102,
    NOTIFY_NO_MORE_ITEMS = 0x103,
};

// ---- ports --------------------------------------------------------------------------------------

// The name of an object, its ASCII letters in lower case; shared.
struct notify_name {
    size_t users;
    size_t count;
    uint16_t units[];
};

struct notify_filter {
    const struct notify_adder *adder;
    bool sure;            // the server has said so; else it may have been registered
    uint32_t key;         // dwNotifyKey
    uint32_t object_type; // version 2
    uint64_t flags;       // CLUSTER_CHANGE, or the type's flags
    bool targeted;        // at one object
    unsigned meaning;     // of its handle; HGENERIC: not known
    uint8_t object[CMRP_HANDLE_SIZE];
    struct notify_name *name; // of that object; NULL: not known
    // The newest state sequence of the object that was returned for this filter.
    bool has_sequence;
    uint32_t sequence;
    uint64_t sequence_at; // frame
    struct notify_filter *next;
};

struct notify_port {
    unsigned version;
    struct notify_filter *filters; // in order of their answers
    struct notify_filter **end;
    size_t count;
    bool unsure;        // there may be filters that are not known
    bool retrieved;     // a Get was called
    bool relieved;      // Unblock was called while a Get was under way
    uint64_t unblocked; // frame of the latest request to unblock; 0: none
    bool used;          // by a method of version 2
};

// The port in hNotify of the request, its handle in *handle; NULL where it is not known, closed or
// another association's.
struct notify_port *notify_port_of(const struct sight *s, struct rules_handle **handle);
// What version of port the handle is of; 0: it is no port.
unsigned notify_version_of(const struct rules_handle *handle);
// Whether nothing about the association's handles and filters has escaped.
bool notify_sees_all(const struct sight *s);
// Whether a registration may be under way on the port.
bool notify_adding(const struct sight *s, const struct rules_handle *handle);

// One more record, or false where there is no room.
bool notify_record(const struct sight *s);
void notify_unrecord(struct rules *rules);

// ---- names --------------------------------------------------------------------------------------

enum { NOTIFY_NAME_UNITS = 256 }; // longer names are not kept

// How a text compares to a name.
enum notify_likeness { NOTIFY_SAME, NOTIFY_OTHER, NOTIFY_UNCLEAR };
enum notify_likeness notify_compare(const struct notify_name *name, const cmrp_slot *text);
struct notify_name *notify_share(struct notify_name *name); // NULL is allowed
void notify_drop(struct rules *rules, struct notify_name *name);

// ---- topics -------------------------------------------------------------------------------------

void notify_judge_registration(const struct sight *s, const struct notify_adder *adder);
void notify_judge_close(const struct sight *s);
void notify_judge_get_port(const struct sight *s, const struct notify_getter *getter);
// The end of a Get; the answer is looked into by those below.
void notify_judge_completion(const struct sight *s, const struct notify_getter *getter);

// A parameter of an indication, or a member.
struct notify_spot {
    const cmrp_param *p;
    const cmrp_slot *slot;
};

// One indication.
struct notify_event {
    const struct notify_getter *getter;
    struct rules_handle *handle; // of the port
    struct notify_port *port;    // NULL: not known
    uint32_t object_type;        // version 2
    uint64_t flags;              // CLUSTER_CHANGE or the flags of the type
    uint64_t key;
    const cmrp_slot *name;
    const uint32_t *sequence; // NULL: there is none
    const char *array;        // that it is an element of; NULL: parameters
    uint64_t index;
    struct notify_spot at_type, at_flags, at_key, at_name, at_sequence;
};
// Its place, for a finding.
struct where notify_where(const struct sight *s, const struct notify_event *e,
                          const struct notify_spot *spot);

void notify_judge_indications(const struct sight *s, const struct notify_getter *getter);
// The filter that has asked for an event, where it is the only one that can have; else NULL.
struct notify_filter *notify_only_filter(const struct sight *s, const struct notify_event *e);
// What a notification of version 2 holds. members: of NOTIFICATION_RPC, the element of
// Notifications with this index.
void notify_judge_content(const struct sight *s, const cmrp_struct *type, const cmrp_slot *members,
                          uint64_t index);
void notify_sequence_of(struct notify_filter *filter, uint32_t sequence, uint64_t frame);
// Whether the specification has a table of what notifications of this type hold.
bool notify_has_table(uint32_t object_type);
void notify_judge_sequence(const struct sight *s, const struct notify_event *e);
// State sequences that clients have been given.
void notify_learn_sequence(const struct sight *s, const struct notify_event *e);
void notify_sequence_added(const struct sight *s, const struct notify_adder *adder);
void notify_judge_readd(const struct sight *s, const struct notify_adder *adder);

// Appends "CLUSTER_CHANGE_GROUP_STATE|0x800" for a message.
void notify_flag_names(char *text, size_t size, const cmrp_change_set *set, uint64_t value);

#endif
