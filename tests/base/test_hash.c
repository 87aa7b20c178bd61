// Hashes: the published values, and that portions do not matter.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

// Stored states carry these values: XXH3's own for the empty input, seed 0, and the same on every
// machine.
static void the_hash_is_xxh3(void **state)
{
    (void)state;
    assert_true(gm_hash("", 0, 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(gm_hash("a", 1, 0) != gm_hash("a", 1, 1));
    assert_true(gm_hash("a", 1, 0) != gm_hash("b", 1, 0));
}

static void portions_do_not_matter(void **state)
{
    (void)state;
    unsigned char bytes[3000];
    for (size_t at = 0; at < sizeof bytes; at++) {
        bytes[at] = (unsigned char)(at * 31 + at / 256);
    }
    gm_hasher *hasher = gm_hasher_create();
    assert_non_null(hasher);
    for (size_t size = 0; size <= sizeof bytes; size += 125) {
        for (size_t step = 1; step < 400; step = step * 3 + 1) {
            gm_hasher_start(hasher, 9);
            for (size_t at = 0; at < size; at += step) {
                gm_hasher_add(hasher, bytes + at, step < size - at ? step : size - at);
            }
            gm_hasher_add(hasher, NULL, 0);
            assert_true(gm_hasher_value(hasher) == gm_hash(bytes, size, 9));
            assert_true(gm_hasher_value(hasher) == gm_hasher_value(hasher));
        }
    }
    gm_hasher_close(hasher);
    gm_hasher_close(NULL);
}

static void a_new_hasher_has_seed_zero(void **state)
{
    (void)state;
    gm_hasher *hasher = gm_hasher_create();
    gm_hasher_add(hasher, "box", 3);
    assert_true(gm_hasher_value(hasher) == gm_hash("box", 3, 0));
    gm_hasher_close(hasher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_xxh3),
        cmocka_unit_test(portions_do_not_matter),
        cmocka_unit_test(a_new_hasher_has_seed_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
