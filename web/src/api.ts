// The requests of docs/api.md, typed. Values are SI here and everywhere below the components;
// they are converted for display only (units.ts).

export interface Scenario {
    name: string;
    about?: string | null;
    horizon_s?: number | null;
}

export interface World {
    name: string;
    about?: string | null;
    cycle_s: number;
    lanes: number;
    lanes_left: number;
    time: string | null;
    mode: 'live' | 'replay';
    scenarios: Scenario[];
    /** What of its files was not understood. */
    warnings?: string[];
    forecast?: { fields: string[]; leads_s: number[]; every_s: number } | null;
    version?: string;
}

export type Role = 'parameter' | 'input' | 'state' | 'output';

export interface Field {
    name: string;
    unit: string;
    role: Role;
    min?: number | null;
    max?: number | null;
    doc?: string | null;
}

export interface Class {
    name: string;
    doc?: string | null;
    population?: boolean;
    /** How its elements lie on a plan; null where they have no place. */
    shape?: 'point' | 'line' | 'area' | null;
    count: number;
    fields: Field[];
}

/** One element as it lies in space: a line's first and last points are those of its end nodes. */
export interface Placed {
    class: string;
    name: string;
    index: number;
    points: [number, number, number][] | null;
}

export interface System {
    name: string;
    domain: string;
    summary?: string | null;
    group?: string | number | null;
    classes: Class[];
}

export interface Value {
    address: string;
    unit: string;
    role?: Role;
    mean: number | null;
    spread: number | null;
    q05: number | null;
    q50?: number | null;
    q95: number | null;
}

export type Quality = string | number | null;

export interface Reading {
    time: string | null;
    value: number | null;
    estimate: number | null;
    spread?: number | null;
    innovation: number | null;
    quality?: Quality;
    /** By which the sensor reads too much, where that is estimated. */
    bias?: number | null;
    bias_spread?: number | null;
}

export interface Sensor {
    name: string;
    address: string;
    unit: string;
    kind: 'observation' | 'driver';
    noise: number | null;
    every_s: number | null;
    bias?: number | null;
    bias_spread?: number | null;
    last: Reading | null;
    accepted: number;
    rejected: number;
}

export interface Parameter {
    address: string;
    unit: string;
    /** Of an `input` the numbers are of what it adds to what is supplied. */
    kind?: 'parameter' | 'input';
    mean: number | null;
    spread: number | null;
    /** The prior's mean, and its spread where the server tells it. */
    initial?: number | null;
    initial_spread?: number | null;
    q05?: number | null;
    q95?: number | null;
}

/** What may be wrong with the model; weights stand in the order of the names. */
export interface Hypotheses {
    names: string[];
    groups: { systems: string[]; weights: (number | null)[] }[];
    forecasts: { field: string; leads: { lead_s: number; weights: (number | null)[] }[] }[];
}

export interface ForecastRow {
    time: string;
    lead_s: number;
    mean: number | null;
    spread: number | null;
    q05: number | null;
    q25: number | null;
    q50: number | null;
    q75: number | null;
    q95: number | null;
}

export interface Forecast {
    issued: string;
    field: string;
    unit: string;
    rows: ForecastRow[];
}

export interface Score {
    field: string;
    horizon_s: number;
    count: number;
    rmse: number | null;
    /** Mean of forecast less reading. */
    bias: number | null;
    persistence_rmse: number | null;
    crps: number | null;
    crps_fair: number | null;
    coverage50: number | null;
    coverage90: number | null;
    width50: number | null;
    width90: number | null;
    /** The same of the lanes alone, without recalibration. */
    raw_crps: number | null;
    raw_coverage50: number | null;
    raw_coverage90: number | null;
}

export interface TwinEvent {
    id: number | string;
    kind: string;
    subject: string;
    start: string;
    end: string | null;
    size: number | null;
    unit: string | null;
    text: string;
}

/** What could be behind an event, the likeliest first. */
export interface Suspect {
    /** Of the field that changed; null for a sensor whose readings are off. */
    address: string | null;
    sensor?: string | null;
    /** The other sensor, of two that are swapped. */
    partner?: string | null;
    /** "plant", "input"; of a sensor "bias", "drift", "stuck", "noise", "spikes", "swapped". */
    kind?: string | null;
    probability: number;
    size: number | null;
    unit: string | null;
    since: string | null;
}

export interface Suspicion {
    event: number | string;
    evaluated: number | string | null;
    samples: number | null;
    /** Probability that it is none of them. */
    none?: number | null;
    suspects: Suspect[];
}

export interface Branch {
    name: string;
    parent: string | null;
    made: string | null;
    time: string | null;
    own_bytes: number | null;
    reached_bytes: number | null;
    note?: string | null;
}

export type Column = (number | null)[];

export interface Bands {
    mean: Column;
    q05: Column;
    q95: Column;
}

export interface Outcome {
    address: string;
    unit: string;
    times_s: number[];
    base: Bands;
    what_if: Bands;
    difference: Bands;
}

export interface ScenarioResult {
    name: string | null;
    from: string;
    horizon_s: number;
    fields: Outcome[];
    /** What could not be compared, and why. */
    notes?: string[];
}

export interface History {
    address: string;
    unit: string;
    columns: string[];
    rows: [string, number | null, number | string | null][];
}

/** Rows of a time and what the columns behind it name. */
export interface Table {
    columns: string[];
    rows: [string, ...Column][];
    /** False: history keeps nothing of it. */
    recorded: boolean;
}

/** A change of a what-if, as a world file writes it: `{at: "+5 min", times: 4}`. */
export type Change = Record<string, string | number>;

export type Question =
    | { name: string; fields?: string[]; points?: number }
    | { set: Record<string, Change>; for: string; fields?: string[]; points?: number };

export interface CycleMessage {
    type: 'cycle';
    time: string;
    cycle: number;
    lanes_left: number;
    values: Value[];
    sensors?: (Reading & { name: string })[];
    parameters?: Parameter[];
    /** Where the world names several. */
    hypotheses?: Hypotheses;
}

export type LiveMessage =
    | CycleMessage
    | { type: 'event'; event: TwinEvent }
    | { type: 'forecast'; forecast: Forecast };

/** What the server answered when it refused; its message is the server's own sentence. */
export class Refused extends Error {
    constructor(
        readonly status: number,
        text: string,
    ) {
        super(text);
    }
}

const base = new URL('api/v1/', document.baseURI);
const patience_ms = 20_000;
const long_patience_ms = 120_000; // a what-if runs every lane ahead

type Query = Record<string, string | number | undefined>;

function locate(path: string, query: Query = {}): URL {
    const url = new URL(path, base);
    for (const [key, value] of Object.entries(query)) {
        if (value !== undefined) {
            url.searchParams.set(key, String(value));
        }
    }
    return url;
}

async function request<T>(method: string, url: URL, body?: unknown, wait_ms = patience_ms): Promise<T> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), wait_ms);
    try {
        const answer = await fetch(url, {
            method,
            signal: abort.signal,
            headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await answer.text();
        const data: unknown = text === '' ? null : JSON.parse(text);
        if (!answer.ok) {
            const told = (data as { error?: { text?: string } } | null)?.error?.text;
            throw new Refused(answer.status, told ?? `the server answered ${answer.status}`);
        }
        return data as T;
    } catch (problem) {
        if (abort.signal.aborted) {
            throw new Error(`no answer within ${wait_ms / 1000} s`);
        }
        throw problem;
    } finally {
        clearTimeout(timer);
    }
}

const get = <T>(path: string, query?: Query) => request<T>('GET', locate(path, query));

export const api = {
    world: () => get<World>('world'),
    systems: () => get<System[]>('systems'),
    elements: (system: string, kind: string, offset: number, limit: number) =>
        get<{ total: number; elements: Placed[] }>(`systems/${encodeURIComponent(system)}/elements`, {
            class: kind, offset, limit,
        }),
    sensors: () => get<Sensor[]>('sensors'),
    values: (address: string, branch?: string) =>
        get<{ time: string; branch: string; values: Value[] }>('values', { address, branch }),
    history: (address: string, from: string, points = 1000) =>
        get<History>('history', { address, from, points }),
    sensorHistory: (sensor: string, from: string, points = 1000) =>
        get<History>('history', { sensor, from, points }),
    learnedHistory: (learned: string, from: string, points: number) =>
        get<Table>('history', { learned, from, points }),
    weightHistory: (hypotheses: string, from: string, points: number) =>
        get<Table>('history', { hypotheses, from, points }),
    forecasts: () => get<Forecast[]>('forecasts'),
    scores: () => get<Score[]>('scores'),
    events: () => get<TwinEvent[]>('events', { limit: 100 }),
    suspects: (event: number | string) => get<Suspicion>('suspects', { event }),
    parameters: () => get<Parameter[]>('parameters'),
    hypotheses: () => get<Hypotheses>('hypotheses'),
    branches: () => get<Branch[]>('branches'),
    fork: (name: string, from: string, note: string) =>
        request<{ name: string; own_bytes: number; elapsed_us: number }>('POST', locate('branches'), {
            name,
            from,
            ...(note === '' ? {} : { note }),
        }),
    removeBranch: (name: string) =>
        request<null>('DELETE', locate(`branches/${encodeURIComponent(name)}`)),
    ask: (question: Question) =>
        request<ScenarioResult>('POST', locate('scenarios/run'), question, long_patience_ms),
};

/** Where live changes are told. */
export function liveAddress(): string {
    const url = locate('live');
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return url.href;
}

/** Seconds since 1970 of a time as the server writes it; null where there is none. */
export function seconds(time: string | number | null | undefined): number | null {
    if (time === null || time === undefined) {
        return null;
    }
    const ms = typeof time === 'number' ? time / 1e6 : Date.parse(time);
    return Number.isFinite(ms) ? ms / 1000 : null;
}
