# SPDX-License-Identifier: Apache-2.0
"""The methods that are recorded, as [MS-CMRP] section 6 declares them.

Written down from the specification for the recordings alone, so that what is recorded can be read
by code that has nothing in common with the codec of this project.

A line of METHODS, continued where one is indented: opnum, name, parameters of the request,
parameters of the response. A parameter is NAME:TYPE; without a type it is u32. "+" before a name:
protocol 3 only; "-": protocol 2 only (rpc_status is protocol 3 only without saying so). A name
"x/y" is x in protocol 3, y in protocol 2.

Types: u16 u32 i32 u64, word (DWORD_PTR), handle, string, octets(count), units(count), a structure
of STRUCTURES, array(structure, count) and pointers to one of them, "*": a referent, then what it
points to. part(size, length): octets of which a part is sent. room: the size of such a
part that only the request holds; in the response the array alone says it. tail(structure, count):
the array at the end of a structure without pointers of its own, whose size stands before that.
"""
import re

UUID = "b97db8b2-4c63-11cf-bff6-08002be23f2f"

STRUCTURES = {
    "FILETIME": "dwLowDateTime dwHighDateTime",
    "CLUSTER_OPERATIONAL_VERSION_INFO":
        "dwSize dwClusterHighestVersion dwClusterLowestVersion dwFlags dwReserved",
    "RPC_SECURITY_DESCRIPTOR":
        "lpSecurityDescriptor:*part(cbInSecurityDescriptor,cbOutSecurityDescriptor) "
        "cbInSecurityDescriptor cbOutSecurityDescriptor",
    "RPC_SECURITY_ATTRIBUTES":
        "nLength RpcSecurityDescriptor:RPC_SECURITY_DESCRIPTOR bInheritHandle:i32",
    "NOTIFY_FILTER_AND_TYPE_RPC": "dwObjectType FilterFlags:u64",
    "NOTIFICATION_DATA_RPC":
        "FilterAndType:NOTIFY_FILTER_AND_TYPE_RPC buffer:*octets(dwBufferSize) dwBufferSize "
        "ObjectId:*string ParentId:*string Name:*string Type:*string",
    "NOTIFICATION_RPC": "dwNotifyKey:word NotificationData:NOTIFICATION_DATA_RPC",
    "NOTIFICATION_DATA_ASYNC_RPC": "dwNotifyKey dwFilter Name:*string",
    "ENUM_ENTRY": "Type Name:*string",
    "ENUM_LIST": "EntryCount Entry:tail(ENUM_ENTRY,EntryCount)",
    "GROUP_ENUM_ENTRY":
        "Name:*string Id:*string dwState Owner:*string dwFlags cbProperties "
        "Properties:*octets(cbProperties) cbRoProperties RoProperties:*octets(cbRoProperties)",
    "GROUP_ENUM_LIST": "EntryCount Entry:tail(GROUP_ENUM_ENTRY,EntryCount)",
    "CLUSTER_CREATE_GROUP_INFO_RPC": "dwVersion dwGroupType",
}

# The methods of the vectors.
METHODS = """
0 ApiOpenCluster | | Status return:handle
1 ApiCloseCluster | Cluster:handle | Cluster:handle return
3 ApiGetClusterName | | ClusterName:*string NodeName:*string return
28 ApiGetRootKey | samDesired | Status rpc_status return:handle
29 ApiCreateKey | hKey:handle lpSubKey:string dwOptions samDesired
    lpSecurityAttributes:*RPC_SECURITY_ATTRIBUTES | lpdwDisposition Status rpc_status return:handle
30 ApiOpenKey | hKey:handle lpSubKey:string samDesired | Status rpc_status return:handle
31 ApiEnumKey | hKey:handle dwIndex | KeyName:*string lpftLastWriteTime:FILETIME rpc_status return
32 ApiSetValue | hKey:handle lpValueName:string dwType lpData:octets(cbData) cbData | rpc_status
    return
33 ApiDeleteValue | hKey:handle lpValueName:string | rpc_status return
34 ApiQueryValue | hKey:handle lpValueName:string cbData | lpValueType lpData:octets(?) lpcbRequired
    rpc_status return
35 ApiDeleteKey | hKey:handle lpSubKey:string | rpc_status return
36 ApiEnumValue | hKey:handle dwIndex lpcbData | lpValueName:*string lpType lpData:octets(lpcbData)
    lpcbData TotalSize rpc_status return
37 ApiCloseKey | pKey:handle | pKey:handle return
38 ApiQueryInfoKey | hKey:handle | lpcSubKeys lpcbMaxSubKeyLen lpcValues lpcbMaxValueNameLen
    lpcbMaxValueLen lpcbSecurityDescriptor lpftLastWriteTime:FILETIME rpc_status return
41 ApiOpenGroup | lpszGroupName:string | Status rpc_status return:handle
42 ApiCreateGroup | lpszGroupName:string | Status rpc_status return:handle
43 ApiDeleteGroup | Group:handle +force | rpc_status return
44 ApiCloseGroup | Group:handle | Group:handle return
45 ApiGetGroupState | hGroup:handle | State NodeName:*string rpc_status return
55 ApiCreateNotify | | Status rpc_status return:handle
56 ApiCloseNotify | Notify/hNotify:handle | Notify/hNotify:handle return
57 ApiAddNotifyCluster | hNotify:handle hCluster:handle dwFilter dwNotifyKey | rpc_status return
58 ApiAddNotifyNode | hNotify:handle hNode:handle dwFilter dwNotifyKey | dwStateSequence rpc_status
    return
59 ApiAddNotifyGroup | hNotify:handle hGroup:handle dwFilter dwNotifyKey | dwStateSequence
    rpc_status return
60 ApiAddNotifyResource | hNotify:handle hResource:handle dwFilter dwNotifyKey | dwStateSequence
    rpc_status return
61 ApiAddNotifyKey | hNotify:handle hKey:handle dwNotifyKey Filter/dwFilter WatchSubTree |
    rpc_status return
62 ApiReAddNotifyNode | hNotify:handle hNode:handle dwFilter dwNotifyKey StateSequence | rpc_status
    return
63 ApiReAddNotifyGroup | hNotify:handle hGroup:handle dwFilter dwNotifyKey StateSequence |
    rpc_status return
64 ApiReAddNotifyResource | hNotify:handle hResource:handle dwFilter dwNotifyKey StateSequence |
    rpc_status return
65 ApiGetNotify | hNotify:handle -Timeout | dwNotifyKey dwFilter dwStateSequence Name:*string
    rpc_status return
66 ApiOpenNode | lpszNodeName:string | Status rpc_status return:handle
67 ApiCloseNode | Node:handle | Node:handle return
81 ApiOpenNetwork | lpszNetworkName:string | Status rpc_status return:handle
82 ApiCloseNetwork | Network:handle | Network:handle return
90 ApiAddNotifyNetwork | hNotify:handle hNetwork:handle dwFilter dwNotifyKey | dwStateSequence
    rpc_status return
91 ApiReAddNotifyNetwork | hNotify:handle hNetwork:handle dwFilter dwNotifyKey StateSequence |
    rpc_status return
92 ApiOpenNetInterface | lpszNetInterfaceName:string | Status rpc_status return:handle
93 ApiCloseNetInterface | NetInterface:handle | NetInterface:handle return
99 ApiAddNotifyNetInterface | hNotify:handle hNetInterface:handle dwFilter dwNotifyKey |
    dwStateSequence rpc_status return
100 ApiReAddNotifyNetInterface | hNotify:handle hNetInterface:handle dwFilter dwNotifyKey
    StateSequence | rpc_status return
102 ApiGetClusterVersion2 | | lpwMajorVersion:u16 lpwMinorVersion:u16 lpwBuildNumber:u16
    lpszVendorId:*string lpszCSDVersion:*string ppClusterOpVerInfo:*CLUSTER_OPERATIONAL_VERSION_INFO
    rpc_status return
107 ApiUnblockGetNotifyCall | hNotify:handle | return
113 ApiExecuteBatch | hKey:handle cbData lpData:octets(cbData) | pdwFailedCommand:i32 rpc_status
    return
114 ApiCreateBatchPort | hKey:handle | phBatchPort:handle rpc_status return
115 ApiGetBatchNotification | hBatchNotify:handle | cbData lpData:*octets(cbData) return
116 ApiCloseBatchPort | phBatchPort:handle | phBatchPort:handle return
117 ApiOpenClusterEx | dwDesiredAccess | lpdwGrantedAccess Status return:handle
118 ApiOpenNodeEx | lpszNodeName:string dwDesiredAccess | lpdwGrantedAccess Status rpc_status
    return:handle
119 ApiOpenGroupEx | lpszGroupName:string dwDesiredAccess | lpdwGrantedAccess Status rpc_status
    return:handle
137 ApiCreateNotifyV2 | | rpc_error rpc_status return:handle
138 ApiAddNotifyV2 | hNotify:handle hObject:handle filter:NOTIFY_FILTER_AND_TYPE_RPC dwNotifyKey
    dwVersion isTargetedAtObject | rpc_status return
139 ApiGetNotifyV2 | hNotify:handle | Notifications:*array(NOTIFICATION_RPC,dwNumNotifications)
    dwNumNotifications return
145 ApiExecuteReadBatch | hKey:handle cbInData lpInData:octets(cbInData) | cbOutData
    lpOutData:*octets(cbOutData) rpc_status return
147 ApiGetNotifyAsync | hNotify:handle |
    Notifications:*array(NOTIFICATION_DATA_ASYNC_RPC,dwNumNotifications) dwNumNotifications return
155 ApiAddNotifyResourceTypeV2 | hNotify:handle filter:u64 dwNotifyKey resTypeName:string dwVersion
    | rpc_status return
157 ApiExecuteReadBatchEx | hKey:handle cbInData lpInData:octets(cbInData) flags | cbOutData
    lpOutData:*octets(cbOutData) rpc_status return
"""

# The methods of the other vectors.
OTHERS = """
2 ApiSetClusterName | NewClusterName:string | rpc_status return
4 ApiGetClusterVersion | | lpwMajorVersion:u16 lpwMinorVersion:u16 lpwBuildNumber:u16
    lpszVendorId:*string lpszCSDVersion:*string return
5 ApiGetQuorumResource | | lpszResourceName:*string lpszDeviceName:*string pdwMaxQuorumLogSize
    rpc_status return
6 ApiSetQuorumResource | hResource:handle lpszDeviceName:string dwMaxQuorumLogSize | rpc_status
    return
7 ApiCreateEnum | dwType | ReturnEnum:*ENUM_LIST rpc_status return
8 ApiOpenResource | lpszResourceName:string | Status rpc_status return:handle
9 ApiCreateResource | hGroup:handle lpszResourceName:string lpszResourceType:string dwFlags | Status
    rpc_status return:handle
10 ApiDeleteResource | hResource:handle | rpc_status return
11 ApiCloseResource | Resource:handle | Resource:handle return
12 ApiGetResourceState | hResource:handle | State NodeName:*string GroupName:*string rpc_status
    return
13 ApiSetResourceName | hResource:handle lpszResourceName:string | rpc_status return
14 ApiGetResourceId | hResource:handle | pGuid:*string rpc_status return
15 ApiGetResourceType | hResource:handle | lpszResourceType:*string rpc_status return
16 ApiFailResource | hResource:handle | rpc_status return
17 ApiOnlineResource | hResource:handle | rpc_status return
18 ApiOfflineResource | hResource:handle | rpc_status return
19 ApiAddResourceDependency | hResource:handle hDependsOn:handle | rpc_status return
20 ApiRemoveResourceDependency | hResource:handle hDependsOn:handle | rpc_status return
21 ApiCanResourceBeDependent | hResource:handle hResourceDependent:handle | rpc_status return
22 ApiCreateResEnum | hResource:handle dwType | ReturnEnum:*ENUM_LIST rpc_status return
23 ApiAddResourceNode | hResource:handle hNode:handle | rpc_status return
24 ApiRemoveResourceNode | hResource:handle hNode:handle | rpc_status return
25 ApiChangeResourceGroup | hResource:handle hGroup:handle | rpc_status return
39 ApiSetKeySecurity | hKey:handle SecurityInformation
    pRpcSecurityDescriptor:RPC_SECURITY_DESCRIPTOR | rpc_status return
40 ApiGetKeySecurity | hKey:handle SecurityInformation
    pRpcSecurityDescriptor:RPC_SECURITY_DESCRIPTOR | pRpcSecurityDescriptor:RPC_SECURITY_DESCRIPTOR
    rpc_status return
46 ApiSetGroupName | hGroup:handle lpszGroupName:string | rpc_status return
47 ApiGetGroupId | hGroup:handle | pGuid:*string rpc_status return
48 ApiGetNodeId | hNode:handle | pGuid:*string rpc_status return
49 ApiOnlineGroup | hGroup:handle | rpc_status return
50 ApiOfflineGroup | hGroup:handle | rpc_status return
51 ApiMoveGroup | hGroup:handle | rpc_status return
52 ApiMoveGroupToNode | hGroup:handle hNode:handle | rpc_status return
53 ApiCreateGroupResourceEnum | hGroup:handle dwType | ReturnEnum:*ENUM_LIST rpc_status return
54 ApiSetGroupNodeList | hGroup:handle -lpNodeList:*octets(cbListSize) -cbListSize
    +multiSzNodeList:*units(cchListSize) +cchListSize | rpc_status return
68 ApiGetNodeState | hNode:handle | State rpc_status return
69 ApiPauseNode | hNode:handle | rpc_status return
70 ApiResumeNode | hNode:handle | rpc_status return
71 ApiEvictNode | hNode:handle | rpc_status return
75 ApiResourceTypeControl | hCluster:handle lpszResourceTypeName:string @ | @
77 ApiGroupControl | hGroup:handle @ | @
79 ApiNodeControl | hNode:handle @ | @
83 ApiGetNetworkState | hNetwork:handle | State rpc_status return
85 ApiCreateNetworkEnum | hNetwork:handle dwType | ReturnEnum:*ENUM_LIST rpc_status return
86 ApiGetNetworkId | hNetwork:handle | pGuid:*string rpc_status return
94 ApiGetNetInterfaceState | hNetInterface:handle | State rpc_status return
96 ApiGetNetInterfaceId | hNetInterface:handle | pGuid:*string rpc_status return
101 ApiCreateNodeEnum | hNode:handle dwType | ReturnEnum:*ENUM_LIST rpc_status return
103 ApiCreateResTypeEnum | lpszTypeName:string dwType | ReturnEnum:*ENUM_LIST rpc_status return
104 ApiBackupClusterDatabase | lpszPathName:string | rpc_status return
106 ApiClusterControl | hCluster:handle @ | @
110 ApiGetResourceDependencyExpression | hResource:handle | lpszDependencyExpression:*string
    rpc_status return
112 ApiGetResourceNetworkName | hResource:handle | lpszName:*string rpc_status return
120 ApiOpenResourceEx | lpszResourceName:string dwDesiredAccess | lpdwGrantedAccess Status
    rpc_status return:handle
121 ApiOpenNetworkEx | lpszNetworkName:string dwDesiredAccess | lpdwGrantedAccess Status rpc_status
    return:handle
122 ApiOpenNetInterfaceEx | lpszNetInterfaceName:string dwDesiredAccess | lpdwGrantedAccess Status
    rpc_status return:handle
125 ApiCreateEnumEx | hCluster:handle dwType dwOptions | ReturnIdEnum:*ENUM_LIST
    ReturnNameEnum:*ENUM_LIST rpc_status return
129 ApiCreateGroupEx | lpszGroupName:string pGroupInfo:*CLUSTER_CREATE_GROUP_INFO_RPC | Status
    rpc_status return:handle
143 ApiCreateGroupEnum | hCluster:handle pProperties:*octets(cbProperties) cbProperties
    pRoProperties:*octets(cbRoProperties) cbRoProperties | ppResultList:*GROUP_ENUM_LIST rpc_status
    return
163 ApiCreateGroupSet | lpszGroupSetName:string | Status rpc_status return:handle
164 ApiOpenGroupSet | lpszGroupSetName:string | Status rpc_status return:handle
165 ApiCloseGroupSet | GroupSet:handle | GroupSet:handle return
180 ApiCreateGroupSetEnum | hCluster:handle | ReturnEnum:*ENUM_LIST rpc_status return
"""

# What "@" stands for: the parameters that all methods for control codes have.
CONTROL = {"request": "dwControlCode lpInBuffer:*octets(nInBufferSize) nInBufferSize "
                      "nOutBufferSize",
           "response": "lpOutBuffer:part(nOutBufferSize,lpBytesReturned) nOutBufferSize:room "
                       "lpBytesReturned lpcbRequired rpc_status return"}

BATCHES = {("ApiExecuteBatch", "lpData"), ("ApiGetBatchNotification", "lpData"),
           ("ApiExecuteReadBatch", "lpInData"), ("ApiExecuteReadBatch", "lpOutData"),
           ("ApiExecuteReadBatchEx", "lpInData"), ("ApiExecuteReadBatchEx", "lpOutData")}


def members(text, version=3):
    """[(name, type)] of a list of parameters or members."""
    result = []
    for word in text.split():
        name, _, kind = word.partition(":")
        only = 3 if name == "rpc_status" else {"+": 3, "-": 2}.get(name[0])
        if only in (None, version):
            names = name.lstrip("+-").split("/")
            result.append((names[0] if version == 3 else names[-1], kind or "u32"))
    return result


class Method:
    def __init__(self, line):
        head, request, response = line.split("|")
        number, self.name = head.split()
        self.opnum, self.lists = int(number), {
            "request": request.replace("@", CONTROL["request"]),
            "response": response.replace("@", CONTROL["response"])}

    def parameters(self, direction, version=3):
        return members(self.lists[direction], version)


def table(text):
    lines = text.strip().replace("\n    ", " ").splitlines()
    return {method.opnum: method for method in map(Method, lines)}


RECORDED = table(METHODS)
ALL = {**RECORDED, **table(OTHERS)}
BY_NAME = {method.name: method for method in ALL.values()}


def arguments(kind):
    """("array", ["X", "n"]) of "array(X,n)"."""
    found = re.fullmatch(r"(\w+)\((.*)\)", kind)
    return (found[1], found[2].split(",")) if found else (kind, [])
