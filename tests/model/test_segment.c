// Copy-on-write segments: what is shared, who owns, what comes back to the pool.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "model/segment.h"

enum { SEGMENTS = 4, SIZE = 3 * GM_SEGMENT_SIZE + 100 };

typedef struct place {
    gm_slab *holders[SEGMENTS];
    gm_span span;
} place;

static void start(place *at)
{
    *at = (place){ 0 };
    at->span = (gm_span){ .holders = at->holders, .size = SIZE };
}

static void a_span_counts_segments(void **state)
{
    (void)state;
    assert_int_equal(gm_span_segments(0), 0);
    assert_int_equal(gm_span_segments(1), 1);
    assert_int_equal(gm_span_segments(GM_SEGMENT_SIZE), 1);
    assert_int_equal(gm_span_segments(SIZE), SEGMENTS);
}

static void writers_of_a_shared_span_take_only_their_segments(void **state)
{
    (void)state;
    gm_pool *pool = gm_pool_create();
    place a, b;
    start(&a);
    start(&b);
    assert_true(gm_span_fill(pool, &a.span));
    assert_int_equal(gm_span_own_bytes(&a.span), SIZE);
    unsigned char *whole = gm_span_own(pool, &a.span);
    assert_ptr_equal(whole, gm_span_whole(&a.span)); // its own already: no copy
    for (size_t index = 0; index < SIZE; index++) {
        assert_int_equal(whole[index], 0);
        whole[index] = (unsigned char)(index % 251);
    }
    gm_span_share(&a.span, &b.span);
    assert_int_equal(gm_span_own_bytes(&a.span), 0);
    assert_ptr_equal(gm_span_whole(&b.span), whole);

    const size_t at = 2 * GM_SEGMENT_SIZE + 7;
    *gm_span_own_at(pool, &b.span, at) = 255;
    assert_int_equal(*gm_span_at(&a.span, at), at % 251);
    assert_int_equal(*gm_span_at(&b.span, at), 255);
    assert_int_equal(*gm_span_at(&b.span, at - 1), (at - 1) % 251);
    assert_int_equal(gm_span_own_bytes(&b.span), GM_SEGMENT_SIZE);
    assert_int_equal(gm_span_own_bytes(&a.span), GM_SEGMENT_SIZE); // nobody else reads it any more
    assert_null(gm_span_whole(&b.span));                           // in pieces now
    assert_ptr_equal(gm_span_own_at(pool, &a.span, at), whole + at); // so it is written in place

    unsigned char *again = gm_span_own(pool, &b.span); // and whole once more
    assert_ptr_equal(again, gm_span_whole(&b.span));
    assert_int_equal(gm_span_own_bytes(&b.span), SIZE);
    assert_int_equal(gm_span_own_bytes(&a.span), SIZE);
    for (size_t index = 0; index < SIZE; index++) {
        assert_int_equal(again[index], index == at ? 255 : index % 251);
    }
    unsigned char *copy = gm_memory_new(SIZE, 1);
    gm_span_copy(&b.span, copy);
    assert_memory_equal(copy, again, SIZE);
    gm_memory_free(copy);
    gm_span_release(pool, &a.span);
    gm_span_release(pool, &b.span);
    gm_span_release(pool, &b.span); // releasing twice is fine
    gm_pool_close(pool);
}

static void steady_state_takes_no_new_memory(void **state)
{
    (void)state;
    gm_pool *pool = gm_pool_create();
    void *first = gm_pool_take(pool, 1000);
    assert_int_equal((uintptr_t)first % GM_ALIGNMENT, 0);
    gm_pool_give(pool, first);
    assert_ptr_equal(gm_pool_take(pool, 1000), first);
    gm_pool_give(pool, first);
    gm_pool_give(pool, NULL);
    for (size_t size = 1; size < 400; size++) { // more sizes than there are shelves
        void *memory = gm_pool_take(pool, size);
        assert_non_null(memory);
        gm_pool_give(pool, memory);
    }
    assert_null(gm_pool_take(pool, SIZE_MAX - 3));
    gm_pool_close(pool);
    gm_pool_close(NULL);
}

/// A chain of forks, each written in another place, closed in any order.
static void forks_of_forks_keep_what_they_had(void **state)
{
    (void)state;
    enum { FORKS = 20 };
    gm_pool *pool = gm_pool_create();
    static place spans[FORKS];
    for (size_t index = 0; index < FORKS; index++) {
        start(&spans[index]);
        if (index == 0) {
            assert_true(gm_span_fill(pool, &spans[0].span));
        } else {
            gm_span_share(&spans[index - 1].span, &spans[index].span);
        }
        size_t at = index * 12345 % SIZE;
        *gm_span_own_at(pool, &spans[index].span, at) = (unsigned char)(index + 1);
    }
    for (size_t step = 0; step < FORKS; step++) {
        size_t index = step * 7 % FORKS;
        for (size_t other = 0; other < FORKS; other++) {
            unsigned char expected = other <= index ? (unsigned char)(other + 1) : 0;
            assert_int_equal(*gm_span_at(&spans[index].span, other * 12345 % SIZE), expected);
        }
        gm_span_release(pool, &spans[index].span);
    }
    gm_pool_close(pool);
}

typedef struct forker {
    gm_pool *pool;
    const gm_span *from;
    unsigned char number;
} forker;

static void *fork_and_write(void *context)
{
    const forker *job = context;
    for (int round = 0; round < 300; round++) {
        place mine;
        start(&mine);
        gm_span_share(job->from, &mine.span);
        *gm_span_own_at(job->pool, &mine.span, (size_t)round * 601 % SIZE) = job->number;
        if (round % 3 == 0) {
            *gm_span_own(job->pool, &mine.span) = job->number;
        }
        gm_span_release(job->pool, &mine.span);
    }
    return NULL;
}

static void forks_belong_to_other_threads(void **state)
{
    (void)state;
    gm_pool *pool = gm_pool_create();
    place origin;
    start(&origin);
    assert_true(gm_span_fill(pool, &origin.span));
    pthread_t threads[3];
    forker jobs[3];
    for (size_t index = 0; index < 3; index++) {
        jobs[index] = (forker){ pool, &origin.span, (unsigned char)(index + 1) };
        assert_int_equal(pthread_create(&threads[index], NULL, fork_and_write, &jobs[index]), 0);
    }
    for (size_t index = 0; index < 3; index++) {
        pthread_join(threads[index], NULL);
    }
    for (size_t at = 0; at < SIZE; at++) {
        assert_int_equal(*gm_span_at(&origin.span, at), 0);
    }
    assert_int_equal(gm_span_own_bytes(&origin.span), SIZE);
    gm_span_release(pool, &origin.span);
    gm_pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_counts_segments),
        cmocka_unit_test(writers_of_a_shared_span_take_only_their_segments),
        cmocka_unit_test(steady_state_takes_no_new_memory),
        cmocka_unit_test(forks_of_forks_keep_what_they_had),
        cmocka_unit_test(forks_belong_to_other_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
