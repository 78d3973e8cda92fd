// SPDX-License-Identifier: Apache-2.0
// Values of either direction, and the other forms that input may have.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_batches),        cmocka_unit_test(names_of_flags),
        cmocka_unit_test(other_forms_of_input),     cmocka_unit_test(counts_are_derived_or_right),
        cmocka_unit_test(strings_that_are_no_text), cmocka_unit_test(large_batch_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
