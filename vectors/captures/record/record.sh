#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Records the captures of this folder anew: record.sh [--into DIR] [--list] [NAME...]
#
# Each recording has a network namespace of its own, so that port 49152 (and 135) is free and
# nothing else is heard: root makes one with unshare, others with a user namespace. dumpcap records
# on its loopback. Then check.py reads what was recorded. From one run to the next only time stamps,
# client ports and numbers of TCP and IP differ.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
into=$(dirname "$here")
python=/usr/bin/python3
server='ncacn_ip_tcp:127.0.0.1'
samba="$python samba_client.py 49152"
impacket="$python impacket_client.py 49152"

# Tests of smbtorture that call recorded methods. Some fail on purpose-built answers: see README.md.
suites=(cluster.{OpenCluster,OpenClusterEx,CloseCluster,GetClusterName,GetClusterVersion2}
    group.{OpenGroup,OpenGroupEx,CloseGroup,GetGroupState}
    node.{OpenNode,OpenNodeEx,CloseNode} network.{OpenNetwork,CloseNetwork}
    netinterface.{OpenNetInterface,CloseNetInterface}
    registry.{GetRootKey,CloseKey,EnumKey,QueryValue,all_keys})

# name | packages | command, run while the responder listens | who marshals the answers
recordings=(
    "samba-ndr_to_script|python3-samba samba-libs|$samba"
    "samba-ndr64_to_script|python3-samba samba-libs|$samba ndr64"
    "samba-bigendian_to_script|python3-samba samba-libs|$samba bigendian"
    "samba-ndr64-bigendian_to_script|python3-samba samba-libs|$samba ndr64 bigendian"
    "impacket-ndr_to_samba-stubs|python3-impacket samba-libs|$impacket|samba"
    "impacket-ndr64_to_samba-stubs|python3-impacket samba-libs|$impacket ndr64|samba"
    "impacket-protocol2_to_script|python3-impacket|$impacket protocol2"
    "impacket-fragments_to_script|python3-impacket|$impacket fragments"
    "smbtorture-ndr_to_script|samba-testsuite|torture"
    "smbtorture-ndr64_to_script|samba-testsuite|torture ,ndr64"
    "smbtorture-bigendian_to_script|samba-testsuite|torture ,bigendian"
    "rpcclient_to_script|smbclient|rpcclient_commands"
)

# Options of Samba's programs: folders that anybody may write to.
folders() {
    local kind
    for kind in lock state cache private ncalrpc; do
        mkdir -p "$scratch/$kind"
        if [[ $kind == private || $kind == ncalrpc ]]; then
            echo "--option=$kind dir=$scratch/$kind"
        else
            echo "--option=$kind directory=$scratch/$kind"
        fi
    done
}

torture() {
    local suite options
    mapfile -t options < <(folders)
    for suite in "${suites[@]}"; do
        timeout 60 smbtorture --basedir="$scratch" "${options[@]}" "${server}[49152${1:-}]" -U% \
            "rpc.clusapi.$suite" 2>&1 | grep -E '^(success|failure|error)' || true
    done
}

rpcclient_commands() {
    local commands options
    mapfile -t options < <(folders)
    commands='clusapi_open_cluster;clusapi_get_cluster_name;clusapi_get_cluster_version2;'
    commands+='clusapi_open_resource Disk;clusapi_get_resource_state Disk;clusapi_create_enum'
    timeout 60 rpcclient "${options[@]}" -U% ncacn_ip_tcp:127.0.0.1 -c "$commands" || true
}

missing() {
    local package
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == *" installed" ]] ||
            echo "$package"
    done
}

# await COMMAND…: until it succeeds, at most 20 s.
await() {
    local turn
    for ((turn = 0; turn < 400; turn++)); do
        "$@" 2>/dev/null && return 0
        sleep 0.05
    done
    echo "waited in vain: $*" >&2
    return 1
}

# Within a network namespace: one recording.
record() {
    local command=$1 out=$2 marshal=$3 responder dumpcap
    scratch=$(mktemp -d)
    trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$scratch"' EXIT
    cd "$here"
    ip link set lo up
    "$python" responder.py --port 49152 --mapper 135 --ready "$scratch/ready" \
        ${marshal:+--marshal "$marshal"} 2>"$scratch/refused" &
    responder=$!
    dumpcap -q -P -i lo -f 'tcp port 49152 or tcp port 135' -w "$scratch/pcap" \
        2>"$scratch/dumpcap" &
    dumpcap=$!
    await test -s "$scratch/ready" || { cat "$scratch/refused" >&2 && return 1; }
    await test -s "$scratch/pcap" || { cat "$scratch/dumpcap" >&2 && return 1; }
    export PYTHONDONTWRITEBYTECODE=1 scratch
    $command
    # dumpcap hands packets over with a delay: the last one is known by its FIN.
    await "$python" check.py --closed "$scratch/pcap"
    kill -INT $dumpcap
    wait $dumpcap || true
    kill $responder
    wait $responder 2>/dev/null || true
    if [[ -s $scratch/refused ]]; then
        echo "refused by the responder:"
        sort "$scratch/refused" | uniq -c
    fi
    cp "$scratch/pcap" "$out"
}

export PYTHONDONTWRITEBYTECODE=1
if [[ ${1:-} == --record ]]; then
    record "$2" "$3" "${4:-}"
    exit
fi

names=()
while (($#)); do
    case $1 in
    --into) into=$(cd "$2" && pwd) && shift ;;
    --list)
        for row in "${recordings[@]}"; do echo "${row%%|*}"; done
        exit
        ;;
    -h | --help)
        sed -n '3,8s/^# \?//p' "${BASH_SOURCE[0]}"
        exit
        ;;
    *) names+=("$1") ;;
    esac
    shift
done
own=(unshare --net)
((EUID == 0)) || own=(unshare --user --map-root-user --net)
found=0 wrong=0
for row in "${recordings[@]}"; do
    IFS='|' read -r name packages command marshal <<<"$row"
    ((${#names[@]} == 0)) || [[ " ${names[*]} " == *" $name "* ]] || continue
    found=$((found + 1))
    read -ra packages <<<"$packages wireshark-common iproute2 util-linux"
    absent=$(missing "${packages[@]}" | xargs)
    if [[ -n $absent ]]; then
        echo "$name needs the Debian packages: $absent" >&2
        exit 2
    fi
    echo "== $name"
    timeout 300 "${own[@]}" "${BASH_SOURCE[0]}" --record "$command" "$into/$name.pcap" "$marshal" &&
        "$python" "$here/check.py" "$into/$name.pcap" || wrong=1
done
if ((found == 0)) || { ((${#names[@]})) && ((found != ${#names[@]})); }; then
    echo "no such recording; record.sh --list names them" >&2
    exit 2
fi
exit $wrong
