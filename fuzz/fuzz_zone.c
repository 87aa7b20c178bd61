// Fuzzes the reader of time zones: whatever the bytes, a zone or an error, and a zone's offsets
// stay within their limits at any time.
#include <string.h>

#include "base/calendar.h"
#include "base/require.h"

enum { OFFSET_MAX_S = 26 * 3600 };

static void ask(const gm_zone *zone, int64_t time_ns)
{
    int32_t offset_s = gm_zone_offset_s(zone, time_ns);
    GM_REQUIRE(offset_s >= -OFFSET_MAX_S && offset_s <= OFFSET_MAX_S);
    gm_civil civil = gm_civil_from_ns(time_ns, offset_s);
    int64_t back_ns = 0;
    GM_REQUIRE(gm_civil_to_ns(&civil, offset_s, &back_ns) && back_ns == time_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    gm_zone *zone = NULL;
    gm_error error = { 0 };
    gm_status status = gm_zone_read("fuzz", bytes, size, &zone, &error);
    if (status != GM_OK) {
        GM_REQUIRE(status == GM_INVALID && zone == NULL && error.text[0] != 0);
        return 0;
    }
    ask(zone, INT64_MIN);
    ask(zone, INT64_MAX);
    for (int64_t year = -290; year < 290; year++) {
        ask(zone, year * 31556952 * GM_SECOND_NS);
    }
    if (size >= sizeof(int64_t)) {
        int64_t time_ns;
        memcpy(&time_ns, bytes + size - sizeof time_ns, sizeof time_ns);
        ask(zone, time_ns);
    }
    gm_zone_close(zone);
    return 0;
}
