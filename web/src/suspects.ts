// What a suspect is accused of, in words.

import type { Suspect } from './api';
import { figureText, numberText, parseAddress } from './format';
import { asDifference, convert, displayOf } from './units';

const hour_s = 3600;

const faults: Record<string, string> = {
    bias: 'is off',
    drift: 'drifts',
    stuck: 'is stuck',
    noise: 'scatters more',
    spikes: 'has spikes',
};

export interface Accusation {
    /** Tells it from all others of one event. */
    key: string;
    who: string;
    what: string;
    /** Everything, for those who want to know more. */
    title: string;
}

/** How large it is, said as its kind wants it: a reading, a factor, an amount per hour. */
function sizeOf({ kind, size, unit }: Suspect, si: boolean): string {
    if (size === null) {
        return '';
    }
    const base = kind === 'drift' ? (unit ?? '').replace(/\/s$/, '') : (unit ?? '1');
    const display = displayOf(base, Math.abs(size), si);
    if (kind === 'stuck') {
        return `at ${numberText(convert(size, display))} ${display.unit}`;
    }
    if (kind === 'noise') {
        return `${figureText(size)} times`;
    }
    const amount = convert(kind === 'drift' ? size * hour_s : size, asDifference(display));
    return `${figureText(amount)} ${display.unit}${kind === 'drift' ? ' an hour' : ''}`.trim();
}

/** @param began "since 12:00:03", or nothing */
export function accusationOf(suspect: Suspect, began: string, si: boolean): Accusation {
    const { address, sensor, partner, kind } = suspect;
    const size = sizeOf(suspect, si);
    const told = (name: string) => [name, size, began].filter(Boolean).join(', ');
    const key = [kind, address, sensor, partner].join(' ');
    if (address !== null) {
        const { className, element, field } = parseAddress(address);
        return { key, who: `${className} ${element}`.trim(), what: field.replace(/_/g, ' '), title: told(address) };
    }
    if (kind === 'swapped') {
        return { key, who: `${sensor} and ${partner}`, what: 'are swapped', title: told(`${sensor} and ${partner}`) };
    }
    return { key, who: sensor ?? '', what: faults[kind ?? ''] ?? 'reads wrong', title: told(`readings of ${sensor}`) };
}
