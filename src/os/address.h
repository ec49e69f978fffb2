// os/address.h - the addresses behind the name of a server.
#pragma once

#include "base/text.h"

enum { ADDRESS_MAX = 48 };  // "255.255.255.255", "[2001:db8::1]"

// The addresses of the host that [url] names, in the system's order, as they stand in a URL; how
// many, at most [max]. 0: it is an address itself, or nobody knows it. Blocks while it is looked
// up.
uint32_t address_list(const char *url, char (*out)[ADDRESS_MAX], uint32_t max);
