// SPDX-License-Identifier: Apache-2.0
// What the tests of this folder share. Selectors and values are JSON with ' for ", to be read
// without backslashes.
#ifndef JSON_TEST_SUPPORT_H
#define JSON_TEST_SUPPORT_H

#include "json/json.h"

#define HANDLE_A                "0000000033221100554477668899aabbccddee01"
#define HANDLE_B                "0000000033221100554477668899aabbccddee02"
#define BATCH                   "{'type':'batch'}"
#define LENIENT                 "{'type':'batch','mode':'lenient'}"
#define CHANGE                  "{'type':'change','set':'CLUSTER_CHANGE'}"
#define OBJECT_TYPE             "{'type':'change','set':'CLUSTER_OBJECT_TYPE'}"
#define GROUP_V2                "{'type':'change','set':'CLUSTER_CHANGE_GROUP_V2'}"
#define PDU                     "{'type':'pdu'}"
#define STUB(method, direction) "{'type':'stub','method':'" method "','direction':'" direction "'}"
#define ONE(command)            "{'version':1,'commands':[" command "]}"
#define FIRST_LAST              "'flags':3,'drep':'10000000','call_id':1,"
#define FRAGS                   "'max_xmit_frag':5840,'max_recv_frag':5840,'assoc_group_id':0,"
#define COUNT(array)            (sizeof(array) / sizeof((array)[0]))

json_t *parse(const char *quoted);
struct json_selector select_by(const char *quoted);
json_t *decode(const char *selector, const char *hex);
// The hex that a value encodes to; free() it.
char *encode(const char *selector, const json_t *value);
char *encode_text(const char *selector, const char *quoted);
void assert_encodes(const char *selector, const char *quoted, const char *hex);
void assert_json(const json_t *value, const char *quoted);
void assert_shape(const json_t *value, const char *expected);

#endif
