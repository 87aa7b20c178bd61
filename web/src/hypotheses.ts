// What the weights of hypotheses say, in words.

import type { Hypotheses } from './api';
import { percentText } from './format';

// The best of several must have at least so much for a sentence to name it alone.
const clear = 0.6;

const subjects: Record<string, string> = {
    'as known': 'the model as it is known',
    drifting: 'a drift of its parameters',
    'unknown input': 'an unknown input',
    'drifting and unknown input': 'a drift of its parameters with an unknown input',
};

const subjectOf = (name: string) => subjects[name] ?? name;

export interface Share {
    /** Its place among the hypotheses: it chooses the colour. */
    index: number;
    name: string;
    weight: number;
}

/** The heaviest first. */
export function sharesOf(names: string[], weights: readonly (number | null)[]): Share[] {
    return names
        .map((name, index) => ({ index, name, weight: weights[index] ?? 0 }))
        .sort((a, b) => b.weight - a.weight);
}

/** A weight in per cent; one that is not all is never rounded to all, nor one that is something to nothing. */
export function weightText(weight: number): string {
    if (weight > 0.995 && weight < 1) {
        return '> 99 %';
    }
    return weight > 0 && weight < 0.005 ? '< 1 %' : percentText(weight);
}

/** "An unknown input explains best what is measured (97 %)." */
export function verdictOf(names: string[], weights: readonly (number | null)[]): string {
    const [first, second] = sharesOf(names, weights);
    if (first === undefined || second === undefined) {
        return '';
    }
    const [best, next] = [subjectOf(first.name), subjectOf(second.name)];
    if (first.weight < clear) {
        return `Not decided: ${best} (${weightText(first.weight)}) or ${next} (${weightText(second.weight)}).`;
    }
    return `${best.charAt(0).toUpperCase()}${best.slice(1)} explains best what is measured (${weightText(first.weight)}).`;
}

/** Whom the newest forecast of a field trusts at a lead; empty where there is no choice. */
export function trustedAt(told: Hypotheses | null, field: string, lead_s: number): Share[] {
    if (told === null || told.names.length < 2) {
        return [];
    }
    const lead = told.forecasts.find((one) => one.field === field)?.leads.find((one) => one.lead_s === lead_s);
    return lead === undefined ? [] : sharesOf(told.names, lead.weights);
}
