// Errands: each is done once, the queue is bounded, short ones never wait behind long ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "serve/errands.h"

typedef struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int waiting, done, cancelled;
} gate;

static void pass(void *context, bool cancelled)
{
    gate *g = context;
    pthread_mutex_lock(&g->lock);
    g->cancelled += cancelled;
    g->waiting++;
    pthread_cond_broadcast(&g->changed);
    while (!g->open && !cancelled) {
        pthread_cond_wait(&g->changed, &g->lock);
    }
    g->done++;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static void set_open(gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static void await(gate *g, const int *count, int value)
{
    pthread_mutex_lock(&g->lock);
    while (*count < value) {
        pthread_cond_wait(&g->changed, &g->lock);
    }
    pthread_mutex_unlock(&g->lock);
}

static void *open_soon(void *argument)
{
    usleep(20000);
    set_open(argument);
    return NULL;
}

static gate closed_gate(void)
{
    return (gate){ .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
}

static void short_errands_pass_long_ones(void **state)
{
    (void)state;
    gm_errands *errands = NULL;
    gate closed = closed_gate(), open = closed_gate();
    open.open = true;
    assert_int_equal(gm_errands_create(&errands, NULL), GM_OK);
    for (int k = 0; k < 10; k++) {
        assert_int_equal(gm_errands_add(errands, (gm_errand){ pass, &closed, true }), GM_OK);
    }
    for (int k = 0; k < 20; k++) {
        assert_int_equal(gm_errands_add(errands, (gm_errand){ pass, &open, false }), GM_OK);
    }
    await(&open, &open.done, 20); // while the long ones all wait
    assert_int_equal(closed.done, 0);
    set_open(&closed);
    await(&closed, &closed.done, 10);
    gm_errands_close(errands);
    assert_int_equal(closed.cancelled, 0);
}

static void the_queue_is_bounded_and_ends_without_losses(void **state)
{
    (void)state;
    gm_errands *errands = NULL;
    gate closed = closed_gate();
    int taken = 0;
    assert_int_equal(gm_errands_create(&errands, NULL), GM_OK);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(gm_errands_add(errands, (gm_errand){ pass, &closed, false }), GM_OK);
    }
    await(&closed, &closed.waiting, 2);
    while (gm_errands_add(errands, (gm_errand){ pass, &closed, false }) == GM_OK) {
        taken++;
    }
    assert_int_equal(taken, GM_ERRANDS_MAX);
    pthread_t opener;
    pthread_create(&opener, NULL, open_soon, &closed);
    gm_errands_finish(errands);
    pthread_join(opener, NULL);
    assert_int_equal(closed.done, 2 + GM_ERRANDS_MAX); // each said something, done or cancelled
    assert_int_equal(closed.cancelled, GM_ERRANDS_MAX);
    assert_int_equal(gm_errands_add(errands, (gm_errand){ pass, &closed, false }), GM_BUSY);
    gm_errands_close(errands);
    gm_errands_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_errands_pass_long_ones),
        cmocka_unit_test(the_queue_is_bounded_and_ends_without_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
