// SPDX-License-Identifier: Apache-2.0
// The rows of what clients do, and what the files that implement them share.
#ifndef TRAFFIC_ACTIONS_H
#define TRAFFIC_ACTIONS_H

#include "traffic/client.h"

enum {
    FILE_NOT_FOUND = 2,
    NO_MEMORY = 8,
    MORE_DATA = 234,
    NO_MORE_ITEMS = 259,
    KEY_DELETED = 1018
};

static inline const char *text_of(const json_t *params, const char *name) {
    return json_string_value(json_object_get(params, name));
}

// {"rpc_status":0,"return":status}
bool answer_status(struct call *c, uint32_t status);
// {"Status":status,"rpc_status":0,"return":h}; h may be NULL
bool answer_handle(struct call *c, const struct handle *h, uint32_t status);

bool ask_close(struct play *p, struct call *c, uint32_t opnum, unsigned meaning);
extern const unsigned kind_means[OBJECT_KINDS]; // CMRP_MEANS_H… of a kind's handles

// X(opnum, weight, ask, execute, told)
#define OBJECT_ACTIONS(X)                                                                          \
    X(0, 4, ask_nothing, open_cluster, NULL)                                                       \
    X(8, 7, ask_open_8, open_object, NULL)                                                         \
    X(120, 3, ask_open_120, open_object, NULL)                                                     \
    X(121, 2, ask_open_121, open_object, NULL)                                                     \
    X(122, 2, ask_open_122, open_object, NULL)                                                     \
    X(11, 4, ask_close_11, close_handle, told_closed)                                              \
    X(12, 6, ask_resource_state, resource_state, NULL)                                             \
    X(117, 4, ask_access, open_cluster, NULL)                                                      \
    X(1, 3, ask_close_1, close_handle, told_closed)                                                \
    X(3, 3, ask_nothing, get_cluster_name, NULL)                                                   \
    X(66, 6, ask_open_66, open_object, NULL)                                                       \
    X(118, 3, ask_open_118, open_object, NULL)                                                     \
    X(67, 4, ask_close_67, close_handle, told_closed)                                              \
    X(41, 8, ask_open_41, open_object, NULL)                                                       \
    X(119, 3, ask_open_119, open_object, NULL)                                                     \
    X(42, 4, ask_create_group, create_group, NULL)                                                 \
    X(43, 2, ask_delete_group, delete_group, NULL)                                                 \
    X(44, 5, ask_close_44, close_handle, told_closed)                                              \
    X(45, 8, ask_group_state, group_state, NULL)                                                   \
    X(81, 5, ask_open_81, open_object, NULL)                                                       \
    X(82, 3, ask_close_82, close_handle, told_closed)                                              \
    X(92, 5, ask_open_92, open_object, NULL)                                                       \
    X(93, 3, ask_close_93, close_handle, told_closed)

#define NOTIFY_ACTIONS(X)                                                                          \
    X(55, 5, ask_nothing, create_notify, NULL)                                                     \
    X(137, 5, ask_nothing, create_notify, NULL)                                                    \
    X(57, 8, ask_add_cluster, add_cluster, told_added)                                             \
    X(58, 6, ask_add_58, add_object, told_added)                                                   \
    X(59, 8, ask_add_59, add_object, told_added)                                                   \
    X(90, 6, ask_add_90, add_object, told_added)                                                   \
    X(99, 6, ask_add_99, add_object, told_added)                                                   \
    X(60, 7, ask_add_60, add_object, told_added)                                                   \
    X(64, 3, ask_add_64, add_object, told_added)                                                   \
    X(62, 3, ask_add_62, add_object, told_added)                                                   \
    X(63, 3, ask_add_63, add_object, told_added)                                                   \
    X(91, 3, ask_add_91, add_object, told_added)                                                   \
    X(100, 3, ask_add_100, add_object, told_added)                                                 \
    X(61, 8, ask_add_key, add_key, told_added)                                                     \
    X(138, 20, ask_add_2, add_2, told_added)                                                       \
    X(65, 40, ask_get_1, get, NULL)                                                                \
    X(147, 20, ask_get_1, get_async, NULL)                                                         \
    X(139, 50, ask_get_2, get_2, NULL)                                                             \
    X(107, 2, ask_unblock, unblock, told_unblocked)                                                \
    X(56, 20, ask_close_notify, close_notify, told_closed)

#define REGISTRY_ACTIONS(X)                                                                        \
    X(28, 4, ask_root_key, root_key, NULL)                                                         \
    X(30, 8, ask_open_key, open_key, NULL)                                                         \
    X(29, 4, ask_create_key, create_key, NULL)                                                     \
    X(37, 5, ask_close_key, close_handle, told_closed)                                             \
    X(31, 6, ask_enum, enum_key, NULL)                                                             \
    X(36, 10, ask_enum_value, enum_value, NULL)                                                    \
    X(32, 12, ask_set_value, set_value, NULL)                                                      \
    X(33, 4, ask_delete_value, delete_value, NULL)                                                 \
    X(34, 12, ask_query_value, query_value, NULL)                                                  \
    X(35, 2, ask_delete_key, delete_key, NULL)                                                     \
    X(113, 25, ask_batch, execute_batch, NULL)                                                     \
    X(157, 8, ask_read_batch_ex, read_batch_ex, NULL)                                              \
    X(145, 12, ask_read_batch, read_batch, NULL)                                                   \
    X(114, 5, ask_batch_port, create_batch_port, NULL)                                             \
    X(115, 25, ask_batch_get, get_batch, NULL)                                                     \
    X(116, 2, ask_close_batch_port, close_batch_port, told_closed)

#define ACTION_ROW(opnum, weight, ask, execute, told) {opnum, weight, ask, execute, told},

// What the rows name.
bool ask_add_64(struct play *p, struct call *c);
bool ask_add_60(struct play *p, struct call *c);
bool resource_state(struct play *p, struct call *c);
bool ask_resource_state(struct play *p, struct call *c);
bool ask_close_11(struct play *p, struct call *c);
bool ask_open_122(struct play *p, struct call *c);
bool ask_open_121(struct play *p, struct call *c);
bool ask_open_120(struct play *p, struct call *c);
bool ask_open_8(struct play *p, struct call *c);
bool add_2(struct play *p, struct call *c);
bool add_cluster(struct play *p, struct call *c);
bool add_key(struct play *p, struct call *c);
bool add_object(struct play *p, struct call *c);
bool ask_access(struct play *p, struct call *c);
bool ask_add_100(struct play *p, struct call *c);
bool ask_add_2(struct play *p, struct call *c);
bool ask_add_58(struct play *p, struct call *c);
bool ask_add_59(struct play *p, struct call *c);
bool ask_add_62(struct play *p, struct call *c);
bool ask_add_63(struct play *p, struct call *c);
bool ask_add_90(struct play *p, struct call *c);
bool ask_add_91(struct play *p, struct call *c);
bool ask_add_99(struct play *p, struct call *c);
bool ask_add_cluster(struct play *p, struct call *c);
bool ask_add_key(struct play *p, struct call *c);
bool ask_batch(struct play *p, struct call *c);
bool ask_batch_get(struct play *p, struct call *c);
bool ask_batch_port(struct play *p, struct call *c);
bool ask_close_1(struct play *p, struct call *c);
bool ask_close_44(struct play *p, struct call *c);
bool ask_close_67(struct play *p, struct call *c);
bool ask_close_82(struct play *p, struct call *c);
bool ask_close_93(struct play *p, struct call *c);
bool ask_close_batch_port(struct play *p, struct call *c);
bool ask_close_key(struct play *p, struct call *c);
bool ask_close_notify(struct play *p, struct call *c);
bool ask_create_group(struct play *p, struct call *c);
bool ask_create_key(struct play *p, struct call *c);
bool ask_delete_group(struct play *p, struct call *c);
bool ask_delete_key(struct play *p, struct call *c);
bool ask_delete_value(struct play *p, struct call *c);
bool ask_enum(struct play *p, struct call *c);
bool ask_enum_value(struct play *p, struct call *c);
bool ask_get_1(struct play *p, struct call *c);
bool ask_get_2(struct play *p, struct call *c);
bool ask_group_state(struct play *p, struct call *c);
bool ask_nothing(struct play *p, struct call *c);
bool ask_open_118(struct play *p, struct call *c);
bool ask_open_119(struct play *p, struct call *c);
bool ask_open_41(struct play *p, struct call *c);
bool ask_open_66(struct play *p, struct call *c);
bool ask_open_81(struct play *p, struct call *c);
bool ask_open_92(struct play *p, struct call *c);
bool ask_open_key(struct play *p, struct call *c);
bool ask_query_value(struct play *p, struct call *c);
bool ask_read_batch(struct play *p, struct call *c);
bool ask_read_batch_ex(struct play *p, struct call *c);
bool read_batch_ex(struct play *p, struct call *c);
bool ask_root_key(struct play *p, struct call *c);
bool ask_set_value(struct play *p, struct call *c);
bool ask_unblock(struct play *p, struct call *c);
bool close_batch_port(struct play *p, struct call *c);
bool close_handle(struct play *p, struct call *c);
bool close_notify(struct play *p, struct call *c);
bool create_batch_port(struct play *p, struct call *c);
bool create_group(struct play *p, struct call *c);
bool create_key(struct play *p, struct call *c);
bool create_notify(struct play *p, struct call *c);
bool delete_group(struct play *p, struct call *c);
bool delete_key(struct play *p, struct call *c);
bool delete_value(struct play *p, struct call *c);
bool enum_key(struct play *p, struct call *c);
bool enum_value(struct play *p, struct call *c);
bool execute_batch(struct play *p, struct call *c);
bool get(struct play *p, struct call *c);
bool get_2(struct play *p, struct call *c);
bool get_async(struct play *p, struct call *c);
bool get_batch(struct play *p, struct call *c);
bool get_cluster_name(struct play *p, struct call *c);
bool group_state(struct play *p, struct call *c);
bool open_cluster(struct play *p, struct call *c);
bool open_key(struct play *p, struct call *c);
bool open_object(struct play *p, struct call *c);
bool query_value(struct play *p, struct call *c);
bool read_batch(struct play *p, struct call *c);
bool root_key(struct play *p, struct call *c);
bool set_value(struct play *p, struct call *c);
bool unblock(struct play *p, struct call *c);
void told_added(struct play *p, struct call *c);
void told_closed(struct play *p, struct call *c);
void told_unblocked(struct play *p, struct call *c);

#endif
