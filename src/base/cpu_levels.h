// Vector code without intrinsics: loops that compilers turn into vectors, compiled once per CPU
// level.
//
// Write a loop as a GM_INLINE function and call it in GM_KERNEL functions. GM_KERNEL compiles once
// per CPU level and the loader chooses; -ffp-contract=off keeps the bits the same. A GM_KERNEL
// function is static (clang 14 loses the name of others) and its name is unique in the whole
// program (clang 14 exports its resolver).
#ifndef GEMEL_BASE_CPU_LEVELS_H
#define GEMEL_BASE_CPU_LEVELS_H

#define GM_INLINE static inline __attribute__((always_inline))

#ifdef GM_ONE_CPU_LEVEL
#define GM_KERNEL
#else
#define GM_KERNEL __attribute__((target_clones("avx512f", "avx2", "default")))
#endif

#endif
