#include "os/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

enum { HOST_MAX = 256 };

// user@host:port between the slashes. False: it is no name.
static bool host_of(const char *url, char out[HOST_MAX]) {
    const char *at = strstr(url, "://");
    if (!at) return false;
    at += 3;
    size_t len = strcspn(at, "/?#");
    const char *user = memchr(at, '@', len);
    if (user) {
        len -= (size_t)(user + 1 - at);
        at = user + 1;
    }
    if (!len || *at == '[') return false;
    const char *port = memchr(at, ':', len);
    if (port) len = (size_t)(port - at);
    if (!len || len >= HOST_MAX) return false;
    memcpy(out, at, len);
    out[len] = 0;
    struct in_addr numeric;
    return inet_pton(AF_INET, out, &numeric) != 1;
}

static bool print_address(const struct addrinfo *info, char out[ADDRESS_MAX]) {
    char text[INET6_ADDRSTRLEN];
    bool six = info->ai_family == AF_INET6;
    if (!six && info->ai_family != AF_INET) return false;
    const void *bytes = six ? (const void *)&((const struct sockaddr_in6 *)(const void *)
                                                  info->ai_addr)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)(const void *)
                                                  info->ai_addr)->sin_addr;
    if (!inet_ntop(info->ai_family, bytes, text, sizeof text)) return false;
    (void)snprintf(out, ADDRESS_MAX, six ? "[%s]" : "%s", text);
    return true;
}

uint32_t address_list(const char *url, char (*out)[ADDRESS_MAX], uint32_t max) {
    char host[HOST_MAX];
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    uint32_t count = 0;
    if (!host_of(url, host) || getaddrinfo(host, NULL, &wanted, &found)) return 0;
    for (const struct addrinfo *at = found; at && count < max; at = at->ai_next) {
        bool twice = false;
        if (!print_address(at, out[count])) continue;
        for (uint32_t i = 0; i < count; i++) twice |= !strcmp(out[i], out[count]);
        count += !twice;
    }
    freeaddrinfo(found);
    return count;
}
