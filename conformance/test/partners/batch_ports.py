# SPDX-License-Identifier: Apache-2.0
"""Registry batches and batch ports: opnums 113 to 116, 145 and 157, [MS-CMRP] 3.1.1.8.1,
3.1.4.2.112 to .115, .141 and .145."""
import batches

SET_VALUE, CREATE_KEY, DELETE_KEY, DELETE_VALUE, VALUE_DELETED = 1, 2, 3, 4, 6
READ_KEY, READ_VALUE, READ_ERROR = 7, 8, 9
SZ, BINARY = 1, 3
NULL = "00" * 20
NO_MORE_ITEMS, FILE_NOT_FOUND = 0x103, 2


def text(value):
    return (value + "\0").encode("utf-16-le")


NAME, WORLD, UNIVERSE = "NotifyTest", text("hello world"), text("hello universe")
# Figures 3 and 4: what is executed, and what a batch port tells of it.
EXECUTED = [(DELETE_VALUE, 0, NAME), (SET_VALUE, SZ, NAME, WORLD), (SET_VALUE, SZ, NAME, UNIVERSE),
            (DELETE_VALUE, 0, NAME)]
TOLD = [(DELETE_VALUE, 0, NAME), (SET_VALUE, SZ, NAME, WORLD),
        (VALUE_DELETED, SZ, NAME, WORLD), (SET_VALUE, SZ, NAME, UNIVERSE),
        (VALUE_DELETED, SZ, NAME, UNIVERSE), (DELETE_VALUE, 0, NAME)]


def execute(one, key, *commands):
    data = batches.batch(*commands)
    return one.ask("ApiExecuteBatch", hKey=key, cbData=len(data) // 2, lpData=data)


def read(one, name, key, *commands, **more):
    data = batches.batch(*commands)
    return one.ask(name, hKey=key, cbInData=len(data) // 2, lpInData=data, **more)


def told(one, port):
    return one.ok("ApiGetBatchNotification", hBatchNotify=port)["lpData"]


def example(stage, reader, actor, port, theirs):
    stage.same("NotifyTest", execute(actor, theirs, *EXECUTED),
               {"pdwFailedCommand": 0, "rpc_status": 0, "return": 0})
    stage.same("its mirror", told(reader, port), batches.batch(*TOLD))
    actor.ok("ApiSetValue", hKey=theirs, lpValueName="Single", dwType=SZ, cbData=len(WORLD),
             lpData=WORLD.hex())
    # That makes no indication: the next one is that of the next batch.
    commands = [(CREATE_KEY, 0, "Sub\\Größe"), (SET_VALUE, BINARY, "Odd", b"\1\2\3"),
                (DELETE_KEY, 0, "Sub")]
    stage.same("keys and odd sizes", execute(actor, theirs, *commands)["return"], 0)
    stage.same("their mirror", told(reader, port), batches.batch(*commands))


def waiting(stage, reader, waiter, actor, key, theirs):
    """A call that waits, on another connection of the association; then closed while it waits."""
    port = reader.ok("ApiCreateBatchPort", hKey=key)["phBatchPort"]
    waiter.begin("ApiGetBatchNotification", hBatchNotify=port)
    stage.blocked(1)
    execute(actor, theirs, (SET_VALUE, SZ, "Single", UNIVERSE))
    results = waiter.end()
    stage.same("a waiting call", (results["lpData"], results["return"]), (batches.batch(
        (VALUE_DELETED, SZ, "Single", WORLD), (SET_VALUE, SZ, "Single", UNIVERSE)), 0))
    waiter.begin("ApiGetBatchNotification", hBatchNotify=port)
    stage.blocked(1)
    stage.same("closed", reader.ok("ApiCloseBatchPort", phBatchPort=port)["phBatchPort"], NULL)
    stage.same("closed while waiting", waiter.end(),
               {"cbData": 0, "lpData": None, "return": NO_MORE_ITEMS})


def reading(stage, reader, key):
    """ApiExecuteReadBatch: results in the order of the commands."""
    for name, more in (("ApiExecuteReadBatch", {}), ("ApiExecuteReadBatchEx", {"flags": 1})):
        got = read(reader, name, key, (READ_VALUE, 0, "Single"), (READ_VALUE, 0, "Missing"), **more)
        stage.same(name, (got["return"], got["lpOutData"]), (0, batches.batch(
            (READ_VALUE, SZ, "Single", UNIVERSE), (READ_ERROR, FILE_NOT_FOUND, "Missing"))))


def keys(reader, actor):
    """The same key for both."""
    root = actor.handle("ApiGetRootKey", samDesired=0x02000000)
    theirs = actor.handle("ApiCreateKey", hKey=root, lpSubKey="Batches", dwOptions=0,
                          samDesired=0x2001F)
    mine = reader.handle("ApiGetRootKey", samDesired=0x02000000)
    return reader.handle("ApiOpenKey", hKey=mine, lpSubKey="Batches", samDesired=0x20019), theirs


def play(stage, reader, waiter, actor):
    """reader and waiter are of one association, actor is of another."""
    stage.name = "batches"
    key, theirs = keys(reader, actor)
    port = reader.ok("ApiCreateBatchPort", hKey=key)["phBatchPort"]
    example(stage, reader, actor, port, theirs)
    reader.ok("ApiCloseBatchPort", phBatchPort=port)
    waiting(stage, reader, waiter, actor, key, theirs)
    reading(stage, reader, key)


def wrong(stage, reader, _waiter, actor):
    """What is refused; a batch that fails leaves nothing behind, and tells nobody."""
    stage.name = "batches, refused"
    key, theirs = keys(reader, actor)
    port = reader.ok("ApiCreateBatchPort", hKey=key)["phBatchPort"]
    failed = execute(actor, theirs, (SET_VALUE, SZ, "Never", WORLD), (99, 0, "x"))
    stage.same("a batch that fails", (failed["pdwFailedCommand"], failed["return"] != 0), (2, True))
    stage.refused("nothing of it is done", reader, "ApiQueryValue", (FILE_NOT_FOUND,), hKey=key,
                  lpValueName="Never", cbData=0)
    execute(actor, theirs, (SET_VALUE, SZ, "Then", WORLD))
    stage.same("only the next one", told(reader, port),
               batches.batch((SET_VALUE, SZ, "Then", WORLD)))
    reader.ok("ApiCloseBatchPort", phBatchPort=port)
    stage.refused("a closed port", reader, "ApiGetBatchNotification", (), hBatchNotify=port)
