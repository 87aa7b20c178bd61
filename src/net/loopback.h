// Which addresses, host names and origins stay on this machine. Text in, answer out; nothing is
// looked up.
#ifndef GEMEL_NET_LOOPBACK_H
#define GEMEL_NET_LOOPBACK_H

#include <stdbool.h>

/// The numeric form of a loopback address ("localhost" is 127.0.0.1), or false for any other.
/// @param numeric  out, at least 46 bytes
bool gm_loopback_address(const char *address, char numeric[46]);

/// true for the value of a Host header that names loopback, with or without a port.
bool gm_loopback_host(const char *host);

/// true when the value of an Origin header is a page that this very host and port served over http.
bool gm_loopback_same_origin(const char *origin, const char *host);

#endif
