// What the plan shows: which system, which field, as it is now, after a what-if, or by suspicion. Signals only; planfeed.ts
// asks the server, components/plan*.tsx draw.

import { computed, signal } from '@preact/signals';
import type { Class, Outcome, Role, Suspicion } from './api';
import { limitsOf, rangeOf, type Ramp } from './colourscale';
import { parseAddress } from './format';
import { className, elementOf, type Network } from './network';
import { forecasts, sensors, si, world } from './store';
import { asDifference, displayOf, type Display } from './units';

export type Measure = 'mean' | 'spread';

/** A field that elements can be coloured by. */
export interface Offer {
    field: string;
    unit: string;
    role: Role;
    classes: string[];
    /** It belongs to lines: they come to the fore then. */
    ofLines: boolean;
}

/** A field's values by element, NaN where there is none. */
export interface Columns {
    mean: Float64Array;
    spread: Float64Array;
}

/** A ready-made question's answer. */
export interface PlanAnswer {
    title: string;
    net: Network;
    subject: number;
    field: string;
    unit: string;
    times_s: number[];
    /** Of the field, by element. */
    of: Map<number, Outcome>;
    /** Of the element that the question was about. */
    own: Outcome[];
    notes: string[];
    /** Elements by their largest difference at any time. */
    ranked: number[];
}

export interface Paint {
    kind: 'now' | 'what-if' | 'suspects';
    title: string;
    display: Display;
    ramp: Ramp;
    values: Float64Array;
    low: number;
    high: number;
    /** The one value of all of them. */
    alike: number | null;
    ofLines: boolean;
}

export const networks = signal<Network[]>([]);
export const chosenSystem = signal<string | null>(null);
export const chosenField = signal<string | null>(null);
export const measure = signal<Measure>('mean');
/** Limits of the colours that the reader fixed, SI; null: they follow the values. */
export const fixed = signal<{ low: number; high: number } | null>(null);

export const picked = signal<number | null>(null);
export const columns = signal<{ net: Network; field: string; columns: Columns } | null>(null);
/** Elements that let nothing through. */
export const shut = signal<{ net: Network; marks: Uint8Array } | null>(null);
export const planTrouble = signal<string | null>(null);

export const answered = signal<PlanAnswer | null>(null);
/** Which of the answer's times is shown. */
export const moment = signal(0);

export const suspicions = signal<ReadonlyMap<string, Suspicion>>(new Map());
/** Less probable suspects are not spoken of. */
export const least_told = 0.005;
/** The event whose suspects the plan shows. */
export const accused = signal<string | null>(null);

export const network = computed(
    () => networks.value.find(({ system }) => system === chosenSystem.value) ?? networks.value[0] ?? null,
);

const hasPlace = (system: string) => networks.value.some((net) => net.system === system);
export const isOnPlan = (address: string) => hasPlace(parseAddress(address).system);

export const offers = computed((): Offer[] => {
    const list: Offer[] = [];
    for (const kind of network.value?.classes ?? []) {
        for (const { name, unit, role } of kind.fields) {
            const known = list.find((one) => one.field === name && one.unit === unit);
            if (known === undefined) {
                list.push({ field: name, unit, role, classes: [kind.name], ofLines: kind.shape === 'line' });
            } else {
                known.classes.push(kind.name);
            }
        }
    }
    return list;
});

export const isComputed = (role: Role) => role === 'state' || role === 'output';

/** What people look at first: the field measured most often, else one that is forecast, else the first computed. */
export const mainOffer = computed((): Offer | null => {
    const net = network.value;
    if (net === null) {
        return null;
    }
    const looked = [...sensors.value.map(({ address }) => address), ...(world.value?.forecast?.fields ?? []),
        ...forecasts.value.map(({ field }) => field)].filter((address) => parseAddress(address).system === net.system);
    const votes = new Map<string, number>();
    for (const address of looked) {
        const { field } = parseAddress(address);
        votes.set(field, (votes.get(field) ?? 0) + 1);
    }
    const shown = offers.value.filter(({ role }) => isComputed(role));
    return [...shown].sort((a, b) => (votes.get(b.field) ?? 0) - (votes.get(a.field) ?? 0))[0] ?? offers.value[0] ?? null;
});

export const offerId = ({ field, unit }: Offer) => `${field} ${unit}`;

export const offer = computed(
    () => offers.value.find((one) => offerId(one) === chosenField.value) ?? mainOffer.value,
);

/** What a ready-made question compares: the field that colours the plan, unless that is given, not computed. */
export const compared = computed(() => {
    const shown = offer.value;
    return shown !== null && isComputed(shown.role) ? shown : mainOffer.value;
});

/** Sensors by element. */
export const sensed = computed(() => {
    const table = new Map<number, string[]>();
    const net = network.value;
    for (const { name, address } of sensors.value) {
        const element = net === null ? null : elementOf(net, address);
        if (element !== null) {
            table.set(element, [...(table.get(element) ?? []), name]);
        }
    }
    return table;
});

// Colours and units that follow every breath of the values cannot be read: limits move when the values left them
// clearly, and the unit stays as it was first chosen.
const held = new Map<string, { low: number; high: number; ramp: Ramp; size: number }>();
const loose = 0.04;
const two_sided = 0.1; // of the longer side: less below zero is no second side

function heldLimits(key: string, values: Float64Array, wanted: Ramp | null) {
    const before = held.get(key);
    const range = rangeOf(values);
    if (range === null) {
        return before ?? { low: 0, high: 1, ramp: wanted ?? 'sequential', size: 0 };
    }
    const sides = [-range.low, range.high];
    const spans = Math.min(...sides) > two_sided * Math.max(...sides);
    const ramp = wanted ?? before?.ramp ?? (spans ? 'diverging' : 'sequential');
    const { low, high } = limitsOf(values, ramp);
    const moved = before === undefined ? Infinity : Math.abs(low - before.low) + Math.abs(high - before.high);
    if (before !== undefined && moved <= loose * (before.high - before.low)) {
        return before;
    }
    const next = { low, high, ramp, size: before?.size || Math.max(Math.abs(low), Math.abs(high)) };
    held.set(key, next);
    return next;
}

function alikeOf(values: Float64Array): number | null {
    const first = values.find((value) => !Number.isNaN(value));
    return first !== undefined && values.every((value) => Number.isNaN(value) || value === first) ? first : null;
}

export const wordsOf = (field: string) => field.replace(/_/g, ' ');

function paintNow(net: Network, shown: Offer): Paint {
    const here = columns.value;
    const known = here !== null && here.net === net && here.field === offerId(shown);
    const values = known ? here.columns[measure.value] : new Float64Array(net.count).fill(NaN);
    const key = `${net.system} ${offerId(shown)} ${measure.value}`;
    // what is common counts: a few tanks among junctions must not take half of the colours
    const common = net.classes.filter(({ name }) => shown.classes.includes(name)).sort((a, b) => b.count - a.count)[0];
    const counted = values.filter((_, element) => net.classes[net.classOf[element] as number] === common);
    const limits = heldLimits(key, counted, measure.value === 'spread' ? 'sequential' : null);
    const display = displayOf(shown.unit, limits.size, si.value);
    return {
        kind: 'now',
        title: measure.value === 'spread' ? `spread of ${wordsOf(shown.field)}` : wordsOf(shown.field),
        display: measure.value === 'spread' ? asDifference(display) : display,
        values,
        ...limits,
        ...fixed.value,
        alike: alikeOf(values),
        ofLines: shown.ofLines,
    };
}

/** How large the differences are at their largest: the colours of all times share these limits. */
const answerLimits = computed(() => {
    const answer = answered.value;
    const peaks = [...(answer?.of.values() ?? [])].map(peakOf);
    return limitsOf([...peaks, ...peaks.map((peak) => -peak)], 'diverging');
});

export function peakOf({ difference }: Outcome): number {
    return difference.mean.reduce((most: number, one) => Math.max(most, Math.abs(one ?? 0)), 0);
}

const most_worst = 10;

/** The elements hit worst at one of the answer's times; where those tie, at any time. */
export function worstAt({ of, ranked }: PlanAnswer, at: number): number[] {
    const size = (element: number) => Math.abs(of.get(element)?.difference.mean[at] ?? 0);
    return [...ranked].sort((a, b) => size(b) - size(a)).slice(0, most_worst);
}

function paintAnswer(net: Network, answer: PlanAnswer): Paint {
    const values = new Float64Array(net.count).fill(NaN);
    for (const [element, outcome] of answer.of) {
        values[element] = outcome.difference.mean[moment.value] ?? NaN;
    }
    const limits = answerLimits.value;
    const size = Math.max(0, ...[...answer.of.values()].slice(0, 50).map(({ base }) => Math.abs(base.mean[0] ?? 0)));
    return {
        kind: 'what-if',
        title: `difference of ${wordsOf(answer.field)}`,
        display: asDifference(displayOf(answer.unit, size, si.value)),
        ramp: 'diverging',
        values,
        ...limits,
        ...fixed.value,
        alike: null,
        ofLines: answer.net.classes.some(
            ({ shape, fields }) => shape === 'line' && fields.some(({ name }) => name === answer.field),
        ),
    };
}

function paintSuspects(net: Network, suspicion: Suspicion): Paint {
    const values = new Float64Array(net.count).fill(NaN);
    for (const { address, probability } of suspicion.suspects) {
        const element = elementOf(net, address ?? '');
        if (element !== null && probability >= least_told) {
            values[element] = Math.max(probability, Number.isNaN(values[element]) ? 0 : (values[element] as number));
        }
    }
    const most = values.reduce((high, one) => (one > high ? one : high), 0);
    return {
        kind: 'suspects',
        title: 'probability',
        display: { unit: '%', scale: 100, offset: 0 },
        ramp: 'sequential',
        values,
        low: 0,
        high: most || 1,
        ...fixed.value,
        alike: null,
        ofLines: true,
    };
}

export const paint = computed((): Paint | null => {
    const net = network.value;
    const answer = answered.value;
    const shown = offer.value;
    if (net === null || shown === null) {
        return null;
    }
    const suspicion = accused.value === null ? undefined : suspicions.value.get(accused.value);
    if (suspicion !== undefined) {
        return paintSuspects(net, suspicion);
    }
    return answer !== null && answer.net === net ? paintAnswer(net, answer) : paintNow(net, shown);
});

/** A class by how common it is among those of its shape: the commonest is drawn plain, the others carry a mark. */
export function rankOf(net: Network, kind: Class): number {
    return net.classes.filter(({ shape }) => shape === kind.shape)
        .sort((a, b) => b.count - a.count)
        .indexOf(kind);
}

export function pick(element: number | null): void {
    picked.value = element;
}

/** Back to how things are. */
export function showNow(): void {
    answered.value = null;
    accused.value = null;
    fixed.value = null;
}

export function showSuspects(event: string): void {
    const first = suspicions.value.get(event)?.suspects.find(({ address }) => address !== null && isOnPlan(address))?.address ?? '';
    const net = networks.value.find(({ system }) => parseAddress(first).system === system);
    showNow();
    chosenSystem.value = net?.system ?? chosenSystem.value;
    picked.value = net === undefined ? null : elementOf(net, first);
    accused.value = event;
}

export const nameOf = (net: Network, element: number) => `${className(net, element)} ${net.names[element]}`;
