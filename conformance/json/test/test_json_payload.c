// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "util/hex.h"

// Text in single quotes here, which are double ones in JSON.
#define EVENT(type, flag)                                                                          \
    "{'type':'payload','object_type':'CLUSTER_OBJECT_TYPE_" type "','flag':'CLUSTER_CHANGE_" flag  \
    "'}"
#define STATE    EVENT("GROUP", "GROUP_STATE_V2")
#define OWNER    EVENT("GROUP", "GROUP_OWNER_NODE_V2")
#define OWNERS   EVENT("GROUP", "GROUP_PREFERRED_OWNERS_V2")
#define COMMON   EVENT("GROUP", "GROUP_COMMON_PROPERTY_V2")
#define MEMBERS  EVENT("CLUSTER", "CLUSTER_MEMBERSHIP_V2")
#define VOLUME   EVENT("SHARED_VOLUME", "SHARED_VOLUME_STATE_V2")
#define QUORUM   EVENT("QUORUM", "QUORUM_STATE_V2")
#define GROUPSET EVENT("GROUPSET", "GROUPSET_STATE_V2")

static struct buffer octets_of(const char *hex) {
    struct buffer octets = {0};
    size_t at;
    assert_true(hex_parse(hex, strlen(hex), &octets, &at));
    return octets;
}

// ---- keys, and their order ----------------------------------------------------------------------

static const struct {
    const char *selector;
    const char *hex;
    const char *json; // behind object_type and flag
} decoded[] = {
    {STATE, "02000000", "'kind':'state','value':'ClusterGroupFailed'}"},
    {QUORUM, "", "'kind':'empty'}"},
    {OWNER, "31000000", "'kind':'id','text':'1'}"},
    {OWNER, "3100", "'kind':'id','text':'1','nuls':0}"},
    {OWNERS,
     "3100000032000000"
     "0000",
     "'kind':'multi-sz','strings':['1','2']}"},
    {OWNERS, "00000000", "'kind':'multi-sz','strings':[],'nuls':2}"},
    {MEMBERS, "01020000000102", "'kind':'membership','HasQuorum':1,'UpNodes':[1,2]}"},
    {GROUPSET, "00ff", "'kind':'opaque','data':'00ff'}"},
    {COMMON,
     "01000000"
     "03000400"
     "06000000"
     "410062000000"
     "cafe"
     "01000100"
     "01000000"
     "5a"
     "000001"
     "00000000",
     "'kind':'property-list','properties':[{'name':'Ab','padding':'cafe','values':["
     "{'syntax':'CLUSPROP_SYNTAX_LIST_VALUE_BINARY','value':'5a','padding':'000001'}],"
     "'offset':4}],'warnings':["
     "{'code':'padding','offset':18,'field':'propertyValue[0].padding','section':"
     "'MS-CMRP 2.2.3.10.1','message':'propertyValue[0].padding is 0xfeca, not 0'},"
     "{'code':'padding','offset':29,'field':'propertyValue[0].Padding','section':"
     "'MS-CMRP 2.2.3.10.1','message':'propertyValue[0].Padding is 0x10000, not 0'}]}"},
    {COMMON,
     "01000000"
     "03000400"
     "04000000"
     "50000000"
     "07000100"
     "04000000"
     "ffffffff"
     "00000000",
     "'kind':'property-list','properties':[{'name':'P','values':["
     "{'syntax':'CLUSPROP_SYNTAX_LIST_VALUE_LONG','value':-1}],'offset':4}]}"},
    {COMMON,
     "01000000"
     "03000400"
     "04000000"
     "50000000"
     "0a000100"
     "08000000"
     "feffffffffffffff"
     "00000000",
     "'kind':'property-list','properties':[{'name':'P','values':["
     "{'syntax':'CLUSPROP_SYNTAX_LIST_VALUE_LARGE_INTEGER','value':'-2'}],'offset':4}]}"},
};

static void decoded_text(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(decoded); i++) {
        const struct json_selector how = select_by(decoded[i].selector);
        struct buffer octets = octets_of(decoded[i].hex);
        cmrp_error error = {0};
        json_t *value = json_decode(&how, buffer_view(&octets), 0, &error);
        json_t *selectors = json_object();
        json_selector_write(&how, false, selectors);
        char *head = json_dumps(selectors, JSON_COMPACT);
        head[strlen(head) - 1] = '\0';
        char *expected = util_format("%s,%s", head, decoded[i].json);
        for (char *p = expected; *p != '\0'; p++) {
            *p = *p == '\'' ? '"' : *p;
        }
        char *got = json_dumps(value, JSON_COMPACT);
        assert_string_equal(got, expected);
        free(got);
        free(expected);
        free(head);
        json_decref(selectors);
        json_decref(value);
        buffer_free(&octets);
    }
}

// A volume's structure, all of whose names are "V", "N" and "F".
static void decoded_volume(void **state) {
    (void)state;
    const struct json_selector how = select_by(VOLUME);
    struct buffer octets = octets_of("01000000"
                                     "03000400"
                                     "04000000"
                                     "50000000"
                                     "01000100"
                                     "2c060000");
    const size_t at = octets.size;
    cmrp_error error = {0};
    memset(buffer_extend(&octets, CMRP_SHARED_VOLUME_EX_SIZE + 4), 0,
           CMRP_SHARED_VOLUME_EX_SIZE + 4);
    octets.data[at] = 'V';
    octets.data[at + 520] = 'N';
    octets.data[at + 1040] = 3;
    octets.data[at + 1044] = 'F';
    octets.data[at + 1564] = 5;
    octets.data[at + 1572] = 2;
    json_t *value = json_decode(&how, buffer_view(&octets), 0, &error);
    json_t *expected = parse(
        "{'szVolumeName':'V','szNodeName':'N','VolumeState':'SharedVolumeStateActiveRedirected',"
        "'szVolumeFriendlyName':'F','RedirectedIOReason':'5','RedirectedIOReason_names':["
        "'RedirectedIOReasonUserRequest','RedirectedIOReasonIncompatibleVolumeFilter'],"
        "'BlockRedirectedIOReason':'2','BlockRedirectedIOReason_names':["
        "'BlockRedirectedIOReasonStorageSpaceNotAttached']}");
    const json_t *property = json_array_get(json_object_get(value, "properties"), 0);
    const json_t *member = json_array_get(json_object_get(property, "values"), 0);
    assert_true(json_equal(json_object_get(member, "value"), expected));
    json_decref(expected);
    json_decref(value);
    buffer_free(&octets);
}

// ---- meanings -----------------------------------------------------------------------------------

#define NOTIFICATION(flags, buffer)                                                                \
    "{'params':{'Notifications':[{'dwNotifyKey':'1','NotificationData':{'FilterAndType':{"         \
    "'dwObjectType':2,'FilterFlags':'" flags "'},'buffer':" buffer "}}],'return':0}}"
#define GET_V2 "{'type':'stub','method':'ApiGetNotifyV2','direction':'response'}"

static void meanings(void **state) {
    (void)state;
    static const struct {
        const char *selector;
        const char *a;
        const char *b;
        bool equal;
    } pairs[] = {
        {STATE, "{'kind':'state','value':2}", "{'kind':'state','value':'ClusterGroupFailed'}",
         true},
        {STATE, "{'kind':'state','value':2}", "{'kind':'state','value':3}", false},
        {STATE, "{'kind':'state','value':2,'warnings':[]}", "{'kind':'state','value':2}", true},
        {OWNER, "{'kind':'id','text':'1','nuls':1}", "{'kind':'id','text':'1'}", true},
        {OWNER, "{'kind':'id','text':'1','nuls':0}", "{'kind':'id','text':'1'}", false},
        {OWNER, "{'kind':'id','text':{'utf16':'3100'}}", "{'kind':'id','text':'1'}", true},
        {COMMON,
         "{'kind':'property-list','properties':[{'name':'P','values':["
         "{'syntax':'CLUSPROP_SYNTAX_LIST_VALUE_BINARY','value':'AB','padding':'000000'}]}]}",
         "{'kind':'property-list','properties':[{'name':'P','values':["
         "{'syntax':'CLUSPROP_SYNTAX_LIST_VALUE_BINARY','value':'ab'}],'offset':9}]}",
         true},
        {STATE, "{'kind':'nothing'}", "{'kind':'nothing'}", true}, // stays as it is
        {GET_V2, NOTIFICATION("8", "{'kind':'state','value':'ClusterGroupFailed'}"),
         NOTIFICATION("8", "'02000000'"), true},
        {GET_V2, NOTIFICATION("8", "{'kind':'state','value':'ClusterGroupFailed'}"),
         NOTIFICATION("8", "'03000000'"), false},
        {GET_V2, NOTIFICATION("8", "'02000000','buffer_payload':{}"),
         NOTIFICATION("8", "'02000000'"), true},
        {GET_V2, NOTIFICATION("8", "{'kind':'nothing'}"), NOTIFICATION("8", "{'kind':'nothing'}"),
         true},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const struct json_selector how = select_by(pairs[i].selector);
        json_t *a = parse(pairs[i].a);
        json_t *b = parse(pairs[i].b);
        json_t *normal_a = json_normal(&how, a);
        json_t *normal_b = json_normal(&how, b);
        if ((json_equal(normal_a, normal_b) != 0) != pairs[i].equal) {
            fail_msg("%s\n%s\nare%s equal", pairs[i].a, pairs[i].b, pairs[i].equal ? " not" : "");
        }
        json_decref(a);
        json_decref(b);
        json_decref(normal_a);
        json_decref(normal_b);
    }
}

// ---- refusals name the place --------------------------------------------------------------------

#define LIST(property) "{'kind':'property-list','properties':[" property "]}"
#define VALUE(value)                                                                               \
    LIST("{'name':'P','values':[{'syntax':'CLUSPROP_SYNTAX_LIST_VALUE_DWORD','value':1}," value    \
         "]}")

static void failures_name_the_place(void **state) {
    (void)state;
    static const struct {
        const char *selector;
        const char *value;
        const char *code;
        const char *pointer;
        const char *message; // a part of it
    } cases[] = {
        {STATE, "{'kind':'id','text':'1'}", "value", "", "is of kind state"},
        {STATE, "{'value':1}", "value", "", "\"kind\" is missing"},
        {STATE, "{'kind':'state','value':'x'}", "value", "/value", "not a name of a group state"},
        {STATE, "{'kind':'state','value':1,'text':''}", "value", "", "unknown key \"text\""},
        {STATE, "{'object_type':'CLUSTER_OBJECT_TYPE_NODE','kind':'state','value':1}", "value", "",
         "object_type contradicts"},
        {OWNER, "{'kind':'id','text':'a\\u0000'}", "value", "/text", "belongs into nuls"},
        {OWNER, "{'kind':'id','text':'','nuls':0}", "truncated", "", "buffer is cut short"},
        {OWNER, "{'kind':'id','text':{'utf8':''}}", "value", "/text", "unknown key \"utf8\""},
        {OWNERS, "{'kind':'multi-sz','strings':['a','']}", "value", "/strings/1", "empty string"},
        {MEMBERS, "{'kind':'membership','HasQuorum':1,'UpNodes':[1,256]}", "value", "/UpNodes/1",
         "larger than 255"},
        {COMMON, LIST("7"), "value", "/properties/0", "an object is expected"},
        {COMMON, LIST("{'name':'P'}"), "value", "/properties/0", "\"values\" is missing"},
        {COMMON, LIST("{'name':'P','values':[]}"), "value-count", "/properties", "PropertyValues"},
        {COMMON, VALUE("{'syntax':'X','value':1}"), "value", "/properties/0/values/1",
         "unknown syntax \"X\""},
        {COMMON, VALUE("{'syntax':'CLUSPROP_SYNTAX_LIST_VALUE_WORD','value':65536}"), "value",
         "/properties/0/values/1/value", "larger than 65535"},
        {COMMON, VALUE("{'syntax':'CLUSPROP_SYNTAX_LIST_VALUE_SZ','value':'a','nuls':0}"),
         "string-terminator", "/properties", "Buffer does not end with NUL"},
        {COMMON, VALUE("{'syntax':'CLUSPROP_SYNTAX_LIST_VALUE_BINARY','value':'00','padding':'0'}"),
         "value", "/properties/0/values/1/padding", "not hex"},
        {GET_V2, NOTIFICATION("24", "{'kind':'state','value':1}"), "value",
         "/params/Notifications/0/NotificationData/buffer", "only octets"},
        {GET_V2, NOTIFICATION("8", "{'kind':'state','value':'ClusterNodeUp'}"), "value",
         "/params/Notifications/0/NotificationData/buffer/value", "not a name"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct json_selector how = select_by(cases[i].selector);
        struct json_failure failure;
        struct buffer out = {0};
        json_t *value = parse(cases[i].value);
        assert_false(json_encode(&how, value, &out, &failure));
        assert_string_equal(failure.code, cases[i].code);
        if (strcmp(failure.code, "value") == 0) {
            assert_string_equal(failure.pointer, cases[i].pointer);
        }
        if (strstr(failure.message, cases[i].message) == NULL) {
            fail_msg("%s: %s", cases[i].value, failure.message);
        }
        assert_int_equal(out.size, 0);
        buffer_free(&out);
        json_decref(value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoded_text),
        cmocka_unit_test(decoded_volume),
        cmocka_unit_test(meanings),
        cmocka_unit_test(failures_name_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
