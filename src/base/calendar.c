// The civil calendar, ISO 8601 and the clocks.
//
// Days and dates: the proleptic Gregorian calendar in 400-year eras of 146,097 days, years counted
// from 1 March so that the leap day is the last (H. Hinnant, "chrono-compatible low-level date
// algorithms").
#include "base/calendar.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

enum {
    DAY_S = 86400,
    ERA_DAYS = 146097,
    ERA_YEARS = 400,
    EPOCH_DAY = 719468, // days from 0000-03-01 to 1970-01-01
    YEAR_MIN = 1600,    // int64 nanoseconds reach from 1677 to 2262
    YEAR_MAX = 2400,
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool is_leap_year(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

int64_t gm_day_from_date(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_div(y, ERA_YEARS);
    int64_t year_of_era = y - era * ERA_YEARS;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + day_of_era - EPOCH_DAY;
}

gm_civil gm_civil_from_ns(int64_t time_ns, int32_t offset_s)
{
    int64_t utc_s = floor_div(time_ns, GM_SECOND_NS);
    int64_t local_s = utc_s + offset_s;
    int64_t day = floor_div(local_s, DAY_S);
    int second_of_day = (int)(local_s - day * DAY_S);

    int64_t z = day + EPOCH_DAY;
    int64_t era = floor_div(z, ERA_DAYS);
    int64_t day_of_era = z - era * ERA_DAYS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * day_of_year + 2) / 153;
    int month = (int)(m < 10 ? m + 3 : m - 9);

    return (gm_civil){
        .year = (int)(year_of_era + era * ERA_YEARS) + (month <= 2),
        .month = month,
        .day = (int)(day_of_year - (153 * m + 2) / 5 + 1),
        .hour = second_of_day / 3600,
        .minute = second_of_day / 60 % 60,
        .second = second_of_day % 60,
        .nanosecond = (int)((time_ns % GM_SECOND_NS + GM_SECOND_NS) % GM_SECOND_NS),
        .weekday = (int)(day + 3 - 7 * floor_div(day + 3, 7)), // 1970-01-01 was a Thursday
    };
}

bool gm_civil_to_ns(const gm_civil *civil, int32_t offset_s, int64_t *time_ns)
{
    const gm_civil *c = civil;
    bool exists = c->year >= YEAR_MIN && c->year <= YEAR_MAX && c->month >= 1 && c->month <= 12 &&
                  c->day >= 1 && c->day <= days_in_month(c->year, c->month) && c->hour >= 0 &&
                  c->hour < 24 && c->minute >= 0 && c->minute < 60 && c->second >= 0 &&
                  c->second < 60 && c->nanosecond >= 0 && c->nanosecond < GM_SECOND_NS;
    if (!exists) {
        return false;
    }
    int64_t local_s = gm_day_from_date(c->year, c->month, c->day) * DAY_S + c->hour * 3600 +
                      c->minute * 60 + c->second;
    __int128 ns = (__int128)(local_s - offset_s) * GM_SECOND_NS + c->nanosecond;
    if (ns < INT64_MIN || ns > INT64_MAX) {
        return false;
    }
    *time_ns = (int64_t)ns;
    return true;
}

// What is left to read; every reader below takes its part off the front or fails.
typedef struct cursor {
    const char *at, *end;
} cursor;

static bool take(cursor *rest, char wanted)
{
    if (rest->at == rest->end || *rest->at != wanted) {
        return false;
    }
    rest->at++;
    return true;
}

static bool take_digits(cursor *rest, int count, int *value)
{
    if (rest->end - rest->at < count) {
        return false;
    }
    int sum = 0;
    for (int index = 0; index < count; index++) {
        int digit = rest->at[index] - '0';
        if (digit < 0 || digit > 9) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    rest->at += count;
    *value = sum;
    return true;
}

// At least one digit; what is finer than a nanosecond is dropped.
static bool take_fraction(cursor *rest, int *nanosecond)
{
    int scale = (int)GM_SECOND_NS, sum = 0, digit = 0;
    if (!take_digits(rest, 1, &digit)) {
        return false;
    }
    do {
        scale /= 10;
        sum += digit * scale;
    } while (take_digits(rest, 1, &digit));
    *nanosecond = sum;
    return true;
}

static bool take_clock(cursor *rest, gm_civil *civil)
{
    if (!take_digits(rest, 2, &civil->hour) || !take(rest, ':') ||
        !take_digits(rest, 2, &civil->minute)) {
        return false;
    }
    if (!take(rest, ':')) {
        return true;
    }
    return take_digits(rest, 2, &civil->second) &&
           (!take(rest, '.') || take_fraction(rest, &civil->nanosecond));
}

static bool take_offset(cursor *rest, int32_t *offset_s)
{
    if (take(rest, 'Z')) {
        return true;
    }
    bool west = take(rest, '-');
    if (!west && !take(rest, '+')) {
        return false;
    }
    int hour = 0, minute = 0;
    if (!take_digits(rest, 2, &hour) || !take(rest, ':') || !take_digits(rest, 2, &minute) ||
        hour > 23 || minute > 59) {
        return false;
    }
    *offset_s = (west ? -1 : 1) * (hour * 3600 + minute * 60);
    return true;
}

bool gm_time_parse(gm_text text, int64_t *time_ns)
{
    if (text.size == 0) {
        return false;
    }
    cursor rest = { text.data, text.data + text.size };
    gm_civil civil = { 0 };
    int32_t offset_s = 0;
    bool date = take_digits(&rest, 4, &civil.year) && take(&rest, '-') &&
                take_digits(&rest, 2, &civil.month) && take(&rest, '-') &&
                take_digits(&rest, 2, &civil.day);
    if (!date) {
        return false;
    }
    if (rest.at < rest.end) {
        if (!(take(&rest, 'T') || take(&rest, ' ')) || !take_clock(&rest, &civil)) {
            return false;
        }
        if (rest.at < rest.end && !take_offset(&rest, &offset_s)) {
            return false;
        }
    }
    return rest.at == rest.end && gm_civil_to_ns(&civil, offset_s, time_ns);
}

void gm_time_format(int64_t time_ns, char buffer[40])
{
    gm_civil civil = gm_civil_from_ns(time_ns, 0);
    int used = snprintf(buffer, 40, "%04d-%02d-%02dT%02d:%02d:%02d", civil.year, civil.month,
                        civil.day, civil.hour, civil.minute, civil.second);
    int decimals = 9, fraction = civil.nanosecond;
    while (decimals > 0 && fraction % 1000 == 0) {
        fraction /= 1000;
        decimals -= 3;
    }
    size_t left = 40 - (size_t)used;
    if (decimals > 0) {
        snprintf(buffer + used, left, ".%0*dZ", decimals, fraction);
    } else {
        snprintf(buffer + used, left, "Z");
    }
}

bool gm_ns_from_s(double seconds, int64_t *ns)
{
    const double limit_s = 9223372036.0; // whole seconds that fit with any fraction
    if (!(fabs(seconds) < limit_s)) {
        return false;
    }
    // apart, because the product of the sum has no bits left for the nanoseconds of a date
    double whole_s = trunc(seconds);
    *ns = (int64_t)whole_s * GM_SECOND_NS + (int64_t)rint((seconds - whole_s) * 1e9);
    return true;
}

static int64_t read_clock(clockid_t id)
{
    struct timespec now = { 0 };
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * GM_SECOND_NS + now.tv_nsec;
}

int64_t gm_clock_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t gm_clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}
