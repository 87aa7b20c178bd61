// Loopback names as in RFC 6761 6.3 (localhost), RFC 1122 3.2.1.3 (127/8) and RFC 4291 2.5.3 (::1);
// the syntax of Host is RFC 9110 7.2, of Origin RFC 6454 7.
#include "net/loopback.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 64, PORT_DIGITS_MAX = 5 };

bool gm_loopback_address(const char *address, char numeric[46])
{
    struct in_addr four;
    struct in6_addr six;
    if (strcasecmp(address, "localhost") == 0) {
        address = "127.0.0.1";
    }
    bool loopback = (inet_pton(AF_INET, address, &four) == 1 && ntohl(four.s_addr) >> 24 == 127) ||
                    (inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six));
    if (loopback) {
        snprintf(numeric, 46, "%s", address);
    }
    return loopback;
}

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits >= 1 && digits <= PORT_DIGITS_MAX && text[digits] == '\0';
}

bool gm_loopback_host(const char *host)
{
    char name[HOST_MAX], numeric[46];
    bool bracketed = host[0] == '[';
    const char *start = bracketed ? host + 1 : host;
    size_t size = strcspn(start, bracketed ? "]" : ":");
    const char *rest = start + size;
    if (size == 0 || size >= sizeof name || (bracketed && *rest != ']')) {
        return false;
    }
    if (bracketed) {
        rest++;
    }
    if (*rest != '\0' && (*rest != ':' || !is_port(rest + 1))) {
        return false;
    }
    memcpy(name, start, size);
    name[size] = '\0';
    return (strchr(name, ':') != NULL) == bracketed && gm_loopback_address(name, numeric);
}

bool gm_loopback_same_origin(const char *origin, const char *host)
{
    static const char scheme[] = "http://";
    size_t size = sizeof scheme - 1;
    return strncasecmp(origin, scheme, size) == 0 && strcasecmp(origin + size, host) == 0;
}
