// Asks the server for what the plan shows: one thing at a time, a second apart and no oftener than the cycle, nothing while
// nobody looks. What a reader's click wants is asked at once.

import { effect, signal } from '@preact/signals';
import { api, seconds, Refused, type Outcome, type Question, type ScenarioResult, type Suspicion, type Value } from './api';
import { addressOf, around, className, elementOf, loadNetwork, type Network } from './network';
import { choices, type Ready } from './questions';
import {
    accused, answered, columns, compared, isComputed, measure, moment, nameOf, networks, network, offer, offerId, peakOf,
    picked, planTrouble, shut, suspicions, type Offer,
} from './planstate';
import { events, systems, takeValues, time_s } from './store';

const most_values = 10_000; // the server's limit for one request: beyond it, fields are asked for in parts
const most_compared = 1000; // its limit for a what-if
const most_numbers = 24_000; // addresses times points of a what-if, so that an answer stays some megabytes
const most_points = 96;
const least_points = 12;
const most_own = 6;
const pause_ms = 1000;
const slow_pace = 0.25;
const slowness = 3; // a server that takes long is asked less often: it rests this many times as long as it took
const too_large = 413;
const too_busy = 503; // nothing is published yet, or too much at once
const suspects_ms = 10_000;

/** False while the plan is scrolled away. */
export const planSeen = signal(false);

interface Wish {
    key: string;
    patterns: string[];
    take: (values: Value[]) => void;
    /** How fast it ages: what seldom changes is asked for less often. */
    pace: number;
}

/** Systems that have more values of a field than one request may have. */
const large = new Set<string>();

/** Patterns for a field of some classes: one where the server allows it. */
function patternsOf(net: Network, classes: string[], field: string): string[] {
    if (!large.has(net.system)) {
        return [classes.length === 1 ? `${net.system}/${classes[0]}/*/${field}` : `${net.system}/*/*/${field}`];
    }
    return classes.flatMap((kind) => {
        const names = net.names.filter((_, element) => className(net, element) === kind);
        return prefixes(names, '').map((prefix) => `${net.system}/${kind}/${prefix}/${field}`);
    });
}

/** Splits names by their first letters until each part is small enough. */
function prefixes(names: string[], start: string): string[] {
    if (names.length <= most_values) {
        return [`${start}*`];
    }
    const parts = new Map<string, string[]>();
    const whole: string[] = [];
    for (const name of names) {
        if (name.length === start.length) {
            whole.push(name); // the prefix itself is a name
        } else {
            const longer = name.slice(0, start.length + 1);
            const part = parts.get(longer);
            if (part === undefined) {
                parts.set(longer, [name]);
            } else {
                part.push(name);
            }
        }
    }
    return [...whole, ...[...parts].flatMap(([prefix, part]) => prefixes(part, prefix))];
}

function takeColumns(net: Network, shown: Offer, values: Value[]): void {
    const before = columns.value;
    const fresh = before === null || before.net !== net || before.field !== offerId(shown);
    const mean = fresh ? new Float64Array(net.count).fill(NaN) : before.columns.mean.slice();
    const spread = fresh ? new Float64Array(net.count).fill(NaN) : before.columns.spread.slice();
    for (const value of values) {
        const element = elementOf(net, value.address);
        if (element !== null) {
            mean[element] = value.mean ?? NaN;
            spread[element] = value.spread ?? NaN;
        }
    }
    columns.value = { net, field: offerId(shown), columns: { mean, spread } };
}

function takeShut(net: Network, closed: number[], values: Value[]): void {
    const marks = shut.value?.net === net ? shut.value.marks.slice() : new Uint8Array(net.count);
    for (const { address, q50, mean } of values) {
        const element = elementOf(net, address);
        if (element !== null) {
            marks[element] = closed.includes(Math.round(q50 ?? mean ?? 1)) ? 1 : 0;
        }
    }
    shut.value = { net, marks };
}

function wishes(): Wish[] {
    const net = network.value;
    const shown = offer.value;
    if (net === null || shown === null) {
        return [];
    }
    const list: Wish[] = [];
    const element = picked.value;
    if (element !== null && element < net.count) {
        const address = addressOf(net, element, '*');
        list.push({ key: address, patterns: [address], take: takeValues, pace: 1 });
    }
    if (answered.value === null && accused.value === null) {
        const patterns = patternsOf(net, shown.classes, shown.field);
        list.push({ key: `${net.system} ${offerId(shown)}`, patterns, take: (values) => takeColumns(net, shown, values), pace: 1 });
    }
    for (const { field, shut: closed } of choices) {
        const classes = net.classes.filter(({ fields }) => fields.some(({ name }) => name === field)).map(({ name }) => name);
        if (classes.length > 0) {
            const take = (values: Value[]) => takeShut(net, closed, values);
            list.push({ key: `${net.system} shut by ${field}`, patterns: patternsOf(net, classes, field), take, pace: slow_pace });
        }
    }
    return list;
}

const asked = new Map<string, number>(); // key of a wish -> world time it was last asked at
let timer: number | undefined;
let busy = false;
let rested_at = 0;

/** What was never asked comes first, then what is oldest; null when all is as new as the cycle. */
function nextWish(): { wish: Wish; urgent: boolean } | null {
    const list = wishes();
    for (const key of asked.keys()) {
        if (!list.some((wish) => wish.key === key)) {
            asked.delete(key); // asked anew, and at once, when it is wanted again
        }
    }
    const age = ({ key, pace }: Wish) => ((time_s.value ?? 0) - (asked.get(key) ?? 0)) * pace;
    const fresh = list.find(({ key }) => !asked.has(key));
    const oldest = fresh ?? list.reduce<Wish | null>((most, one) => (age(one) > (most === null ? 0 : age(most)) ? one : most), null);
    return oldest === null ? null : { wish: oldest, urgent: fresh !== undefined };
}

function schedule(): void {
    const next = busy || document.visibilityState !== 'visible' || !planSeen.value ? null : nextWish();
    clearTimeout(timer);
    if (next !== null) {
        const wait_ms = next.urgent ? 0 : Math.max(0, rested_at - performance.now());
        timer = window.setTimeout(() => void follow(next.wish), wait_ms);
    }
}

async function follow({ key, patterns, take }: Wish): Promise<void> {
    busy = true;
    const began = performance.now();
    try {
        const found: Value[] = [];
        let time: number | null = null;
        for (const pattern of patterns) {
            const answer = await api.values(pattern);
            time ??= seconds(answer.time);
            found.push(...answer.values);
        }
        asked.set(key, time ?? 0);
        take(found);
        planTrouble.value = null;
    } catch (problem) {
        asked.set(key, time_s.value ?? 0); // again with the next cycle
        const status = problem instanceof Refused ? problem.status : 0;
        if (status === too_large && network.value !== null && !large.has(network.value.system)) {
            large.add(network.value.system);
            asked.delete(key); // again at once, in parts
        } else if (status !== too_busy) {
            planTrouble.value = (problem as Error).message;
        }
    }
    rested_at = performance.now() + Math.max(pause_ms, slowness * (performance.now() - began));
    busy = false;
    schedule();
}

// ---- ready-made questions ----

export const askingPlan = signal<string | null>(null);
export const questionTrouble = signal<string | null>(null);

/** Which addresses are compared: all of the field's where they are few, else those nearest to the question's element. */
function comparedFields(net: Network, element: number, shown: Offer): string[] {
    const own = net.classes[net.classOf[element] as number]?.fields
        .filter(({ role, name }) => isComputed(role) && name !== shown.field)
        .slice(0, most_own)
        .map(({ name }) => addressOf(net, element, name)) ?? [];
    const counted = net.classes.filter(({ name }) => shown.classes.includes(name));
    const room = most_compared - own.length;
    if (counted.reduce((sum, { count }) => sum + count, 0) <= room) {
        return [...own, ...counted.map(({ name }) => `${net.system}/${name}/*/${shown.field}`)];
    }
    const near = around(net, element, new Set(shown.classes), room);
    return [...own, ...near.map((one) => addressOf(net, one, shown.field))];
}

function pointsFor(net: Network, shown: Offer): number {
    const count = net.classes.filter(({ name }) => shown.classes.includes(name)).reduce((sum, one) => sum + one.count, 0);
    const room = Math.floor(most_numbers / Math.max(1, Math.min(count, most_compared)));
    return Math.max(least_points, Math.min(most_points, room));
}

export async function askReady(net: Network, element: number, ready: Ready, amount: number, horizon_s: number) {
    const shown = compared.value;
    if (shown === null) {
        return;
    }
    const title = `${nameOf(net, element)} ${ready.tells}`;
    const level = ready.unit === undefined ? amount : `${amount} ${ready.unit.spelt}`;
    const has = (name: string) => net.classes[net.classOf[element] as number]?.fields.some((one) => one.name === name);
    const stopped = (ready.stops ?? []).filter(has).map((name) => [addressOf(net, element, name), { at: '+0 s', to: 0 }] as const);
    const question: Question = {
        set: { [addressOf(net, element, ready.field)]: { at: '+0 s', [ready.way]: level }, ...Object.fromEntries(stopped) },
        for: `${horizon_s} s`,
        fields: comparedFields(net, element, shown),
        points: pointsFor(net, shown),
    };
    askingPlan.value = title;
    questionTrouble.value = null;
    try {
        takeAnswer(net, element, title, shown, await api.ask(question));
    } catch (problem) {
        questionTrouble.value = (problem as Error).message;
    } finally {
        askingPlan.value = null;
    }
}

function takeAnswer(net: Network, subject: number, title: string, shown: Offer, result: ScenarioResult): void {
    const of = new Map<number, Outcome>();
    const own: Outcome[] = [];
    for (const outcome of result.fields) {
        const element = elementOf(net, outcome.address);
        if (element !== null && outcome.address.endsWith(`/${shown.field}`)) {
            of.set(element, outcome);
        }
        if (element === subject) {
            own.push(outcome);
        }
    }
    const first = [...of.values()][0];
    if (first === undefined) {
        questionTrouble.value = 'The server named no field that both futures have.';
        return;
    }
    const peaks = new Map([...of].map(([element, outcome]) => [element, peakOf(outcome)]));
    const ranked = [...of.keys()].sort((a, b) => (peaks.get(b) ?? 0) - (peaks.get(a) ?? 0));
    // what changes most, for its size, is charted first
    const change = (one: Outcome) => peakOf(one) / one.base.mean.reduce((most: number, mean) => Math.max(most, Math.abs(mean ?? 0)), 1e-300);
    own.sort((a, b) => change(b) - change(a));
    accused.value = null;
    measure.value = 'mean';
    moment.value = first.times_s.length - 1;
    answered.value = {
        title, net, subject, field: shown.field, unit: shown.unit, times_s: first.times_s, of, own, ranked,
        notes: result.notes ?? [],
    };
}

// ---- suspects ----

const openInnovations = () => events.value.filter(({ kind, end }) => kind === 'innovation' && end === null);

let suspects_asked = 0;

/** Asks who is suspected of each open event; a server that has no answer has no suspects. */
async function askSuspects(): Promise<void> {
    const turn = ++suspects_asked;
    const next = new Map<string, Suspicion>();
    for (const { id } of openInnovations()) {
        try {
            const told = await api.suspects(id);
            if (told.suspects.length > 0) {
                const ranked = [...told.suspects].sort((a, b) => b.probability - a.probability);
                next.set(String(id), { ...told, suspects: ranked });
            }
        } catch {
            // none
        }
    }
    if (turn !== suspects_asked) {
        return; // asked again meanwhile
    }
    suspicions.value = next;
    if (accused.value !== null && !next.has(accused.value)) {
        accused.value = null; // the event is over
    }
}

// ---- start ----

async function readNetworks(): Promise<void> {
    const found: Network[] = [];
    for (const system of systems.value) {
        const net = await loadNetwork(system).catch(() => null);
        if (net !== null) {
            found.push(net);
        }
    }
    networks.value = found;
    picked.value = null;
}

/** Keeps the plan in step with the twin. */
export function followPlan(): void {
    let known = '';
    effect(() => {
        const shape = JSON.stringify(systems.value.map(({ name, classes }) => [name, classes.map((one) => [one.name, one.count])]));
        if (shape !== known) {
            known = shape;
            void readNetworks();
        }
    });
    effect(() => {
        void [time_s.value, network.value, offer.value, picked.value, answered.value, accused.value, planSeen.value];
        schedule();
    });
    document.addEventListener('visibilitychange', schedule);
    let open = '';
    effect(() => {
        // an event's text changes when more is known of its suspects: bars beside it must not say another thing
        const now = openInnovations().map(({ id, text }) => `${id} ${text}`).join('\n');
        if (now !== open) {
            open = now;
            void askSuspects();
        }
    });
    window.setInterval(() => {
        if (open !== '' && document.visibilityState === 'visible') {
            void askSuspects();
        }
    }, suspects_ms);
}
