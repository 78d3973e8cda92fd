// SPDX-License-Identifier: Apache-2.0
// Documents, the keys of what decoding gives in their order, and printing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"
#include "util/hex.h"

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

// ---- printing -----------------------------------------------------------------------------------

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
