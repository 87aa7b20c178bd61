// Memory: zeroed, aligned, counted without overflow; arenas.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/failing_memory.h"

static bool is_zero(const void *memory, size_t size)
{
    const unsigned char *bytes = memory;
    for (size_t at = 0; at < size; at++) {
        if (bytes[at]) {
            return false;
        }
    }
    return true;
}

static void memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    for (size_t size = 0; size < 300; size += 7) {
        void *memory = gm_memory_new(3, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % GM_ALIGNMENT, 0);
        assert_true(is_zero(memory, 3 * size));
        memset(memory, 0xA5, 3 * size);
        gm_memory_free(memory);
    }
    gm_memory_free(NULL);
}

static void a_size_that_overflows_is_no_memory(void **state)
{
    (void)state;
    assert_null(gm_memory_new(SIZE_MAX / 2, 3));
    assert_null(gm_memory_new(SIZE_MAX, 1));
    assert_null(gm_memory_new(1, (size_t)PTRDIFF_MAX));
    size_t capacity = 0;
    assert_null(gm_memory_grow(NULL, &capacity, SIZE_MAX / 4, 8));
    assert_int_equal(capacity, 0);
    gm_arena *arena = gm_arena_create(0);
    assert_null(gm_arena_new(arena, SIZE_MAX / 2, 3));
    assert_null(gm_arena_new(arena, SIZE_MAX - 100, 1));
    assert_null(gm_arena_text(arena, "", SIZE_MAX));
    assert_non_null(gm_arena_new(arena, 1, 1));
    gm_arena_close(arena);
}

static void growing_keeps_what_was_there_and_zeroes_the_rest(void **state)
{
    (void)state;
    uint32_t *numbers = NULL;
    size_t capacity = 0, grown = 0;
    for (uint32_t count = 0; count < 10000; count++) {
        size_t before = capacity;
        uint32_t *moved = gm_memory_grow(numbers, &capacity, count + 1, sizeof *numbers);
        assert_non_null(moved);
        numbers = moved;
        grown += capacity != before;
        assert_true(is_zero(numbers + count, (capacity - count) * sizeof *numbers));
        numbers[count] = count + 1;
    }
    assert_true(grown < 15);
    for (uint32_t count = 0; count < 10000; count++) {
        assert_int_equal(numbers[count], count + 1);
    }
    gm_memory_free(numbers);
}

static void a_failed_growth_leaves_the_array(void **state)
{
    (void)state;
    size_t capacity = 0;
    char *text = gm_memory_grow(NULL, &capacity, 10, 1);
    strncpy(text, "kept", 5);
    size_t before = capacity;
    allocations_left = 0;
    assert_null(gm_memory_grow(text, &capacity, 1000, 1));
    allocations_left = LONG_MAX;
    assert_int_equal(capacity, before);
    assert_string_equal(text, "kept");
    gm_memory_free(text);
}

static void an_arena_hands_out_what_never_overlaps(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    gm_arena *arena = gm_arena_create(1000);
    unsigned char *pieces[COUNT];
    for (size_t round = 0; round < 3; round++) {
        for (size_t index = 0; index < COUNT; index++) {
            size_t size = index * 13 % 2500;
            pieces[index] = gm_arena_new(arena, size, 1);
            assert_non_null(pieces[index]);
            assert_int_equal((uintptr_t)pieces[index] % GM_ALIGNMENT, 0);
            assert_true(is_zero(pieces[index], size));
            memset(pieces[index], (int)(index % 251), size);
        }
        for (size_t index = 0; index < COUNT; index++) {
            for (size_t at = 0; at < index * 13 % 2500; at++) {
                assert_int_equal(pieces[index][at], index % 251);
            }
        }
        gm_arena_reset(arena);
    }
    gm_arena_close(arena);
    gm_arena_close(NULL);
}

static void after_a_reset_nothing_is_allocated(void **state)
{
    (void)state;
    gm_arena *arena = gm_arena_create(1000);
    for (size_t round = 0; round < 10; round++) {
        for (size_t index = 0; index < 50; index++) {
            // in another order each time, larger than a chunk among them
            assert_non_null(gm_arena_new(arena, (index + round) % 50 == 7 ? 5000 : 100, 1));
        }
        allocations_left = round < 2 ? LONG_MAX : 1;
        gm_arena_reset(arena);
    }
    assert_true(allocations_left >= 0);
    allocations_left = LONG_MAX;
    gm_arena_close(arena);
}

static void an_arena_out_of_memory_stays_usable(void **state)
{
    (void)state;
    allocations_left = 0;
    assert_null(gm_arena_create(0));
    allocations_left = 1;
    gm_arena *arena = gm_arena_create(0);
    assert_non_null(arena);
    assert_null(gm_arena_new(arena, 1, 1));
    assert_null(gm_arena_text(arena, "text", 4));
    allocations_left = LONG_MAX;
    assert_string_equal(gm_arena_text(arena, "text", 4), "text");
    gm_arena_close(arena);
}

static void copied_text_ends_in_nul(void **state)
{
    (void)state;
    gm_arena *arena = gm_arena_create(0);
    assert_string_equal(gm_arena_text(arena, "abcdef", 3), "abc");
    assert_string_equal(gm_arena_text(arena, NULL, 0), "");
    gm_arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(a_size_that_overflows_is_no_memory),
        cmocka_unit_test(growing_keeps_what_was_there_and_zeroes_the_rest),
        cmocka_unit_test(a_failed_growth_leaves_the_array),
        cmocka_unit_test(an_arena_hands_out_what_never_overlaps),
        cmocka_unit_test(after_a_reset_nothing_is_allocated),
        cmocka_unit_test(an_arena_out_of_memory_stays_usable),
        cmocka_unit_test(copied_text_ends_in_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
