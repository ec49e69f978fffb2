// os/library.h - shared libraries that are loaded when something first needs them. What weir can do
// without (a broker's client, a database's) is built against such a library's headers and not
// linked to it: a program that uses none of them starts without them, and runs where they are not
// installed.
//
// A library's functions stand in a struct of pointers, each member named as the function is:
//
//   #define SQLITE_FUNCTIONS(X) X(open_v2) X(exec)
//   #define X(name) __typeof__(&sqlite3_##name) name;
//   static struct { SQLITE_FUNCTIONS(X) } sqlite;
//
// and are called as sqlite.exec(...). A function that is missing from the list does not link.
#pragma once

#include "base/text.h"

typedef struct Library {
    const char *file;           // as the loader knows it: "libpq.so.5"
    const char *purpose;        // for messages: "the jdbc connector"
    const char *package;        // Debian's name of what installs it
    const char *const *symbol;  // names, in the order of the struct's members
    void *functions;            // the struct: [count] pointers to functions, filled in
    uint32_t count;
    bool loaded;
} Library;

// Loads [self] unless that is done. ST_IO names the library and its package. Any thread; a library
// stays for the life of the process.
NODISCARD Status library_load(Library *self, Error *err);
