// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/hex.h"
#include "json/json.h"

// Selectors and values below are JSON with ' for ", to be read without backslashes.

#define HANDLE_A                "0000000033221100554477668899aabbccddee01"
#define HANDLE_B                "0000000033221100554477668899aabbccddee02"
#define BATCH                   "{'type':'batch'}"
#define LENIENT                 "{'type':'batch','mode':'lenient'}"
#define CHANGE                  "{'type':'change','set':'CLUSTER_CHANGE'}"
#define OBJECT_TYPE             "{'type':'change','set':'CLUSTER_OBJECT_TYPE'}"
#define GROUP_V2                "{'type':'change','set':'CLUSTER_CHANGE_GROUP_V2'}"
#define PDU                     "{'type':'pdu'}"
#define STUB(method, direction) "{'type':'stub','method':'" method "','direction':'" direction "'}"
#define COUNT(array)            (sizeof(array) / sizeof((array)[0]))

// ---- support ------------------------------------------------------------------------------------

static json_t *parse(const char *quoted) {
    char *text = util_strdup(quoted);
    char *error = NULL;
    for (char *p = text; *p != '\0'; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    json_t *value = json_parse(text, strlen(text), &error);
    if (value == NULL) {
        fail_msg("%s: %s", text, error);
    }
    free(text);
    return value;
}

static struct json_selector select_by(const char *quoted) {
    struct json_selector how = {0};
    char *error = NULL;
    json_t *object = parse(quoted);
    if (!json_selector_read(object, &how, &error)) {
        fail_msg("%s: %s", quoted, error);
    }
    json_decref(object);
    return how;
}

static json_t *decode(const char *selector, const char *hex) {
    const struct json_selector how = select_by(selector);
    struct buffer octets = {0};
    cmrp_error error = {0};
    size_t at;
    assert_true(hex_parse(hex, strlen(hex), &octets, &at));
    json_t *value = json_decode(&how, buffer_view(&octets), 0, &error);
    if (value == NULL) {
        char text[256];
        cmrp_error_format(&error, text, sizeof text);
        fail_msg("%s: %s", hex, text);
    }
    buffer_free(&octets);
    return value;
}

// The hex that a value encodes to; free() it.
static char *encode(const char *selector, const json_t *value) {
    const struct json_selector how = select_by(selector);
    struct buffer octets = {0};
    struct json_failure failure;
    if (!json_encode(&how, value, &octets, &failure)) {
        fail_msg("%s: %s at %s: %s", selector, failure.code, failure.pointer, failure.message);
    }
    char *hex = hex_text(buffer_view(&octets));
    buffer_free(&octets);
    return hex;
}

static char *encode_text(const char *selector, const char *quoted) {
    json_t *value = parse(quoted);
    char *hex = encode(selector, value);
    json_decref(value);
    return hex;
}

static void assert_encodes(const char *selector, const char *quoted, const char *hex) {
    char *got = encode_text(selector, quoted);
    assert_string_equal(got, hex);
    free(got);
}

static void assert_json(const json_t *value, const char *quoted) {
    json_t *expected = parse(quoted);
    if (!json_equal(value, expected)) {
        char *got = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        fail_msg("%s\nis not %s", got, quoted);
    }
    json_decref(expected);
}

// The keys of a value in their order: {version,commands[{command,…}]}; of arrays the first element.
static void append_shape(struct buffer *out, const json_t *value) {
    const char *key;
    json_t *member;
    const char *separator = "";
    if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
        buffer_printf(out, "[");
        append_shape(out, json_array_get(value, 0));
        buffer_printf(out, "]");
    } else if (json_is_object(value)) {
        buffer_printf(out, "{");
        json_object_foreach((json_t *)value, key, member) {
            buffer_printf(out, "%s%s", separator, key);
            append_shape(out, member);
            separator = ",";
        }
        buffer_printf(out, "}");
    }
}

static void assert_shape(const json_t *value, const char *expected) {
    struct buffer out = {0};
    append_shape(&out, value);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

// ---- parsing ------------------------------------------------------------------------------------

static void documents_that_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *error; // its beginning
    } cases[] = {
        {"", "line 1 column 0: "},
        {"{\"a\":1,\"a\":2}", "line 1 column 10: duplicate object key near "},
        {"{\"a\":{\"b\":1,\n\"b\":1}}", "line 2 column 3: duplicate object key near "},
        {"{\"a\":1} x", "line 1 column 9: end of file expected near "},
        {"[1,2", "line 1 column 4: "},
        {"{\"a\":\"\xff\"}", "line 1 column "},
        {"\"\\ud800\"", "line 1 column "},
        {"[9223372036854775808]", "line 1 column "},
        {"[\x1b]", "line 1 column "},
        {"nul", "line 1 column "},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *error = NULL;
        json_t *value = json_parse(cases[i].text, strlen(cases[i].text), &error);
        assert_null(value);
        assert_memory_equal(error, cases[i].error, strlen(cases[i].error));
        assert_null(strchr(error, '\x1b')); // the place is quoted, but escaped
        free(error);
    }
}

static void nesting_is_bounded(void **state) {
    (void)state;
    struct buffer deep = {0};
    char *error = NULL;
    memset(buffer_extend(&deep, 1000000), '[', 1000000);
    assert_null(json_parse((const char *)deep.data, deep.size, &error));
    assert_non_null(error);
    free(error);
    buffer_free(&deep);
}

static void nul_is_kept_in_strings(void **state) {
    (void)state;
    char *error = NULL;
    static const char text[] = "{\"a\":\"x\\u0000y\"}";
    json_t *value = json_parse(text, sizeof text - 1, &error);
    assert_non_null(value);
    assert_int_equal(json_string_length(json_object_get(value, "a")), 3);
    json_decref(value);
}

// ---- shapes: every key, in its order ------------------------------------------------------------

#define WARNING "{code,offset,field,section,message}"

static void shapes_of_batches_and_changes(void **state) {
    (void)state;
    static const struct {
        const char *selector;
        const char *hex;
        const char *shape;
    } cases[] = {
        {BATCH,
         "01000000"
         "02000000"
         "00000000"
         "04000000"
         "61000000"
         "00000000",
         "{version,commands[{command,value_type,name,data,offset}]}"},
        {BATCH, // a pad octet that is not 0
         "01000000"
         "01000000"
         "03000000"
         "04000000"
         "61000000"
         "01000000"
         "ff07",
         "{version,commands[{command,value_type,name,data,padding,offset}],warnings[" WARNING "]}"},
        {BATCH, // a lone surrogate
         "01000000"
         "02000000"
         "00000000"
         "04000000"
         "00d80000"
         "00000000",
         "{version,commands[{command,value_type,name_hex,data,offset}],warnings[" WARNING "]}"},
        {LENIENT, // two octets more
         "01000000"
         "02000000"
         "00000000"
         "04000000"
         "61000000"
         "00000000"
         "aabb",
         "{version,commands[{command,value_type,name,data,offset}],trailing,warnings[" WARNING
         "]}"},
        {CHANGE, "00700000", "{set,value,names,unknown}"},
        {GROUP_V2, "0100000000000000", "{set,value,names,unknown}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *value = decode(cases[i].selector, cases[i].hex);
        assert_shape(value, cases[i].shape);
        json_decref(value);
    }
}

static const struct {
    const char *selector;
    const char *value;
    const char *shape;
} stub_shapes[] = {
    {STUB("ApiAddNotifyGroup", "request"),
     "{'params':{'hNotify':'" HANDLE_A "','hGroup':'" HANDLE_B
     "','dwFilter':28672,'dwNotifyKey':1}}",
     "{method,opnum,interface,direction,syntax,params{hNotify,hGroup,dwFilter,dwFilter_names,"
     "dwNotifyKey}}"},
    {"{'type':'stub','opnum':55,'direction':'response','drep':'be'}",
     "{'params':{'Status':0,'rpc_status':0,'return':'" HANDLE_A "'}}",
     "{method,opnum,interface,direction,syntax,drep,params{Status,rpc_status,return}}"},
    {STUB("ApiEnumKey", "response"),
     "{'params':{'KeyName':'A','lpftLastWriteTime':{'dwLowDateTime':1,'dwHighDateTime':2},"
     "'rpc_status':0,'return':0}}",
     "{method,opnum,interface,direction,syntax,params{KeyName,"
     "lpftLastWriteTime{dwLowDateTime,dwHighDateTime},rpc_status,return}}"},
    {STUB("ApiAddNotifyV2", "request"),
     "{'params':{'hNotify':'" HANDLE_A "','hObject':'" HANDLE_B
     "','filter':{'dwObjectType':2,'FilterFlags':'8'},'dwNotifyKey':1,'dwVersion':2,"
     "'isTargetedAtObject':1}}",
     "{method,opnum,interface,direction,syntax,params{hNotify,hObject,filter{dwObjectType,"
     "dwObjectType_names,FilterFlags,FilterFlags_names},dwNotifyKey,dwVersion,"
     "isTargetedAtObject}}"},
    {STUB("ApiGetNotifyV2", "response"),
     "{'params':{'Notifications':[{'dwNotifyKey':'1','NotificationData':{'FilterAndType':"
     "{'dwObjectType':2,'FilterFlags':'8'},'buffer':'01','ObjectId':'i','ParentId':null,"
     "'Name':{'utf16':'00d8'},'Type':''}}],'return':0}}",
     "{method,opnum,interface,direction,syntax,params{Notifications[{dwNotifyKey,"
     "NotificationData{FilterAndType{dwObjectType,dwObjectType_names,FilterFlags,"
     "FilterFlags_names},buffer,dwBufferSize,ObjectId,ParentId,Name{utf16},Type}}],"
     "dwNumNotifications,return}}"},
    {STUB("ApiGetBatchNotification", "response"),
     "{'params':{'lpData':{'version':1,'commands':[{'command':2,'value_type':0,'name':'A',"
     "'data':''}]},'return':0}}",
     "{method,opnum,interface,direction,syntax,params{cbData,lpData{version,commands[{command,"
     "value_type,name,data,offset}]},return}}"},
    {"{'type':'stub','method':'ApiGetNotify','direction':'request','interface':2}",
     "{'params':{'hNotify':'" HANDLE_A "','Timeout':5}}",
     "{method,opnum,interface,direction,syntax,params{hNotify,Timeout}}"},
    {STUB("ApiCreateNotify", "request"), "{'params':{}}",
     "{method,opnum,interface,direction,syntax,params{}}"},
};

static void shapes_of_stubs(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(stub_shapes); i++) {
        char *hex = encode_text(stub_shapes[i].selector, stub_shapes[i].value);
        json_t *value = decode(stub_shapes[i].selector, hex);
        assert_shape(value, stub_shapes[i].shape);
        char *again = encode(stub_shapes[i].selector, value); // what decoding adds is accepted
        assert_string_equal(again, hex);
        json_decref(value);
        free(again);
        free(hex);
    }
    json_t *trailing = decode(STUB("ApiCreateNotify", "request"), "00");
    assert_shape(trailing,
                 "{method,opnum,interface,direction,syntax,params{},warnings[" WARNING "]}");
    json_decref(trailing);
}

#define HEADER      "ptype,flags,flags_names,drep,frag_length,auth_length,call_id,"
#define ASSOCIATION "max_xmit_frag,max_recv_frag,assoc_group_id,"
#define SYNTAX      "{uuid,version,version_minor}"
#define FIRST_LAST  "'flags':3,'drep':'10000000','call_id':1,"
#define FRAGS       "'max_xmit_frag':5840,'max_recv_frag':5840,'assoc_group_id':0,"
#define NDR20       "{'uuid':'8a885d04-1ceb-11c9-9fe8-08002b104860','version':2,'version_minor':0}"

static const struct {
    const char *value;
    const char *shape;
} pdu_shapes[] = {
    {"{'ptype':'request'," FIRST_LAST "'alloc_hint':2,'context_id':0,'opnum':65,"
     "'stub':'0102'}",
     "{" HEADER "alloc_hint,context_id,opnum,stub}"},
    {"{'ptype':'request','flags':131,'drep':'10000000','call_id':1,'alloc_hint':2,"
     "'context_id':0,'opnum':65,'object':'00112233-4455-6677-8899-aabbccddeeff','stub':''}",
     "{" HEADER "alloc_hint,context_id,opnum,object,stub}"},
    {"{'ptype':'response'," FIRST_LAST "'alloc_hint':2,'context_id':0,'cancel_count':0,"
     "'reserved':0,'stub':'01','auth_padding':'000000','auth':{'type':10,'level':6,"
     "'reserved':0,'context_id':7,'token':'aabb'}}",
     "{" HEADER "alloc_hint,context_id,cancel_count,reserved,stub,auth_padding,"
     "auth{type,level,pad_length,reserved,context_id,token}}"},
    {"{'ptype':'fault'," FIRST_LAST "'alloc_hint':0,'context_id':0,'cancel_count':0,"
     "'reserved':0,'status':5,'reserved2':'00000000','stub':''}",
     "{" HEADER "alloc_hint,context_id,cancel_count,reserved,status,reserved2,stub}"},
    {"{'ptype':'bind'," FIRST_LAST FRAGS "'contexts':[{'id':0,'abstract_syntax':" NDR20
     ",'transfer_syntaxes':[" NDR20 "]}]}",
     "{" HEADER ASSOCIATION "contexts[{id,abstract_syntax" SYNTAX ",transfer_syntaxes[" SYNTAX
     "]}]}"},
    {"{'ptype':'bind_ack'," FIRST_LAST FRAGS "'sec_addr':'49152','results':[{'result':0,"
     "'reason':0,'transfer_syntax':" NDR20 "}]}",
     "{" HEADER ASSOCIATION "sec_addr,results[{result,reason,transfer_syntax" SYNTAX "}]}"},
    {"{'ptype':'bind_nak'," FIRST_LAST "'reason':4,'versions':[{'major':5,'minor':0}]}",
     "{" HEADER "reason,versions[{major,minor}]}"},
    {"{'ptype':'auth3'," FIRST_LAST "'pad':'00000000','auth':{'type':10,'level':6,"
     "'reserved':0,'context_id':7,'token':'aabb'}}",
     "{" HEADER "pad,auth{type,level,pad_length,reserved,context_id,token}}"},
};

static void shapes_of_pdus(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(pdu_shapes); i++) {
        char *hex = encode_text(PDU, pdu_shapes[i].value);
        json_t *value = decode(PDU, hex);
        assert_shape(value, pdu_shapes[i].shape);
        char *again = encode(PDU, value);
        assert_string_equal(again, hex);
        json_decref(value);
        free(again);
        free(hex);
    }
}

static void shape_of_errors(void **state) {
    (void)state;
    const struct json_selector how = select_by(BATCH);
    cmrp_error error = {0};
    const uint8_t octets[] = {2, 0, 0, 0};
    assert_null(json_decode(&how, (cmrp_view){octets, sizeof octets}, 100, &error));
    json_t *value = json_error(&error);
    assert_shape(value, WARNING);
    assert_json(value, "{'code':'version','offset':100,'field':'VersionNumber',"
                       "'section':'MS-CMRP 2.2.3.17','message':'VersionNumber is 2, not 1'}");
    json_decref(value);
}

// ---- values -------------------------------------------------------------------------------------

static void values_of_batches(void **state) {
    (void)state;
    json_t *value = decode(BATCH, "01000000"
                                  "01000000"
                                  "0b000000"
                                  "02000000"
                                  "0000"
                                  "00000000"
                                  "06000000"
                                  "05000000"
                                  "04000000"
                                  "e9000000"
                                  "01000000"
                                  "ff00"
                                  "0a000000"
                                  "01000000"
                                  "04000000"
                                  "61000000"
                                  "00000000");
    json_object_del(value, "warnings");
    assert_json(value, "{'version':1,'commands':["
                       "{'command':'CLUSREG_SET_VALUE','value_type':'REG_QWORD','name':'',"
                       "'data':'','offset':4},"
                       "{'command':'CLUSREG_VALUE_DELETED','value_type':5,'name':'\xc3\xa9',"
                       "'data':'ff','offset':22},"
                       "{'command':'CLUSREG_CONTROL_COMMAND','value_type':1,'name':'a',"
                       "'data':'','offset':44}]}");
    json_decref(value);
}

static void names_of_flags(void **state) {
    (void)state;
    json_t *value = decode(CHANGE, "00700000");
    assert_json(value, "{'set':'CLUSTER_CHANGE','value':28672,'names':["
                       "'CLUSTER_CHANGE_GROUP_STATE','CLUSTER_CHANGE_GROUP_DELETED',"
                       "'CLUSTER_CHANGE_GROUP_ADDED'],'unknown':0}");
    json_decref(value);
    value = decode(OBJECT_TYPE, "ff000000");
    assert_json(value, "{'set':'CLUSTER_OBJECT_TYPE','value':255,'names':[],'unknown':255}");
    json_decref(value);
    value = decode(GROUP_V2, "0100000000000080");
    assert_json(value, "{'set':'CLUSTER_CHANGE_GROUP_V2','value':'9223372036854775809',"
                       "'names':['CLUSTER_CHANGE_GROUP_DELETED_V2'],"
                       "'unknown':'9223372036854775808'}");
    json_decref(value);
    // Flags are named after the object type beside them: 1 is a cluster, 2 a group.
    char *hex = encode_text(STUB("ApiAddNotifyV2", "request"),
                            "{'params':{'hNotify':'" HANDLE_A "','hObject':'" HANDLE_B
                            "','filter':{'dwObjectType':2,'FilterFlags':'1'},'dwNotifyKey':1,"
                            "'dwVersion':2,'isTargetedAtObject':1}}");
    value = decode(STUB("ApiAddNotifyV2", "request"), hex);
    assert_json(json_object_get(json_object_get(value, "params"), "filter"),
                "{'dwObjectType':2,'dwObjectType_names':['CLUSTER_OBJECT_TYPE_GROUP'],"
                "'FilterFlags':'1','FilterFlags_names':['CLUSTER_CHANGE_GROUP_DELETED_V2']}");
    json_decref(value);
    free(hex);
}

static void other_forms_of_input(void **state) {
    (void)state;
    static const char command[] = "01000000"
                                  "06000000"
                                  "07000000"
                                  "04000000"
                                  "61000000"
                                  "00000000";
    assert_encodes(BATCH,
                   "{'version':1,'commands':[{'command':6,'value_type':7,'name':'a','data':''}]}",
                   command);
    assert_encodes(BATCH,
                   "{'version':1,'commands':[{'command':'CLUSREG_VALUE_DELETED','offset':99,"
                   "'value_type':'REG_MULTI_SZ','name_hex':'61000000','data':''}],'warnings':[7]}",
                   command);
    assert_encodes(BATCH,
                   "{'version':1,'commands':[{'command':1,'value_type':3,'name':'','data':'AF',"
                   "'padding':'00'}]}",
                   "01000000"
                   "01000000"
                   "03000000"
                   "02000000"
                   "0000"
                   "01000000"
                   "af00");
    assert_encodes(CHANGE, "{'names':['CLUSTER_CHANGE_GROUP_ADDED'],'unknown':0}", "00400000");
    assert_encodes(CHANGE, "{'value':0}", "00000000");
    assert_encodes(GROUP_V2, "{'names':[],'unknown':'9223372036854775808'}", "0000000000000080");
    assert_encodes(GROUP_V2, "{'value':'18446744073709551615'}", "ffffffffffffffff");
}

static void counts_are_derived_or_right(void **state) {
    (void)state;
    static const char selector[] = STUB("ApiGetBatchNotification", "response");
    char *derived = encode_text(selector, "{'params':{'lpData':'0102030405','return':0}}");
    char *given = encode_text(selector, "{'params':{'cbData':5,'lpData':'0102030405','return':0}}");
    assert_string_equal(derived, "05000000"
                                 "00000200"
                                 "05000000"
                                 "0102030405"
                                 "000000"
                                 "00000000");
    assert_string_equal(derived, given);
    free(derived);
    free(given);
    assert_encodes(selector, "{'params':{'lpData':null,'return':259}}",
                   "00000000"
                   "00000000"
                   "03010000");
    assert_encodes(selector, "{'params':{'lpData':'','return':0}}",
                   "00000000"
                   "00000200"
                   "00000000"
                   "00000000");
}

static void strings_that_are_no_text(void **state) {
    (void)state;
    static const char selector[] = STUB("ApiGetNotify", "response");
    static const char *const names[] = {"{'utf16':'00d8'}", "{'utf16':'410000004200'}",
                                        "{'utf16':'00dc41000000'}"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char *text = util_format("{'params':{'dwNotifyKey':1,'dwFilter':2,'dwStateSequence':3,"
                                 "'Name':%s,'rpc_status':0,'return':0}}",
                                 names[i]);
        char *hex = encode_text(selector, text);
        json_t *value = decode(selector, hex);
        assert_json(json_object_get(json_object_get(value, "params"), "Name"), names[i]);
        json_decref(value);
        free(hex);
        free(text);
    }
    // Big-endian stubs hold the same units; the form is little-endian all the same.
    static const char big[] =
        "{'type':'stub','method':'ApiGetNotify','direction':'response','drep':'be'}";
    json_t *value = decode(big, "00000001"
                                "00000002"
                                "00000003"
                                "00020000"
                                "00000002"
                                "00000000"
                                "00000002"
                                "d834"
                                "0000"
                                "00000000"
                                "00000000");
    assert_json(json_object_get(json_object_get(value, "params"), "Name"), "{'utf16':'34d8'}");
    json_decref(value);
}

static void large_batch_there_and_back(void **state) {
    (void)state;
    enum { COMMANDS = 10000 };
    json_t *commands = json_array();
    for (int i = 0; i < COMMANDS; i++) {
        char *text = util_format("{'command':'CLUSREG_SET_VALUE','value_type':'REG_DWORD',"
                                 "'name':'value %d','data':'%08x%s'}",
                                 i, (unsigned)i, i % 2 == 0 ? "" : "ff");
        json_array_append_new(commands, parse(text));
        free(text);
    }
    json_t *batch = json_pack("{s:i,s:o}", "version", 1, "commands", commands);
    char *hex = encode(BATCH, batch);
    json_t *back = decode(BATCH, hex);
    const struct json_selector how = select_by(BATCH);
    json_t *normal = json_normal(&how, batch);
    json_t *normal_back = json_normal(&how, back);
    assert_int_equal(json_array_size(json_object_get(back, "commands")), COMMANDS);
    assert_true(json_equal(normal, normal_back));
    char *again = encode(BATCH, back);
    assert_string_equal(again, hex);
    free(again);
    free(hex);
    json_decref(normal);
    json_decref(normal_back);
    json_decref(back);
    json_decref(batch);
}

// ---- equal meanings -----------------------------------------------------------------------------

#define ONE(command)  "{'version':1,'commands':[" command "]}"
#define NAME_AND_DATA ",'name':'a','data':''"

static const struct {
    const char *selector;
    const char *a;
    const char *b;
    bool equal;
} pairs[] = {
    {BATCH, ONE("{'command':1,'value_type':4" NAME_AND_DATA "}"),
     ONE("{'data':'','name':'a','value_type':'REG_DWORD','command':'CLUSREG_SET_VALUE',"
         "'offset':4}"),
     true},
    {BATCH, ONE("{'command':1,'value_type':4" NAME_AND_DATA "}"),
     ONE("{'command':1,'value_type':3" NAME_AND_DATA "}"), false},
    {BATCH, ONE("{'command':1,'value_type':4,'name':'a','data':'aF'}"),
     ONE("{'command':1,'value_type':4,'name':'a','data':'Af'}"), true},
    {BATCH, ONE("{'command':1,'value_type':4,'name':'a','data':'af'}"),
     ONE("{'command':1,'value_type':4,'name':'A','data':'af'}"), false},
    {BATCH, ONE("{'command':1,'value_type':4,'name':'a','data':'ff\\u0000'}"),
     ONE("{'command':1,'value_type':4,'name':'a','data':'ff'}"), false},
    {BATCH, ONE("{'command':1,'value_type':4,'name':'a','data':'ff','padding':'00'}"),
     ONE("{'command':1,'value_type':4,'name':'a','data':'ff'}"), true},
    {BATCH, ONE("{'command':1,'value_type':4,'name':'a','data':'ff','padding':'01'}"),
     ONE("{'command':1,'value_type':4,'name':'a','data':'ff'}"), false},
    {LENIENT, ONE("{'command':1,'value_type':4,'name':'a','data':'ff','padding':null}"),
     ONE("{'command':1,'value_type':4,'name':'a','data':'ff'}"), false},
    {BATCH, ONE("{'command':1,'value_type':4,'name_hex':'00D80000','data':''}"),
     ONE("{'command':1,'value_type':4,'name_hex':'00d80000','data':''}"), true},
    {LENIENT, "{'version':1,'commands':[],'trailing':'AB','warnings':[]}",
     "{'version':1,'commands':[],'trailing':'ab'}", true},
    {LENIENT, "{'version':1,'commands':[],'trailing':'ab'}", "{'version':1,'commands':[]}", false},
    {BATCH, ONE("{'command':1,'value_type':4" NAME_AND_DATA "}"), "{'version':1,'commands':[]}",
     false},
    {CHANGE, "{'value':28672}",
     "{'set':'CLUSTER_CHANGE','names':['CLUSTER_CHANGE_GROUP_ADDED',"
     "'CLUSTER_CHANGE_GROUP_STATE','CLUSTER_CHANGE_GROUP_DELETED']}",
     true},
    {CHANGE, "{'value':28672}", "{'value':28673}", false},
    {CHANGE, "{'value':28672}", "{'names':['CLUSTER_CHANGE_GROUP_ADDED']}", false},
    {GROUP_V2, "{'value':'1'}", "{'names':['CLUSTER_CHANGE_GROUP_DELETED_V2']}", true},
    {OBJECT_TYPE, "{'value':255}", "{'names':[],'unknown':255}", true},
    {STUB("ApiCloseNotify", "request"), "{'params':{'Notify':'" HANDLE_A "'}}",
     "{'method':'ApiCloseNotify','opnum':56,'interface':3,'params':{'Notify':"
     "'0000000033221100554477668899AABBCCDDEE01'}}",
     true},
    {STUB("ApiCloseNotify", "request"), "{'params':{'Notify':'" HANDLE_A "'}}",
     "{'params':{'Notify':'" HANDLE_B "'}}", false},
    {STUB("ApiGetBatchNotification", "response"),
     "{'params':{'cbData':1,'lpData':'AA','return':0}}", "{'params':{'lpData':'aa','return':0}}",
     true},
    {STUB("ApiGetBatchNotification", "response"), "{'params':{'lpData':'','return':0}}",
     "{'params':{'lpData':null,'return':0}}", false},
    {STUB("ApiGetBatchNotification", "response"),
     "{'params':{'lpData':" ONE("{'command':2,'value_type':0" NAME_AND_DATA "}") ","
                                                                                 "'return':0}}",
     "{'params':{'lpData':" ONE("{'command':'CLUSREG_CREATE_KEY','value_type':0,"
                                "'name':'a','data':'','offset':4}") ",'return':0}}",
     true},
    {STUB("ApiGetNotify", "response"),
     "{'params':{'Name':{'utf16':'00D8'},'dwFilter':1,'dwFilter_names':[]}}",
     "{'params':{'dwFilter':1,'Name':{'utf16':'00d8'}}}", true},
    {STUB("ApiGetNotifyAsync", "response"),
     "{'params':{'Notifications':[{'dwNotifyKey':1,'dwFilter':2,'dwFilter_names':['x'],"
     "'Name':'a'}],'dwNumNotifications':1,'return':0}}",
     "{'params':{'Notifications':[{'dwNotifyKey':1,'dwFilter':2,'Name':'a'}],'return':0}}", true},
    {STUB("ApiGetNotifyAsync", "response"),
     "{'params':{'Notifications':[{'dwNotifyKey':1,'dwFilter':2,'Name':'a'}],'return':0}}",
     "{'params':{'Notifications':[{'dwNotifyKey':1,'dwFilter':2,'Name':null}],'return':0}}", false},
    {STUB("ApiGetNotifyV2", "response"),
     "{'params':{'Notifications':[{'NotificationData':{'buffer':'AB','dwBufferSize':1,"
     "'FilterAndType':{'FilterFlags':'8','FilterFlags_names':[]}}}]}}",
     "{'params':{'Notifications':[{'NotificationData':{'buffer':'ab',"
     "'FilterAndType':{'FilterFlags':'8'}}}]}}",
     true},
    {PDU, "{'ptype':'request','stub':'AB','flags':3,'flags_names':['x']}",
     "{'flags':3,'stub':'ab','ptype':'request'}", true},
    {PDU, "{'ptype':'auth3','auth':{'token':'AB','type':10}}",
     "{'ptype':'auth3','auth':{'type':10,'token':'ab'}}", true},
    {PDU,
     "{'contexts':[{'transfer_syntaxes':[{'uuid':'8A885D04-1ceb-11c9-9fe8-08002b104860'}"
     "]}]}",
     "{'contexts':[{'transfer_syntaxes':[{'uuid':'8a885d04-1ceb-11c9-9fe8-08002b104860'}]}]}",
     true},
    {PDU, "{'sec_addr':'a'}", "{'sec_addr':'A'}", false},
    {PDU, "{'stub':'ab'}", "{'stub':'ac'}", false},
    {BATCH, "[1]", "[1]", true}, // what has not the shape stays as it is
    {BATCH, "{'commands':7}", "{'commands':7}", true},
    {BATCH, "{'commands':[7]}", "{'commands':[8]}", false},
    {STUB("ApiGetNotify", "response"), "{'params':7}", "{'params':8}", false},
};

static void meanings(void **state) {
    (void)state;
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

// ---- refusals -----------------------------------------------------------------------------------

static const struct {
    const char *object;
    const char *error;
} refused_selectors[] = {
    {"{'type':'epm'}", "type is none of batch, change, stub, pdu"},
    {"{'type':7}", "type is no string"},
    {"{'type':'batch','mode':'loose'}", "mode is neither \"strict\" nor \"lenient\""},
    {"{'type':'batch','mode':1}", "mode is neither \"strict\" nor \"lenient\""},
    {"{'type':'change'}", "set is missing"},
    {"{'type':'change','set':'CLUSTER_CHANGES'}", "unknown set"},
    {"{'type':'change','set':7}", "set is no string"},
    {"{'type':'stub','direction':'request'}", "neither method nor opnum is given"},
    {"{'type':'stub','method':7,'opnum':65,'direction':'request'}", "method is no string"},
    {"{'type':'stub','opnum':'65','direction':'request'}", "opnum is no integer"},
    {"{'type':'stub','method':'ApiGetNotify'}", "direction is missing"},
    {"{'type':'stub','method':'ApiGetNotify','direction':'in'}",
     "direction is neither \"request\" nor \"response\""},
    {"{'type':'stub','method':'ApiGetNotify','direction':'request','syntax':'ndr20'}",
     "syntax is neither \"ndr\" nor \"ndr64\""},
    {"{'type':'stub','method':'ApiGetNotify','direction':'request','drep':'little'}",
     "drep is neither \"le\" nor \"be\""},
    {"{'type':'stub','method':'ApiGetNotify','direction':'request','interface':4}",
     "interface is neither 2 nor 3"},
    {"{'type':'stub','method':'ApiGetNotify','direction':'request','interface':'3'}",
     "interface is neither 2 nor 3"},
    {"{'type':'stub','method':'apigetnotify','direction':'request'}",
     "method apigetnotify is not described for interface version 3"},
    {"{'type':'stub','method':'ApiGetNotifyV2','direction':'request','interface':2}",
     "method ApiGetNotifyV2 is not described for interface version 2"},
    {"{'type':'stub','opnum':9999,'direction':'request'}",
     "method of this opnum is not described for interface version 3"},
    {"{'type':'stub','opnum':-1,'direction':'request'}",
     "method of this opnum is not described for interface version 3"},
    {"{'type':'stub','opnum':4294967361,'direction':'request'}", // 65 in its low half
     "method of this opnum is not described for interface version 3"},
    {"{'type':'stub','method':'ApiGetNotify','opnum':66,'direction':'request'}",
     "ApiGetNotify has opnum 65"},
};

static void selectors_that_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(refused_selectors); i++) {
        struct json_selector how = {0};
        char *error = NULL;
        json_t *object = parse(refused_selectors[i].object);
        assert_false(json_selector_read(object, &how, &error));
        assert_string_equal(error, refused_selectors[i].error);
        free(error);
        json_decref(object);
    }
}

static void selectors_there_and_back(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{'type':'batch','mode':'lenient'}", "{'type':'batch'}"},
        {"{'type':'change','set':'CLUSTER_CHANGE_NODE_V2'}",
         "{'type':'change','set':'CLUSTER_CHANGE_NODE_V2'}"},
        {"{'type':'stub','opnum':65,'direction':'response','interface':2,'syntax':'ndr'}",
         "{'type':'stub','method':'ApiGetNotify','opnum':65,'interface':2,'direction':'response',"
         "'syntax':'ndr'}"},
        {"{'type':'stub','method':'ApiGetNotifyV2','direction':'request','syntax':'ndr64',"
         "'drep':'be'}",
         "{'type':'stub','method':'ApiGetNotifyV2','opnum':139,'interface':3,"
         "'direction':'request','syntax':'ndr64','drep':'be'}"},
        {"{'type':'pdu'}", "{'type':'pdu'}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct json_selector how = select_by(cases[i][0]);
        json_t *object = json_object();
        json_selector_write(&how, true, object);
        assert_json(object, cases[i][1]);
        json_decref(object);
    }
    assert_int_equal(select_by(LENIENT).batch_flags, CMRP_BATCH_LENIENT);
    assert_int_equal(select_by(BATCH).batch_flags, CMRP_BATCH_STRICT);
}

#define NOTIFY(name)                                                                               \
    "{'params':{'Notifications':[{'dwNotifyKey':1,'dwFilter':2,'Name':'a'},"                       \
    "{'dwNotifyKey':1,'dwFilter':2,'Name':" name "}],'return':0}}"

static const struct {
    const char *selector;
    const char *value;
    const char *code;
    const char *pointer;
    const char *message; // part of it
} refusals[] = {
    {BATCH, "[7]", "value", "", "an object is expected"},
    {BATCH, "{'commands':[]}", "value", "", "key \"version\" is missing"},
    {BATCH, "{'version':1}", "value", "/commands", "an array is expected"},
    {BATCH, "{'version':1,'commands':[],'more':1}", "value", "", "unknown key \"more\""},
    {BATCH, "{'version':2,'commands':[]}", "version", "", "VersionNumber is 2, not 1"},
    {BATCH, "{'version':-1,'commands':[]}", "value", "/version", "-1 is negative"},
    {BATCH, "{'version':4294967296,'commands':[]}", "value", "/version", "larger than"},
    {BATCH, "{'version':1.0,'commands':[]}", "value", "/version", "an integer is expected"},
    {BATCH, "{'version':1,'commands':[]}", "empty", "", "no command"},
    {BATCH, "{'version':1,'commands':[],'trailing':'0'}", "value", "/trailing",
     "not hex at character 1"},
    {BATCH, ONE("7"), "value", "/commands/0", "an object is expected"},
    {BATCH, ONE("{'command':'CLUSREG_SET','value_type':1,'name':'a','data':''}"), "value",
     "/commands/0/command", "unknown name"},
    {BATCH, ONE("{'command':1,'value_type':'REG_LINK','name':'a','data':''}"), "value",
     "/commands/0/value_type", "unknown name"},
    {BATCH, ONE("{'command':1,'value_type':1,'data':''}"), "value", "/commands/0",
     "neither name nor name_hex"},
    {BATCH, ONE("{'command':1,'value_type':1,'name':'a','name_hex':'61000000','data':''}"), "value",
     "/commands/0", "both name and name_hex"},
    {BATCH, ONE("{'command':1,'value_type':1,'name':7,'data':''}"), "value", "/commands/0/name",
     "a string is expected"},
    {BATCH, ONE("{'command':1,'value_type':1,'name':'a','data':'0'}"), "value", "/commands/0/data",
     "not hex at character 1"},
    {BATCH, ONE("{'command':1,'value_type':1,'name':'a','data':'00','padding':'0000'}"), "value",
     "/commands/0", "padding is one octet"},
    {BATCH, ONE("{'command':1,'value_type':1,'name':'a','data':'','padding':'00'}"), "padding",
     "/commands/0", "Padding"},
    {BATCH,
     ONE("{'command':1,'value_type':1,'name':'a','data':''},"
         "{'command':1,'value_type':1,'name':'b\\u0000c','data':''}"),
     "name-nul", "/commands/1", "Name"},
    {BATCH,
     ONE("{'command':1,'value_type':1,'name':'a','data':''},"
         "{'command':1,'value_type':1,'name':'a','data':''},"
         "{'command':1,'value_type':1,'name_hex':'6100','data':''}"),
     "name-terminator", "/commands/2", "Name"},
    {CHANGE, "{}", "value", "", "neither value nor names"},
    {CHANGE, "{'value':'1'}", "value", "/value", "an integer is expected"},
    {CHANGE, "{'value':4294967296}", "value", "/value", "larger than"},
    {GROUP_V2, "{'value':1}", "value", "/value", "decimal string"},
    {GROUP_V2, "{'value':'18446744073709551616'}", "value", "/value", "64 bits"},
    {GROUP_V2, "{'value':'-1'}", "value", "/value", "64 bits"},
    {GROUP_V2, "{'value':' 1'}", "value", "/value", "64 bits"},
    {GROUP_V2, "{'value':'0x1'}", "value", "/value", "64 bits"},
    {GROUP_V2, "{'value':''}", "value", "/value", "64 bits"},
    {GROUP_V2, "{'value':'1\\u00002'}", "value", "/value", "64 bits"},
    {CHANGE, "{'names':['CLUSTER_CHANGE_NODE_STATE','NODE_STATE']}", "value", "/names/1",
     "not a name of CLUSTER_CHANGE"},
    {CHANGE, "{'names':'CLUSTER_CHANGE_NODE_STATE'}", "value", "/names", "array"},
    {CHANGE, "{'value':1,'names':[]}", "value", "", "disagree"},
    {CHANGE, "{'value':1,'unknown':1}", "value", "", "disagree"},
    {CHANGE, "{'set':'CLUSTER_CHANGE_NODE_V2','value':1}", "value", "", "another set"},
    {OBJECT_TYPE, "{'names':['CLUSTER_OBJECT_TYPE_CLUSTER','CLUSTER_OBJECT_TYPE_GROUP']}", "value",
     "/names", "one value"},
    {STUB("ApiGetNotify", "request"), "{}", "value", "", "\"params\" is missing"},
    {STUB("ApiGetNotify", "request"), "{'params':[]}", "value", "/params", "object"},
    {STUB("ApiGetNotify", "request"), "{'params':{}}", "value", "/params/hNotify", "missing"},
    {STUB("ApiGetNotify", "request"), "{'params':{'hNotify':null}}", "value", "/params/hNotify",
     "cannot be NULL"},
    {STUB("ApiGetNotify", "request"), "{'params':{'hNotify':'00'}}", "value", "/params/hNotify",
     "20 octets"},
    {STUB("ApiGetNotify", "request"), "{'params':{'hNotify':'" HANDLE_A "','Timeout':1}}", "value",
     "/params", "unknown parameter \"Timeout\""},
    {STUB("ApiGetNotify", "request"), "{'opnum':66,'params':{'hNotify':'" HANDLE_A "'}}", "value",
     "", "opnum contradicts"},
    {STUB("ApiGetNotify", "request"),
     "{'direction':'response','params':{'hNotify':'" HANDLE_A "'}}", "value", "",
     "direction contradicts"},
    {STUB("ApiGetNotifyAsync", "response"), NOTIFY("7"), "value", "/params/Notifications/1/Name",
     "a string is expected"},
    {STUB("ApiGetNotifyAsync", "response"), NOTIFY("{'utf16':'00'}"), "value",
     "/params/Notifications/1/Name", "odd number"},
    {STUB("ApiGetNotifyAsync", "response"), NOTIFY("{'utf8':'00'}"), "value",
     "/params/Notifications/1/Name", "unknown key \"utf8\""},
    {STUB("ApiGetNotifyAsync", "response"),
     "{'params':{'Notifications':[],'dwNumNotifications':1,'return':0}}", "count-mismatch", "",
     "dwNumNotifications"},
    {STUB("ApiGetBatchNotification", "response"),
     "{'params':{'cbData':2,'lpData':'00','return':0}}", "count-mismatch", "", "cbData"},
    {STUB("ApiGetBatchNotification", "response"),
     "{'params':{'lpData':" ONE(
         "{'command':1,'value_type':1,'name':'a','data':''},"
         "{'command':1,'value_type':1,'name_hex':'','data':''}") ","
                                                                 "'return':0}}",
     "name-length", "/params/lpData/commands/1", "NameLength"},
    {STUB("ApiAddNotifyV2", "request"),
     "{'params':{'hNotify':'" HANDLE_A "','hObject':'" HANDLE_A
     "','filter':{'dwObjectType':1,'Flags':'8'},'dwNotifyKey':1,'dwVersion':1,"
     "'isTargetedAtObject':0}}",
     "value", "/params/filter", "unknown"},
    {STUB("ApiGetNotifyV2", "response"),
     "{'params':{'Notifications':[{'dwNotifyKey':'1','NotificationData':{'Surplus':1}}]}}", "value",
     "/params/Notifications/0/NotificationData", "unknown parameter \"Surplus\""},
    {STUB("ApiGetNotifyV2", "response"),
     "{'params':{'Notifications':[{'dwNotifyKey':'1','NotificationData':7}]}}", "value",
     "/params/Notifications/0/NotificationData", "an object is expected"},
    {PDU, "{'ptype':'ping'}", "value", "", "unknown ptype"},
    {PDU, "{'ptype':'request','flags':256,'drep':'10000000','call_id':1}", "value", "/flags",
     "larger than 255"},
    {PDU, "{'ptype':'request','flags':3,'drep':'20000000','call_id':1}", "value", "",
     "unknown integer representation"},
    {PDU,
     "{'ptype':'request'," FIRST_LAST "'alloc_hint':0,'context_id':0,'opnum':1,"
     "'status':0,'stub':''}",
     "value", "", "unknown key \"status\""},
    {PDU,
     "{'ptype':'request'," FIRST_LAST "'alloc_hint':0,'context_id':0,'opnum':1,"
     "'stub':'','frag_length':25}",
     "value", "", "frag_length is 24"},
    {PDU, "{'ptype':'bind'," FIRST_LAST FRAGS "'contexts':[{'id':0,'abstract_syntax':{}}]}",
     "value", "/contexts/0", "\"uuid\" is missing"},
};

static void failures_carry_code_and_pointer(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(refusals); i++) {
        const struct json_selector how = select_by(refusals[i].selector);
        struct json_failure failure;
        struct buffer out = {0};
        json_t *value = parse(refusals[i].value);
        buffer_append(&out, "kept", 4);
        if (json_encode(&how, value, &out, &failure)) {
            fail_msg("%s is encoded", refusals[i].value);
        }
        if (strcmp(failure.code, refusals[i].code) != 0 ||
            strcmp(failure.pointer, refusals[i].pointer) != 0 ||
            strstr(failure.message, refusals[i].message) == NULL) {
            fail_msg("%s\nis refused with %s at \"%s\": %s", refusals[i].value, failure.code,
                     failure.pointer, failure.message);
        }
        assert_int_equal(failure.codec.code == CMRP_OK, strcmp(failure.code, "value") == 0);
        assert_int_equal(out.size, 4);
        assert_memory_equal(out.data, "kept", 4);
        json_decref(value);
        buffer_free(&out);
    }
}

// Printing command by command gives what the whole would give.
static void printed_batches(void **state) {
    static const char *const blobs[] = {
        "01000000", // leniently: no command
        "01000000020000000000000004000000610000000000000002000000000000000400000062000000"
        "00000000",
        "01000000090000000000000000000000010000000a", // no name, no pad
        "0100000001000000630000000400000000d8000001000000aa01030000000500000002000000000000000000"
        "0102", // warnings of two commands, trailing
        "02000000",
    };
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(blobs); i++) {
        const char *hex = blobs[i / 2];
        const unsigned flags = i % 2 == 0 ? CMRP_BATCH_STRICT : CMRP_BATCH_LENIENT;
        const struct json_selector how = {.type = JSON_TYPE_BATCH, .batch_flags = flags};
        struct buffer octets = {0};
        cmrp_error error = {0};
        cmrp_error again = {0};
        char *printed = NULL;
        size_t size = 0;
        size_t at;
        FILE *out = open_memstream(&printed, &size);
        assert_true(hex_parse(hex, strlen(hex), &octets, &at));
        json_t *value = json_decode(&how, buffer_view(&octets), 0, &error);
        assert_int_equal(json_batch_print(buffer_view(&octets), flags, JSON_COMPACT, out, &again),
                         value != NULL);
        assert_int_equal(fclose(out), 0);
        char *whole = value != NULL ? json_dumps(value, JSON_COMPACT) : strdup("");
        assert_string_equal(printed, whole);
        assert_int_equal(error.code, again.code);
        assert_int_equal(error.offset, again.offset);
        free(whole);
        free(printed);
        json_decref(value);
        buffer_free(&octets);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_that_are_refused),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(nul_is_kept_in_strings),
        cmocka_unit_test(shapes_of_batches_and_changes),
        cmocka_unit_test(shapes_of_stubs),
        cmocka_unit_test(shapes_of_pdus),
        cmocka_unit_test(shape_of_errors),
        cmocka_unit_test(printed_batches),
        cmocka_unit_test(values_of_batches),
        cmocka_unit_test(names_of_flags),
        cmocka_unit_test(other_forms_of_input),
        cmocka_unit_test(counts_are_derived_or_right),
        cmocka_unit_test(strings_that_are_no_text),
        cmocka_unit_test(large_batch_there_and_back),
        cmocka_unit_test(meanings),
        cmocka_unit_test(selectors_that_are_refused),
        cmocka_unit_test(selectors_there_and_back),
        cmocka_unit_test(failures_carry_code_and_pointer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
