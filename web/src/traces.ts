// How estimates, innovations and the weights of hypotheses moved: what this page has seen since it was opened, and behind
// it what history keeps. Plain arrays, redrawn with the signal that brought the newest row.

export type Cell = number | null;

/** Columns by time, the oldest first. */
export interface Trace {
    time: number[];
    columns: Cell[][];
}

const most_rows = 4000;
const dropped_rows = 500; // at a time: to drop one with each row would move them all

const traces = new Map<string, Trace>();

export const emptyTrace = (width: number): Trace => ({ time: [], columns: Array.from({ length: width }, () => []) });

/** The trace of a key; one without rows where nothing was seen. */
export function traceOf(key: string, width: number): Trace {
    return traces.get(key) ?? emptyTrace(width);
}

/** Appends a row; what is not newer than the last one was seen already. */
export function extendTrace(key: string, time_s: number | null, cells: Cell[]): void {
    let trace = traces.get(key);
    if (trace === undefined || trace.columns.length !== cells.length) {
        trace = emptyTrace(cells.length);
        traces.set(key, trace);
    }
    const last = trace.time[trace.time.length - 1];
    if (time_s === null || (last !== undefined && time_s <= last)) {
        return;
    }
    trace.time.push(time_s);
    cells.forEach((cell, index) => trace.columns[index]?.push(cell));
    if (trace.time.length > most_rows) {
        trace.time.splice(0, dropped_rows);
        trace.columns.forEach((column) => column.splice(0, dropped_rows));
    }
}

const gap_steps = 20; // usual steps without a row

/** Puts an empty row where rows are missing: a line across would claim knowledge nobody had. */
export function openGaps(trace: Trace): Trace {
    const { time, columns } = trace;
    const steps = time.slice(1).map((at, index) => at - (time[index] as number));
    const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
    const isGap = (row: number) => row > 0 && (steps[row - 1] as number) > gap_steps * usual;
    if (!steps.some((_, index) => isGap(index + 1))) {
        return trace;
    }
    const opened = <T>(cells: T[], between: (row: number) => T) =>
        cells.flatMap((cell, row) => (isGap(row) ? [between(row), cell] : [cell]));
    return {
        time: opened(time, (row) => (time[row - 1] as number) + usual),
        columns: columns.map((column) => opened<Cell>(column, () => null)),
    };
}

const part = ({ time, columns }: Trace, from: number, to: number): Trace => (
    { time: time.slice(from, to), columns: columns.map((column) => column.slice(from, to)) }
);

/** What history keeps, and what was seen after that; with gaps where nobody knew. */
export function behind(past: Trace, seen: Trace): Trace {
    const last = past.time[past.time.length - 1];
    const found = last === undefined ? 0 : seen.time.findIndex((time) => time > last);
    const fresh = part(seen, found < 0 ? seen.time.length : found, seen.time.length);
    const join = (a: Trace, b: Trace): Trace => ({
        time: [...a.time, ...b.time],
        columns: seen.columns.map((_, index) => [...(a.columns[index] ?? []), ...(b.columns[index] ?? [])]),
    });
    // each by its own usual step: rows of long ago are thinned
    return join(openGaps(join(past, part(fresh, 0, 1))), part(openGaps(fresh), 1, Infinity));
}
