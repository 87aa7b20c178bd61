// Fuzzes the readers of times and numbers: what is read is written, and read back as the same.
#include <string.h>

#include "base/calendar.h"
#include "base/require.h"
#include "base/text.h"

static void read_time(gm_text text)
{
    int64_t time_ns = 0, back_ns = 0;
    if (gm_time_parse(text, &time_ns)) {
        char written[40];
        gm_time_format(time_ns, written);
        GM_REQUIRE(gm_time_parse(gm_text_of(written), &back_ns) && back_ns == time_ns);
    }
}

static void read_number(gm_text text)
{
    double value = 0.0, back = 0.0, scanned = 0.0;
    int64_t whole = 0;
    bool number = gm_text_to_f64(text, &value);
    size_t size = gm_text_scan_f64(text, &scanned);
    GM_REQUIRE(size <= text.size);
    GM_REQUIRE(!number || (size == text.size && memcmp(&scanned, &value, sizeof value) == 0));
    if (size > 0) {
        char written[32];
        gm_text_from_f64(scanned, written);
        GM_REQUIRE(gm_text_to_f64(gm_text_of(written), &back));
        GM_REQUIRE(memcmp(&back, &scanned, sizeof back) == 0);
    }
    if (gm_text_to_i64(text, &whole)) {
        GM_REQUIRE(number && value == (double)whole);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    gm_text text = { (const char *)bytes, size };
    gm_text trimmed = gm_text_trim(text);
    GM_REQUIRE(trimmed.size <= size);
    gm_text_is_utf8(text);
    read_time(text);
    read_number(text);
    read_number(trimmed);
    return 0;
}
