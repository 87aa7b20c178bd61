// Innovations as what they should be if the twin is right: normal, of mean 0 and standard deviation 1.

import type { Cell, Trace } from './traces';

/** Columns of a sensor's trace. */
export const innovation_columns = 2; // the innovation; its expected size: noise and spread together

// Fewer say little about how many lie outside.
const fewest_judged = 20;
export const limit = 2;

/** Each innovation by its expected size. */
export function normalised({ columns: [plain = [], expected = []] }: Trace): Cell[] {
    return plain.map((innovation, index) => {
        const size = expected[index] ?? null;
        return innovation === null || size === null || size <= 0 ? null : innovation / size;
    });
}

/** The share beyond the limits (5 % is right) and the mean (0 is right); null while there are too few. */
export function judge(values: readonly Cell[]): { outside: number; mean: number } | null {
    const there = values.filter((value): value is number => value !== null);
    if (there.length < fewest_judged) {
        return null;
    }
    return {
        outside: there.filter((value) => Math.abs(value) > limit).length / there.length,
        mean: there.reduce((sum, value) => sum + value, 0) / there.length,
    };
}
