// Sums of innovations, of their steps and of equal readings: see alarm_signs.h.
#include "twin/alarm_signs.h"

#include <math.h>

#include "num/statistics.h"

static const double scale_rate = 0.002; // how fast the running size follows
static const double scale_least =
    0.3; // a filter that is far too sure of itself must not hide a fault
static const double normal_size = 0.7979; // mean size of a standard normal
static const double prior_count = 20.0, prior_correlation = 0.9, correlation_most = 0.995;
static const double start_share =
    0.3; // an event began when its sum last was below this share of the threshold
static const double level_rate = 0.2;
static const double astray_share = 0.2; // of what is learned of a sensor otherwise
static const double tail = 3.0;         // sizes beyond this count as this in running sizes
// the log likelihood ratio of a standard normal's double, gain (z^2 - even), z^2 up to `most`; even
// is not 1.85 as it is for normals: scatter comes and goes by a third with what a plant does
static const double scatter_gain = 0.375, scatter_even = 2.3, scatter_most = 20.0;
static const double scatter_share = 0.1; // of its threshold, from which steps are not learned from
static const double scatter_rate = 0.1, scatter_calm = 1.8;
static const double scatter_beyond = 1.5; // times what it has come to by itself before
static const double habit_prior = 0.5, habit_count = 2.0, finest_least = 0.01;

gm_sign_rule gm_default_sign_rule(void)
{
    return (gm_sign_rule){ .slack = 1.0,
                           .threshold = 8.0,
                           .calm = 1.0,
                           .scatter = 36.0,
                           .repeats = 20.0,
                           .calm_count = 10,
                           .warm_up = 100 };
}

double gm_signs_caution(const gm_alarm_signs *signs, uint32_t count)
{
    double weight = fmin(count, 10.0 * prior_count);
    double product = weight * signs->product + prior_count * prior_correlation * signs->square;
    double square = (weight + prior_count) * signs->square;
    double correlation = square > 0.0 ? product / square : prior_correlation;
    correlation = fmin(fmax(correlation, 0.0), correlation_most);
    return (1.0 + correlation) / (1.0 - correlation);
}

double gm_signs_noise(const gm_alarm_signs *signs)
{
    return signs->step_size / normal_size * M_SQRT1_2;
}

double gm_signs_habit(const gm_alarm_signs *signs, uint32_t count)
{
    double weight = fmin(count, 1.0 / scale_rate);
    return (weight * signs->habit + habit_count * habit_prior) / (weight + habit_count);
}

/// The rate of a running mean whose memory grows to 1 / scale_rate measurements.
static double rate_after(uint32_t count)
{
    return fmax(1.0 / (1.0 + count), scale_rate);
}

/// The threshold of the sums on both sides: runs of a correlated series are longer, and its sums
/// larger, without anything being wrong.
static double level_threshold(const gm_sign_rule *rule, const gm_alarm_signs *signs,
                              uint32_t before)
{
    return rule->threshold * sqrt(gm_signs_caution(signs, before));
}

/// What the steps' sum must exceed: a plant that goes by fits and starts has scatter of its own.
static double scatter_threshold(const gm_sign_rule *rule, const gm_alarm_signs *signs)
{
    return fmax(rule->scatter, scatter_beyond * signs->scatter_usual);
}

/// Whether an alarm may be on its way: steps that are learned then would hide it.
static bool is_suspicious(const gm_sign_rule *rule, const gm_alarm_signs *signs, uint32_t before)
{
    return signs->sign == GM_SIGN_NONE && before >= rule->warm_up &&
           signs->scatter > scatter_share * scatter_threshold(rule, signs);
}

/// How much is learned of a sensor: little while its level may be going astray, as what is wrong
/// would soon be what is usual.
static double learning_share(const gm_sign_rule *rule, const gm_alarm_signs *signs, uint32_t before)
{
    double sum = fmax(signs->sums[0], signs->sums[1]);
    bool astray = signs->sign == GM_SIGN_NONE && before >= rule->warm_up &&
                  sum > start_share * level_threshold(rule, signs, before);
    return astray ? astray_share : 1.0;
}

/// A bout of scatter is over: its sum is what the sensor does by itself.
static void get_used_to(gm_alarm_signs *signs)
{
    signs->scatter_usual = fmax(signs->scatter_usual, signs->scatter_peak);
    signs->scatter_peak = 0.0;
}

/// The running mean and size of normalised innovations. @param share  of the usual rate
static void follow(gm_alarm_signs *signs, double normalised, uint32_t before, double share)
{
    double rate = share * rate_after(before);
    double limit = before < 10 ? INFINITY : tail * signs->scale / normal_size;
    double deviation = fmin(fmax(normalised - signs->bias, -limit), limit);
    signs->bias += rate * deviation;
    signs->scale += rate * (fabs(deviation) - signs->scale);
    signs->product += rate * (deviation * signs->last - signs->product);
    signs->square += rate * (deviation * deviation - signs->square);
    signs->last = deviation;
}

/// The sums on both sides. @return the side (0 above, 1 below) whose sum is over the threshold, or
/// -1
static int add_up(const gm_sign_rule *rule, gm_alarm_signs *signs, double deviation,
                  const gm_sign_reading *reading)
{
    double threshold = level_threshold(rule, signs, reading->before);
    int over = -1;
    for (int side = 0; side < 2; side++) {
        double sum = signs->sums[side] + (side == 0 ? deviation : -deviation) - rule->slack;
        if (!(sum > 0.0)) {
            signs->sums[side] = 0.0;
            signs->runs[side] = 0;
            continue;
        }
        if (signs->runs[side] == 0 || signs->sums[side] < start_share * threshold) {
            // what adds up slowly is not part of what comes suddenly
            signs->since_ns[side] = reading->time_ns;
            signs->bases[side] = signs->sums[side];
            signs->runs[side] = 0;
        }
        signs->runs[side]++;
        signs->sums[side] = fmin(sum, 2.0 * threshold);
        over = sum > threshold ? side : over;
    }
    return over;
}

/// Steps from one innovation to the next. @return their sum is over the threshold
static bool add_step(const gm_sign_rule *rule, gm_alarm_signs *signs,
                     const gm_sign_reading *reading)
{
    double here = reading->innovation / reading->noise, step = here - signs->before;
    signs->before = here;
    if (reading->before == 0) {
        return false;
    }
    double limit = reading->before < 10 ? INFINITY : tail * signs->step_size / normal_size;
    if (!is_suspicious(rule, signs, reading->before)) {
        double rate = rate_after(reading->before);
        signs->step_size += rate * (fmin(fabs(step), limit) - signs->step_size);
    }
    double usual = signs->step_size / normal_size, ratio = usual > 0.0 ? step / usual : 0.0;
    double square = fmin(ratio * ratio, scatter_most);
    double sum = signs->scatter + scatter_gain * (square - scatter_even);
    signs->scatter_level += scatter_rate * (square - signs->scatter_level);
    double threshold = scatter_threshold(rule, signs);
    if (!(sum > 0.0)) {
        sum = 0.0;
        signs->scatter_since_ns = reading->time_ns;
        get_used_to(signs);
    }
    signs->scatter = fmin(sum, 2.0 * threshold);
    signs->scatter_peak = fmax(signs->scatter_peak, signs->scatter);
    return sum > threshold;
}

/// Minus the log probability that a healthy sensor gives that very reading again.
static double surprise_at(const gm_alarm_signs *signs, const gm_sign_reading *reading)
{
    double spread = reading->expected_spread;
    double half = 0.5 * fmax(signs->finest, finest_least * spread) / spread;
    double away = fabs(reading->innovation) / spread;
    double chance = gm_normal_cdf(half - away) - gm_normal_cdf(-half - away);
    return -log(fmax(chance, gm_signs_habit(signs, reading->before)));
}

/// Readings that are the same again. @return the surprise is over the threshold
static bool add_repeat(const gm_sign_rule *rule, gm_alarm_signs *signs,
                       const gm_sign_reading *reading)
{
    double step = fabs(reading->value - signs->read);
    bool first = reading->before == 0, repeats = !first && step == 0.0;
    signs->read = reading->value;
    if (first || !repeats) {
        if (!first && (signs->finest == 0.0 || step < signs->finest)) {
            signs->finest = step;
        }
        if (signs->sign != GM_SIGN_REPEATS && signs->run > signs->longest_run) {
            signs->longest_run = signs->run;
        }
        signs->repeats_since_ns = reading->time_ns;
        signs->run = 0;
        signs->repeats = 0.0;
    } else {
        signs->run += signs->run < UINT32_MAX;
        signs->repeats += surprise_at(signs, reading);
    }
    signs->habit += rate_after(reading->before) * ((repeats ? 1.0 : 0.0) - signs->habit);
    return signs->repeats > rule->repeats && signs->run / 2 > signs->longest_run;
}

bool gm_signs_take(const gm_sign_rule *rule, gm_alarm_signs *signs, const gm_sign_reading *reading,
                   gm_sign_alarm *alarm)
{
    double normalised = reading->innovation / reading->expected_spread;
    follow(signs, normalised, reading->before, learning_share(rule, signs, reading->before));
    double scale = fmax(signs->scale / normal_size, scale_least);
    double deviation = (normalised - signs->bias) / scale;
    gm_sign_reading scaled = *reading;
    scaled.expected_spread *= scale;
    bool repeats = add_repeat(rule, signs, &scaled);
    bool scatters = add_step(rule, signs, reading);
    int side = add_up(rule, signs, deviation, reading);
    signs->level += level_rate * (deviation - signs->level);
    if (reading->before < rule->warm_up) {
        return false;
    }
    if (repeats) {
        *alarm = (gm_sign_alarm){ GM_SIGN_REPEATS, signs->repeats_since_ns, reading->value };
    } else if (side >= 0) {
        double mean = (signs->sums[side] - signs->bases[side]) / signs->runs[side] + rule->slack;
        mean *= side == 0 ? scaled.expected_spread : -scaled.expected_spread;
        *alarm = (gm_sign_alarm){ GM_SIGN_LEVEL, signs->since_ns[side], mean };
    } else if (scatters) {
        *alarm =
            (gm_sign_alarm){ GM_SIGN_SCATTER, signs->scatter_since_ns, sqrt(signs->scatter_level) };
    }
    return repeats || side >= 0 || scatters;
}

bool gm_signs_calm_down(const gm_sign_rule *rule, gm_alarm_signs *signs)
{
    bool calm = fabs(signs->level) < rule->calm &&
                (signs->sign != GM_SIGN_SCATTER || signs->scatter_level < scatter_calm) &&
                (signs->sign != GM_SIGN_REPEATS || signs->run == 0);
    signs->calm = calm ? signs->calm + 1 : 0;
    return signs->calm >= rule->calm_count;
}

void gm_signs_begin_anew(gm_alarm_signs *signs)
{
    get_used_to(signs);
    signs->sums[0] = signs->sums[1] = signs->scatter = signs->repeats = 0.0;
    signs->runs[0] = signs->runs[1] = signs->run = 0;
    signs->sign = GM_SIGN_NONE;
}
