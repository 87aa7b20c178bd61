// What the page knows, as signals: written here, read by the components.

import { batch, computed, signal } from '@preact/signals';
import {
    api,
    seconds,
    type Branch,
    type CycleMessage,
    type Forecast,
    type Hypotheses,
    type LiveMessage,
    type Parameter,
    type Role,
    type Score,
    type Sensor,
    type System,
    type TwinEvent,
    type Value,
    type World,
} from './api';
import { parseAddress, sameField } from './format';
import { extendTrace } from './traces';
import { displayOf, type Display } from './units';

export type Connection = 'connecting' | 'live' | 'polling' | 'offline';

export const connection = signal<Connection>('connecting');
export const world = signal<World | null>(null);
export const systems = signal<System[]>([]);
export const values = signal<ReadonlyMap<string, Value>>(new Map());
export const sensors = signal<Sensor[]>([]);
export const parameters = signal<Parameter[]>([]);
export const hypotheses = signal<Hypotheses | null>(null);
export const events = signal<TwinEvent[]>([]);
export const forecasts = signal<Forecast[]>([]);
export const scores = signal<Score[]>([]);
export const branches = signal<Branch[]>([]);

/** World time in seconds since 1970. */
export const time_s = signal<number | null>(null);
export const lanesLeft = signal<number | null>(null);

/** Addresses with a chart, the first on top. */
export const charted = signal<string[]>([]);
export const window_s = signal(1800);

const most_charts = 4;
const most_events = 200;
const trail_length = 90;
const most_whole_worlds = 2000; // values; beyond it, only what the server publishes is fetched
const most_seeded = 24; // sparklines filled from history at the start

function remembered(key: string): string | null {
    try {
        return localStorage.getItem(key);
    } catch {
        return null; // a browser may forbid storage
    }
}

export const si = signal(remembered('gemel.si') === 'true');

export function toggleUnits(): void {
    si.value = !si.value;
    try {
        localStorage.setItem('gemel.si', String(si.value));
    } catch {
        // then the choice lasts as long as the page
    }
}

// A unit that flips between kPa and bar from one cycle to the next cannot be read: the size an address was first
// seen with decides.
const sizes = new Map<string, number>();

/** How an address is shown. @param hint its size in SI, for where its value is not known */
export function displayFor(address: string, unit: string, hint = 0): Display {
    let size = sizes.get(address);
    if (size === undefined) {
        size = Math.abs(values.value.get(address)?.mean ?? hint);
        if (size > 0) {
            sizes.set(address, size);
        }
    }
    return displayOf(unit, size, si.value);
}

// Sparklines' data: plain arrays, redrawn with the signal that brought the newest point.
const trails = new Map<string, number[]>();

export function trailOf(address: string): readonly number[] {
    return trails.get(address) ?? [];
}

function extendTrail(address: string, mean: number | null): void {
    if (mean === null || !Number.isFinite(mean)) {
        return;
    }
    let trail = trails.get(address);
    if (trail === undefined) {
        trail = [];
        trails.set(address, trail);
    }
    trail.push(mean);
    if (trail.length > trail_length) {
        trail.shift();
    }
}

async function seedTrail(key: string, past: () => Promise<{ rows: (readonly unknown[])[] }>): Promise<void> {
    try {
        const { rows } = await past();
        const means = rows.map((row) => row[1]).filter((mean): mean is number => typeof mean === 'number');
        trails.set(key, [...means, ...(trails.get(key) ?? [])].slice(-trail_length));
    } catch {
        // not recorded: its trail grows from now on
    }
}

async function seedTrails(fields: string[]): Promise<void> {
    const since = (time_s.value ?? Date.now() / 1000) - window_s.value;
    const from = new Date(since * 1000).toISOString();
    for (const one of parameters.value.slice(0, most_seeded)) {
        await seedTrail(learnedKey(one), async () => {
            const kept = await api.learnedHistory(one.address, from, trail_length);
            return kept.recorded || one.kind === 'input' ? kept : api.history(one.address, from, trail_length);
        });
    }
    for (const field of fields.slice(0, most_seeded)) {
        await seedTrail(field, () => api.history(field, from, trail_length));
    }
}

const roles = computed(() => {
    const table = new Map<string, Role>();
    for (const system of systems.value) {
        for (const kind of system.classes) {
            for (const field of kind.fields) {
                table.set(`${system.name}/${kind.name}/${field.name}`, field.role);
            }
        }
    }
    return table;
});

/** A live value comes without its role: the last one told for the address holds, else the class's. */
function roleOf(address: string): Role {
    const { system, className, field } = parseAddress(address);
    return (
        values.value.get(address)?.role ?? roles.value.get(`${system}/${className}/${field}`) ?? 'state'
    );
}

export function takeValues(incoming: Value[]): void {
    const next = new Map(values.value);
    for (const value of incoming) {
        next.set(value.address, { ...value, role: value.role ?? roleOf(value.address) });
        extendTrail(value.address, value.mean);
    }
    values.value = next;
}

/** Keys of trails and traces: what an unknown input adds is another thing than the input that it acts on. */
export const learnedKey = ({ kind, address }: Parameter) => (kind === 'input' ? `added ${address}` : address);
export const sensorKey = (name: string) => `sensor ${name}`;
export const groupKey = (index: number) => `group ${index}`;

export function takeParameters(incoming: Parameter[]): void {
    const known = new Map(parameters.value.map((parameter) => [learnedKey(parameter), parameter]));
    for (const parameter of incoming) {
        const key = learnedKey(parameter);
        // a live message does not carry the prior; without quantiles the band follows from the spread
        const { q05: _q05, q95: _q95, ...before } = known.get(key) ?? parameter;
        known.set(key, { ...before, ...parameter });
        if (!values.value.has(key)) {
            extendTrail(key, parameter.mean);
        }
        extendTrace(key, time_s.value, [parameter.mean, ...bandOf(parameter)]);
    }
    parameters.value = [...known.values()];
}

export function takeHypotheses(told: Hypotheses): void {
    hypotheses.value = told;
    told.groups.forEach(({ weights }, index) => extendTrace(groupKey(index), time_s.value, weights));
}

/** How far off the estimate a reading may be by noise and spread alone. */
export function expectedSize(sensor: Sensor): number | null {
    const size = Math.hypot(sensor.noise ?? 0, sensor.last?.spread ?? 0);
    return size > 0 ? size : null;
}

function traceSensors(): void {
    for (const sensor of sensors.value) {
        const innovation = sensor.last?.innovation ?? null;
        if (sensor.kind === 'observation' && innovation !== null) {
            extendTrace(sensorKey(sensor.name), seconds(sensor.last?.time), [innovation, expectedSize(sensor)]);
        }
    }
}

function takeReadings(incoming: NonNullable<CycleMessage['sensors']>): void {
    const news = new Map(incoming.map((reading) => [reading.name, reading]));
    sensors.value = sensors.value.map((sensor) => {
        const reading = news.get(sensor.name);
        if (reading === undefined) {
            return sensor;
        }
        const isNew = reading.time !== sensor.last?.time;
        const { bias = sensor.bias, bias_spread = sensor.bias_spread, ...told } = reading;
        const last = { ...sensor.last, ...told };
        return { ...sensor, last, bias, bias_spread, accepted: sensor.accepted + (isNew ? 1 : 0) };
    });
    traceSensors();
}

function takeCycle(message: CycleMessage): void {
    time_s.value = seconds(message.time);
    lanesLeft.value = message.lanes_left;
    takeValues(message.values ?? []);
    takeReadings(message.sensors ?? []);
    takeParameters(message.parameters ?? []);
    if (message.hypotheses !== undefined) {
        takeHypotheses(message.hypotheses);
    }
}

const byNeed = (a: TwinEvent, b: TwinEvent) =>
    Number(b.end === null) - Number(a.end === null) || (seconds(b.start) ?? 0) - (seconds(a.start) ?? 0);

function takeEvents(incoming: TwinEvent[]): void {
    const known = new Map(events.value.map((event) => [event.id, event]));
    for (const event of incoming) {
        known.set(event.id, event);
    }
    events.value = [...known.values()].sort(byNeed).slice(0, most_events);
}

function takeForecast(forecast: Forecast): void {
    forecasts.value = [...forecasts.value.filter((one) => one.field !== forecast.field), forecast];
}

export function takeMessage(message: LiveMessage): void {
    batch(() => {
        switch (message.type) {
            case 'cycle':
                takeCycle(message);
                break;
            case 'event':
                takeEvents([message.event]);
                break;
            case 'forecast':
                takeForecast(message.forecast);
                break;
        }
    });
}

/** The pattern of all values, or null for a world too large to show whole. */
function everything(): string | null {
    const count = systems.value
        .flatMap((system) => system.classes)
        .reduce((sum, kind) => sum + kind.count * kind.fields.length, 0);
    return count <= most_whole_worlds ? '*/*/*/*' : null;
}

export async function refreshValues(): Promise<void> {
    const pattern = everything();
    const asked = pattern !== null ? [pattern] : [...charted.value, ...(world.value?.forecast?.fields ?? [])];
    for (const address of new Set(asked)) {
        const answer = await api.values(address);
        batch(() => {
            time_s.value = seconds(answer.time) ?? time_s.value;
            takeValues(answer.values);
        });
    }
}

export const refresh = {
    world: async () => {
        const told = await api.world();
        world.value = told;
        lanesLeft.value = told.lanes_left;
    },
    sensors: async () => {
        sensors.value = await api.sensors();
        traceSensors();
    },
    hypotheses: async () => takeHypotheses(await api.hypotheses()),
    parameters: async () => takeParameters(await api.parameters()),
    events: async () => takeEvents(await api.events()),
    forecasts: async () => void (forecasts.value = await api.forecasts()),
    scores: async () => void (scores.value = await api.scores()),
    branches: async () => void (branches.value = await api.branches()),
};

/** Reads all tables; one that fails leaves the others on the page and is tried again later. */
export async function refreshAll(): Promise<void> {
    await Promise.allSettled([refreshValues(), ...Object.values(refresh).map((read) => read())]);
}

// The window that shows the forecast's reach and some past: about twice the farthest lead.
function windowFor(reach_s: number): number {
    return windows.find((choice) => choice.span_s >= Math.max(600, reach_s))?.span_s ?? 86400;
}

export const windows = [
    { span_s: 600, label: '10 min' },
    { span_s: 1800, label: '30 min' },
    { span_s: 3600, label: '1 h' },
    { span_s: 6 * 3600, label: '6 h' },
    { span_s: 86400, label: '1 d' },
    { span_s: 7 * 86400, label: '7 d' },
    { span_s: 31 * 86400, label: '31 d' },
];

let opened = false;

/** Reads the world and everything in it; the first time, also chooses what the chart shows. */
export async function openWorld(): Promise<void> {
    const [told, tables] = await Promise.all([api.world(), api.systems()]);
    batch(() => {
        world.value = told;
        systems.value = tables;
        lanesLeft.value = told.lanes_left;
        time_s.value = seconds(told.time);
    });
    if (!opened) {
        window_s.value = windowFor(Math.max(0, ...(told.forecast?.leads_s ?? [])));
    }
    await refreshAll();
    if (!opened && charted.value.length === 0) {
        const first = told.forecast?.fields[0] ?? sensors.value[0]?.address ?? [...values.value.keys()][0];
        if (first !== undefined) {
            chartOnly(knownAddress(first));
        }
    }
    if (!opened) {
        void seedTrails(told.forecast?.fields ?? []);
    }
    opened = true;
}

/** An address as the values spell it: a world file may leave the class out or use a pattern. */
export function knownAddress(address: string): string {
    const pattern = address.split('/');
    for (const known of values.value.keys()) {
        const matches =
            sameField(known, address) ||
            (address.includes('*') &&
                known.split('/').every((part, index) => pattern[index] === '*' || pattern[index] === part));
        if (matches) {
            return known;
        }
    }
    return address;
}

export function chartOnly(address: string): void {
    charted.value = [address];
}

export function toggleChart(address: string): void {
    const shown = charted.value;
    charted.value = shown.includes(address)
        ? shown.filter((one) => one !== address)
        : [...shown, address].slice(-most_charts);
}

/** The 90 % band of a value: its quantiles, or what they would be if the lanes were normal. */
export function bandOf(value: {
    mean: number | null;
    spread: number | null;
    q05?: number | null;
    q95?: number | null;
}): [number | null, number | null] {
    const { mean, spread } = value;
    const half = mean === null || spread === null ? null : normal90 * spread;
    return [
        value.q05 ?? (mean === null || half === null ? null : mean - half),
        value.q95 ?? (mean === null || half === null ? null : mean + half),
    ];
}

/** Standard deviations from the mean to the edges of a normal distribution's 90 % and 50 % bands. */
export const normal90 = 1.6449;
export const normal50 = 0.6745;
