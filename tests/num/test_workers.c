// The team of workers: each chunk once, all done on return, the same bits for any number of
// workers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gemel/workers.h>
#include <stdatomic.h>
#include <string.h>

enum { CHUNKS = 1000, ROUNDS = 300 };

static const size_t team_sizes[] = { 1, 2, 7 };

static void count_visit(void *context, size_t chunk)
{
    int *visits = context; // plain ints: a chunk given twice at once is a race that TSan would see
    visits[chunk]++;
}

static void each_chunk_is_done_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        gm_workers *team = NULL;
        assert_int_equal(gm_workers_create(team_sizes[i], &team, NULL), GM_OK);
        assert_int_equal(gm_workers_count(team), team_sizes[i]);
        for (size_t round = 0; round < ROUNDS; round++) {
            int visits[CHUNKS + 1] = { 0 };
            size_t count = round % (CHUNKS + 1);
            gm_workers_run(team, count, count_visit, visits);
            for (size_t chunk = 0; chunk <= CHUNKS; chunk++) {
                assert_int_equal(visits[chunk], chunk < count);
            }
        }
        gm_workers_close(team);
    }
}

typedef struct sums {
    const double *values;
    double partial[CHUNKS];
} sums;

static void add_chunk(void *context, size_t chunk)
{
    sums *all = context;
    double sum = 0.0;
    for (size_t i = 0; i < 100; i++) {
        sum += all->values[chunk * 100 + i];
    }
    all->partial[chunk] = sum;
}

static void sums_have_the_same_bits_for_any_team(void **state)
{
    (void)state;
    static double values[CHUNKS * 100];
    for (size_t i = 0; i < CHUNKS * 100; i++) {
        values[i] = 1.0 / (double)(i + 1);
    }
    static sums alone, together;
    alone.values = together.values = values;
    gm_workers_run(NULL, CHUNKS, add_chunk, &alone);
    for (size_t i = 0; i < 3; i++) {
        gm_workers *team = NULL;
        assert_int_equal(gm_workers_create(team_sizes[i], &team, NULL), GM_OK);
        memset(together.partial, 0, sizeof together.partial);
        gm_workers_run(team, CHUNKS, add_chunk, &together);
        assert_memory_equal(alone.partial, together.partial, sizeof alone.partial);
        gm_workers_close(team);
    }
}

static void idle_and_null_teams_close(void **state)
{
    (void)state;
    gm_workers_close(NULL);
    assert_int_equal(gm_workers_count(NULL), 1);
    gm_workers *team = NULL;
    assert_int_equal(gm_workers_create(5, &team, NULL), GM_OK);
    gm_workers_close(team);
}

static void wrong_counts_are_refused(void **state)
{
    (void)state;
    gm_workers *team = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_workers_create(0, &team, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "0 workers"));
    assert_int_equal(gm_workers_create(GM_WORKERS_MAX + 1, &team, &error), GM_INVALID);
    assert_null(team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_chunk_is_done_once),
        cmocka_unit_test(sums_have_the_same_bits_for_any_team),
        cmocka_unit_test(idle_and_null_teams_close),
        cmocka_unit_test(wrong_counts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
