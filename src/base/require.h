// Assertions for our own mistakes; bad data from outside is a gm_status instead. They stay on in
// release.
#ifndef GEMEL_BASE_REQUIRE_H
#define GEMEL_BASE_REQUIRE_H

/// Prints the condition with its place on standard error and aborts.
_Noreturn void gm_require_failed(const char *condition, const char *file, int line);

/// Aborts unless `condition` holds. An invariant of the program, never a check of input.
#define GM_REQUIRE(condition)                                                                      \
    ((condition) ? (void)0 : gm_require_failed(#condition, __FILE__, __LINE__))

#endif
