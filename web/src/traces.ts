// What this page has seen since it was opened and the server does not keep: how estimates, innovations and the weights
// of hypotheses moved. Plain arrays, redrawn with the signal that brought the newest row.

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

/** A trace with what history knows from before it. */
export function behind(past: Trace, seen: Trace): Trace {
    const first = seen.time[0];
    const found = first === undefined ? -1 : past.time.findIndex((time) => time >= first);
    const end = found < 0 ? past.time.length : found;
    return {
        time: [...past.time.slice(0, end), ...seen.time],
        columns: seen.columns.map((column, index) => [...(past.columns[index] ?? []).slice(0, end), ...column]),
    };
}
