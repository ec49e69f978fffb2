# src/udf/python/boot.py - what python3 -c gets: reads the other files from the socket, as one message
# (worker.py says what that is), and runs them as modules.
import os
import struct
import sys
import types


def read(size):
    data = b""
    while len(data) < size:
        part = os.read(0, size - len(data))
        if not part:
            os._exit(0)
        data += part
    return data


data = read(struct.unpack("<I", read(4))[0])
_, count = struct.unpack_from("<II", data)
names = ("weir.pyflink", "weir.arrow", "weir.worker")
at = 8 + 4 * count
weir = sys.modules["weir"] = types.ModuleType("weir")
weir.__path__ = []
for name, size in zip(names, struct.unpack_from("<%dI" % count, data, 8)):
    at += -at % 8
    module = sys.modules[name] = types.ModuleType(name)
    setattr(weir, name[5:], module)
    exec(compile(data[at:at + size], "<%s>" % name, "exec"), module.__dict__)
    at += size
