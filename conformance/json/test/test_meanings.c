// SPDX-License-Identifier: Apache-2.0
// Which documents mean the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meanings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
