// SPDX-License-Identifier: Apache-2.0
// Selectors and values that are refused, with code and place.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"

static const struct {
    const char *object;
    const char *error;
} refused_selectors[] = {
    {"{'type':'epm'}", "type is none of batch, change, stub, pdu, payload, tower"},
    {"{'type':'payload'}", "object_type is missing"},
    {"{'type':'payload','object_type':'CLUSTER_OBJECT_TYPE_GROUP'}", "flag is missing"},
    {"{'type':'payload','object_type':2,'flag':'CLUSTER_CHANGE_GROUP_STATE_V2'}",
     "object_type is no string"},
    {"{'type':'payload','object_type':'GROUP','flag':'CLUSTER_CHANGE_GROUP_STATE_V2'}",
     "object_type: \"GROUP\" is none of CLUSTER_OBJECT_TYPE"},
    {"{'type':'payload','object_type':'CLUSTER_OBJECT_TYPE_NODE',"
     "'flag':'CLUSTER_CHANGE_GROUP_STATE_V2'}",
     "flag: \"CLUSTER_CHANGE_GROUP_STATE_V2\" is no event of the object type"},
    {"{'type':'payload','object_type':'CLUSTER_OBJECT_TYPE_CERT',"
     "'flag':'CLUSTER_CHANGE_GROUP_STATE_V2'}",
     "flag: \"CLUSTER_CHANGE_GROUP_STATE_V2\" is no event of the object type"},
    {"{'type':'payload','object_type':'CLUSTER_OBJECT_TYPE_UPGRADE',"
     "'flag':'CLUSTER_CHANGE_UPGRADE_ALL'}",
     "flag: \"CLUSTER_CHANGE_UPGRADE_ALL\" is no event of the object type"},
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors_that_are_refused),
        cmocka_unit_test(selectors_there_and_back),
        cmocka_unit_test(failures_carry_code_and_pointer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
