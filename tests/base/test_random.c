// Random streams: the published words, the right laws, and that nothing but the draw's name
// matters.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gemel/random.h>

// The known answers of Philox4x32-10 published with Random123 (Salmon et al., SC11), counter and
// key as gemel fills them.
static void words_are_those_of_philox(void **state)
{
    (void)state;
    static const struct {
        gm_random random;
        gm_draw draw;
        uint32_t words[4];
    } known[] = {
        { { 0 }, { 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { UINT64_MAX },
          { .lane = 0xffffff, .element = UINT32_MAX, .purpose = 0xff, .occurrence = UINT64_MAX },
          { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { UINT64_C(0x299f31d0a4093822) },
          { .lane = 0x707344,
            .element = 0x13198a2e,
            .purpose = 0x03,
            .occurrence = UINT64_C(0x85a308d3243f6a88) },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t index = 0; index < sizeof known / sizeof *known; index++) {
        uint32_t words[4];
        gm_random_words(known[index].random, known[index].draw, words);
        assert_memory_equal(words, known[index].words, sizeof words);
    }
}

static void lanes_together_have_the_bits_of_lanes_alone(void **state)
{
    (void)state;
    gm_random random = gm_random_for(7, "box");
    for (int width = 0; width <= 130; width++) {
        gm_draw draw = {
            .lane = 5, .element = 3, .purpose = 2, .occurrence = (uint64_t)width << 33
        };
        double together[131];
        together[width] = 42.0;
        gm_random_normal_lanes(random, draw, width, together);
        assert_true(together[width] == 42.0);
        for (int lane = 0; lane < width; lane++) {
            double alone = gm_random_normal(random, draw);
            assert_memory_equal(&alone, &together[lane], sizeof alone);
            draw.lane++;
        }
    }
    double last[3];
    gm_draw end = { .lane = (1u << 24) - 3, .purpose = 255 };
    gm_random_normal_lanes(random, end, 3, last);
    assert_true(isfinite(last[2]));
}

// Worlds are replayed on other machines: these bits may change only with the format of the journal.
static void normals_have_the_same_bits_on_every_machine(void **state)
{
    (void)state;
    gm_random random = { UINT64_C(0x0123456789abcdef) };
    uint64_t sum = 0;
    for (uint64_t occurrence = 0; occurrence < 1000; occurrence++) {
        gm_draw draw = { .element = 1, .occurrence = occurrence };
        double both[2] = { gm_random_normal(random, draw), gm_random_exponential(random, draw) };
        uint64_t bits[2];
        memcpy(bits, both, sizeof bits);
        sum = (sum ^ bits[0]) * UINT64_C(0x9E3779B97F4A7C15) + bits[1];
    }
    assert_int_equal(sum, UINT64_C(0xacf1c79ee27aa41f));
}

static void every_part_of_the_name_changes_the_draw(void **state)
{
    (void)state;
    gm_draw draws[] = { { 0, 0, 0, 0 }, { 1, 0, 0, 0 }, { 0, 1, 0, 0 },
                        { 0, 0, 1, 0 }, { 0, 0, 0, 1 }, { 0, 0, 0, UINT64_C(1) << 32 } };
    gm_random keys[] = { gm_random_for(1, "box"), gm_random_for(2, "box"), gm_random_for(1, "bax"),
                         gm_random_for(1, "") };
    double seen[4 * 6];
    size_t count = 0;
    for (size_t key = 0; key < 4; key++) {
        for (size_t draw = 0; draw < 6; draw++) {
            seen[count] = gm_random_uniform(keys[key], draws[draw]);
            for (size_t other = 0; other < count; other++) {
                assert_true(seen[count] != seen[other]);
            }
            count++;
        }
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { DRAW_COUNT = 200000 };

// The largest distance between the draws' distribution and its law, times sqrt(n): 1.95 is exceeded
// once in 1,000 (Kolmogorov's distribution); the seeds are fixed, so the test is not a matter of
// luck.
static double kolmogorov(double (*draw)(gm_random, gm_draw), double (*law)(double), int moving)
{
    double *values = malloc(DRAW_COUNT * sizeof *values);
    assert_non_null(values);
    gm_random random = gm_random_for(11, "kolmogorov");
    for (uint32_t index = 0; index < DRAW_COUNT; index++) {
        gm_draw at = { .lane = 1, .element = 2, .purpose = 3, .occurrence = 4 };
        at.lane = moving == 0 ? index : at.lane;
        at.element = moving == 1 ? index : at.element;
        at.occurrence = moving == 2 ? index : at.occurrence;
        values[index] = draw(random, at);
        assert_true(isfinite(values[index]));
    }
    qsort(values, DRAW_COUNT, sizeof *values, ascending);
    double distance = 0.0;
    for (uint32_t index = 0; index < DRAW_COUNT; index++) {
        double expected = law(values[index]);
        distance = fmax(distance, fabs(expected - (double)index / DRAW_COUNT));
        distance = fmax(distance, fabs(expected - (double)(index + 1) / DRAW_COUNT));
    }
    free(values);
    return distance * sqrt(DRAW_COUNT);
}

static double uniform_law(double x)
{
    return x;
}

static double normal_law(double x)
{
    return 0.5 * erfc(-x / sqrt(2.0));
}

static double exponential_law(double x)
{
    return -expm1(-x);
}

static void draws_follow_their_laws_along_every_axis(void **state)
{
    (void)state;
    for (int moving = 0; moving < 3; moving++) {
        assert_true(kolmogorov(gm_random_uniform, uniform_law, moving) < 1.95);
        assert_true(kolmogorov(gm_random_normal, normal_law, moving) < 1.95);
        assert_true(kolmogorov(gm_random_exponential, exponential_law, moving) < 1.95);
    }
}

static double correlation(gm_random a, gm_draw start, gm_random b, gm_draw shifted)
{
    double sum = 0.0;
    for (uint64_t occurrence = 0; occurrence < DRAW_COUNT; occurrence++) {
        start.occurrence++;
        shifted.occurrence++;
        sum += gm_random_normal(a, start) * gm_random_normal(b, shifted);
    }
    return sum / sqrt(DRAW_COUNT); // standard normal when independent
}

static void neighbours_are_uncorrelated(void **state)
{
    (void)state;
    gm_random random = gm_random_for(5, "box"), other = gm_random_for(5, "boy");
    gm_draw draw = { 0 };
    assert_true(fabs(correlation(random, draw, random, (gm_draw){ .lane = 1 })) < 3.5);
    assert_true(fabs(correlation(random, draw, random, (gm_draw){ .element = 1 })) < 3.5);
    assert_true(fabs(correlation(random, draw, random, (gm_draw){ .purpose = 1 })) < 3.5);
    assert_true(fabs(correlation(random, draw, random, (gm_draw){ .occurrence = 1 })) < 3.5);
    assert_true(fabs(correlation(random, draw, other, draw)) < 3.5);
}

// The logarithm and the sine behind the draws, against the C library's.
static void draws_are_accurate_to_rounding(void **state)
{
    (void)state;
    gm_random random = gm_random_for(3, "accuracy");
    for (uint64_t occurrence = 0; occurrence < 100000; occurrence++) {
        gm_draw draw = { .occurrence = occurrence };
        uint32_t words[4];
        gm_random_words(random, draw, words);
        double u = ((double)((uint64_t)words[1] << 20 | words[0] >> 12) + 0.5) * 0x1p-52;
        double v = ((double)((uint64_t)words[3] << 20 | words[2] >> 12) + 0.5) * 0x1p-52;
        assert_true(u > 0.0 && u < 1.0 && gm_random_uniform(random, draw) == u);
        assert_true(fabs(gm_random_exponential(random, draw) + log(u)) <= 4e-16 * (1.0 - log(u)));
        double expected = sqrt(-2.0 * log(u)) * sin(acos(-1.0) * (v - 0.5));
        double error = gm_random_normal(random, draw) - expected;
        assert_true(fabs(error) <= 2e-15 * (1.0 + fabs(expected)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_those_of_philox),
        cmocka_unit_test(lanes_together_have_the_bits_of_lanes_alone),
        cmocka_unit_test(normals_have_the_same_bits_on_every_machine),
        cmocka_unit_test(every_part_of_the_name_changes_the_draw),
        cmocka_unit_test(draws_follow_their_laws_along_every_axis),
        cmocka_unit_test(neighbours_are_uncorrelated),
        cmocka_unit_test(draws_are_accurate_to_rounding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
