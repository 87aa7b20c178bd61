// Time zones: TZif data, versions 1 to 4, with the footer's rule for what comes after the last
// transition.
//
// Format: RFC 8536 and RFC 9636 ("The Time Zone Information Format (TZif)"). A file is a block with
// 32-bit times and, from version 2 on, a second one with 64-bit times and a footer, a POSIX TZ
// string between two newlines such as CET-1CEST,M3.5.0,M10.5.0/3. A block is a header of 44 bytes
// with six counts, then tables of just these lengths.
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"

enum {
    HEADER_SIZE = 44,
    COUNTS_AT = 20,
    TYPE_SIZE = 6,
    TYPE_MAX = 256,        // a type's index is a byte
    TRANSITION_MAX = 4096, // real zones have fewer than 300
    OFFSET_MAX_S = 26 * 3600,
    RULE_HOUR_MAX = 167, // version 3: a rule may reach a week from its day
    OFFSET_HOUR_MAX = 24,
    DAY_S = 86400,
};

typedef enum day_kind { NO_DAY, MONTH_WEEK_DAY, JULIAN_DAY, DAY_OF_YEAR } day_kind;

// When a year's change happens, by the clock in force before it.
typedef struct rule_day {
    day_kind kind;
    int month, week, day; // week 5 is the last; day 0 is Sunday, or counts through the year
    int32_t time_s;
} rule_day;

typedef struct zone_rule {
    bool given, has_summer;
    int32_t standard_s, summer_s; // east of UTC
    rule_day start, end;          // of summer time
} zone_rule;

struct gm_zone {
    size_t count;
    int64_t *times_s;  // [count] ascending: from then on
    int32_t *offset_s; // [count] this is in force
    int32_t first_s;   // before all of them
    zone_rule rule;    // from the last one on, when given
};

// Bytes not read yet.
typedef struct reader {
    const unsigned char *at;
    size_t size;
} reader;

typedef struct header {
    char version;
    size_t ut_count, standard_count, leap_count, time_count, type_count, name_size;
} header;

static uint64_t big_endian(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t index = 0; index < size; index++) {
        value = value << 8 | bytes[index];
    }
    return value;
}

static int64_t signed_time(const unsigned char *bytes, size_t size)
{
    return size == 4 ? (int32_t)(uint32_t)big_endian(bytes, 4) : (int64_t)big_endian(bytes, 8);
}

static bool skip(reader *rest, size_t size)
{
    if (size > rest->size) {
        return false;
    }
    rest->at += size;
    rest->size -= size;
    return true;
}

static bool read_header(reader *rest, header *out)
{
    const unsigned char *at = rest->at;
    if (rest->size < HEADER_SIZE || memcmp(at, "TZif", 4) != 0) {
        return false;
    }
    size_t counts[6];
    for (size_t index = 0; index < 6; index++) {
        counts[index] = (size_t)big_endian(at + COUNTS_AT + 4 * index, 4);
    }
    *out =
        (header){ (char)at[4], counts[0], counts[1], counts[2], counts[3], counts[4], counts[5] };
    return skip(rest, HEADER_SIZE);
}

// Bytes of the tables behind a header; every count has 32 bits, so the sum fits into 64.
static uint64_t tables_size(const header *head, size_t time_size)
{
    return (uint64_t)head->time_count * (time_size + 1) + (uint64_t)head->type_count * TYPE_SIZE +
           head->name_size + (uint64_t)head->leap_count * (time_size + 4) + head->standard_count +
           head->ut_count;
}

// The tables of transitions and types, of which the names and the leap seconds (there are none) do
// not matter here.
static const char *read_tables(gm_zone *zone, const header *head, const unsigned char *at,
                               size_t time_size)
{
    const unsigned char *indices = at + head->time_count * time_size;
    const unsigned char *types = indices + head->time_count;
    int32_t type_offset_s[TYPE_MAX];
    for (size_t type = 0; type < head->type_count; type++) {
        int64_t offset_s = signed_time(types + type * TYPE_SIZE, 4);
        if (offset_s < -OFFSET_MAX_S || offset_s > OFFSET_MAX_S) {
            return "an offset from UTC is more than a day";
        }
        type_offset_s[type] = (int32_t)offset_s;
    }
    zone->first_s = type_offset_s[0];
    for (size_t index = 0; index < head->time_count; index++) {
        zone->times_s[index] = signed_time(at + index * time_size, time_size);
        if (index > 0 && zone->times_s[index] <= zone->times_s[index - 1]) {
            return "its transitions are out of order";
        }
        if (indices[index] >= head->type_count) {
            return "a transition names a type that is not there";
        }
        zone->offset_s[index] = type_offset_s[indices[index]];
    }
    return NULL;
}

static bool take(reader *rest, char wanted)
{
    return rest->size > 0 && *rest->at == (unsigned char)wanted && skip(rest, 1);
}

static bool take_number(reader *rest, int max, int *value)
{
    int sum = 0;
    size_t digits = 0;
    while (rest->size > 0 && *rest->at >= '0' && *rest->at <= '9' && sum <= max) {
        sum = sum * 10 + (*rest->at - '0');
        skip(rest, 1);
        digits++;
    }
    *value = sum;
    return digits > 0 && sum <= max;
}

// CET or <+0330>
static bool take_name(reader *rest)
{
    size_t size = 0;
    if (take(rest, '<')) {
        while (rest->size > 0 && *rest->at != '>') {
            skip(rest, 1);
        }
        return take(rest, '>');
    }
    while (rest->size > 0 && ((*rest->at | 0x20) >= 'a' && (*rest->at | 0x20) <= 'z')) {
        skip(rest, 1);
        size++;
    }
    return size >= 3;
}

// [+-]hh[:mm[:ss]]
static bool take_time(reader *rest, int hour_max, int32_t *time_s)
{
    bool negative = take(rest, '-');
    if (!negative) {
        take(rest, '+');
    }
    int hour = 0, minute = 0, second = 0;
    bool good = take_number(rest, hour_max, &hour);
    if (good && take(rest, ':')) {
        good = take_number(rest, 59, &minute);
        if (good && take(rest, ':')) {
            good = take_number(rest, 59, &second);
        }
    }
    int32_t sum_s = hour * 3600 + minute * 60 + second;
    *time_s = negative ? -sum_s : sum_s;
    return good;
}

// ,M3.5.0/2 or ,J60 or ,59
static bool take_day(reader *rest, rule_day *day)
{
    bool good = take(rest, ',');
    day->time_s = 2 * 3600;
    if (take(rest, 'M')) {
        day->kind = MONTH_WEEK_DAY;
        good = good && take_number(rest, 12, &day->month) && day->month >= 1 && take(rest, '.') &&
               take_number(rest, 5, &day->week) && day->week >= 1 && take(rest, '.') &&
               take_number(rest, 6, &day->day);
    } else if (take(rest, 'J')) {
        day->kind = JULIAN_DAY;
        good = good && take_number(rest, 365, &day->day) && day->day >= 1;
    } else {
        day->kind = DAY_OF_YEAR;
        good = good && take_number(rest, 365, &day->day);
    }
    return good && (!take(rest, '/') || take_time(rest, RULE_HOUR_MAX, &day->time_s));
}

// POSIX counts offsets west of UTC.
static bool read_rule(reader text, zone_rule *out)
{
    zone_rule read = { .given = true };
    int32_t west_s = 0;
    if (!take_name(&text) || !take_time(&text, OFFSET_HOUR_MAX, &west_s)) {
        return false;
    }
    read.standard_s = -west_s;
    if (text.size > 0) {
        read.has_summer = true;
        read.summer_s = read.standard_s + 3600;
        if (!take_name(&text)) {
            return false;
        }
        if (text.size > 0 && *text.at != ',') {
            if (!take_time(&text, OFFSET_HOUR_MAX, &west_s)) {
                return false;
            }
            read.summer_s = -west_s;
        }
        if (!take_day(&text, &read.start) || !take_day(&text, &read.end) || text.size > 0) {
            return false;
        }
    }
    *out = read;
    return true;
}

static const char *read_footer(gm_zone *zone, reader rest)
{
    if (!take(&rest, '\n')) {
        return "its footer is missing";
    }
    const unsigned char *end = rest.size > 0 ? memchr(rest.at, '\n', rest.size) : NULL;
    if (!end) {
        return "its footer is cut short";
    }
    reader text = { rest.at, (size_t)(end - rest.at) };
    return text.size == 0 || read_rule(text, &zone->rule) ? NULL : "its footer is not a rule";
}

// The block that counts: of version 1 the only one, later the second.
static const char *find_block(reader *rest, header *head, size_t *time_size)
{
    if (!read_header(rest, head)) {
        return "this is not a TZif file";
    }
    *time_size = 4;
    if (head->version != 0) {
        uint64_t size = tables_size(head, 4);
        if (size > rest->size || !skip(rest, (size_t)size) || !read_header(rest, head)) {
            return "the file is cut short";
        }
        *time_size = 8;
    }
    if (tables_size(head, *time_size) > rest->size) {
        return "the file is cut short";
    }
    if (head->type_count == 0 || head->type_count > TYPE_MAX || head->time_count > TRANSITION_MAX) {
        return "it has no types of local time, or too many types or transitions";
    }
    return head->leap_count > 0 ? "it counts leap seconds" : NULL;
}

static const char *read_zone(gm_zone *zone, reader rest, bool *memory)
{
    header head;
    size_t time_size = 0;
    const char *wrong = find_block(&rest, &head, &time_size);
    if (wrong) {
        return wrong;
    }
    zone->times_s = gm_memory_new(head.time_count, sizeof *zone->times_s);
    zone->offset_s = gm_memory_new(head.time_count, sizeof *zone->offset_s);
    if (!zone->times_s || !zone->offset_s) {
        *memory = false;
        return "no memory";
    }
    zone->count = head.time_count;
    wrong = read_tables(zone, &head, rest.at, time_size);
    if (wrong || time_size == 4) {
        return wrong;
    }
    skip(&rest, (size_t)tables_size(&head, time_size));
    return read_footer(zone, rest);
}

gm_status gm_zone_read(const char *name, const void *bytes, size_t size, gm_zone **zone,
                       gm_error *error)
{
    gm_zone *fresh = gm_memory_new(1, sizeof *fresh);
    bool memory = fresh != NULL;
    const char *wrong = fresh ? read_zone(fresh, (reader){ bytes, size }, &memory) : "no memory";
    if (wrong) {
        gm_zone_close(fresh);
        return gm_error_set(error, memory ? GM_INVALID : GM_MEMORY, "time zone '%.100s': %s", name,
                            wrong);
    }
    *zone = fresh;
    return GM_OK;
}

void gm_zone_close(gm_zone *zone)
{
    if (zone) {
        gm_memory_free(zone->times_s);
        gm_memory_free(zone->offset_s);
        gm_memory_free(zone);
    }
}

// The day of a year's change, counted from 1970-01-01.
static int64_t day_of_rule(const rule_day *change, int year)
{
    int64_t new_year = gm_day_from_date(year, 1, 1);
    if (change->kind == DAY_OF_YEAR) {
        return new_year + change->day;
    }
    if (change->kind == JULIAN_DAY) { // 29 February has no number
        bool leap = gm_day_from_date(year, 3, 1) - new_year == 60;
        return new_year + change->day - 1 + (leap && change->day >= 60);
    }
    int64_t first = gm_day_from_date(year, change->month, 1);
    int64_t next = change->month < 12 ? gm_day_from_date(year, change->month + 1, 1)
                                      : gm_day_from_date(year + 1, 1, 1);
    int64_t weekday = ((first + 4) % 7 + 7) % 7; // Sunday 0
    int64_t day = first + (change->day - weekday + 7) % 7 + 7 * (change->week - 1);
    return day < next ? day : day - 7;
}

// The last change up to time_s decides. Years around are looked at because a rule may reach across
// New Year; where a summer ends in the very second the next begins, it never ends.
static int32_t offset_of_rule(const zone_rule *rule, int64_t time_s, int year)
{
    if (!rule->has_summer) {
        return rule->standard_s;
    }
    int64_t latest_s = INT64_MIN;
    bool summer = false;
    for (int at = year - 1; at <= year + 1; at++) {
        int64_t start_s =
            day_of_rule(&rule->start, at) * DAY_S + rule->start.time_s - rule->standard_s;
        int64_t end_s = day_of_rule(&rule->end, at) * DAY_S + rule->end.time_s - rule->summer_s;
        if (end_s <= time_s && end_s > latest_s) {
            latest_s = end_s;
            summer = false;
        }
        if (start_s <= time_s && start_s >= latest_s) {
            latest_s = start_s;
            summer = true;
        }
    }
    return summer ? rule->summer_s : rule->standard_s;
}

int32_t gm_zone_offset_s(const gm_zone *zone, int64_t time_ns)
{
    int64_t time_s = time_ns / GM_SECOND_NS - (time_ns % GM_SECOND_NS < 0);
    size_t low = 0,
           high = zone->count; // transitions below `low` are past, from `high` on still to come
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->times_s[middle] <= time_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count && zone->rule.given) {
        return offset_of_rule(&zone->rule, time_s,
                              gm_civil_from_ns(time_ns, zone->rule.standard_s).year);
    }
    return low == 0 ? zone->first_s : zone->offset_s[low - 1];
}
