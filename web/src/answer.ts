// The difference between two futures as a sentence.

import type { Column, Outcome } from './api';
import { durationText, numberText, shortName } from './format';
import { asDifference, convert, type Display } from './units';

/** The index of the column's largest magnitude. */
function peakOf(column: Column): number {
    let peak = 0;
    column.forEach((value, index) => {
        if (Math.abs(value ?? 0) > Math.abs(column[peak] ?? 0)) {
            peak = index;
        }
    });
    return peak;
}

/** The newest time at which both futures exist. */
function lastOf(column: Column): number {
    let last = column.length - 1;
    while (last > 0 && column[last] === null) {
        last--;
    }
    return last;
}

const word = (difference: number) => (difference < 0 ? 'lower' : 'higher');

/** "air temperature is 4.2 °C lower after 30 min (90 %: 3.9 to 4.6)". */
export function answer(outcome: Outcome, shown: Display): string {
    const display = asDifference(shown);
    const { mean, q05, q95 } = outcome.difference;
    const last = lastOf(mean);
    const end = convert(mean[last], display);
    const name = shortName(outcome.address);
    if (end === null) {
        return `${name}: no lane reached the end.`;
    }
    const after = durationText(outcome.times_s[last]);
    const low = convert(q05[last], display) ?? end;
    const high = convert(q95[last], display) ?? end;
    const grain = (high - low) / 3.29;
    const unit = display.unit === '' ? '' : ` ${display.unit}`;
    const amount = (value: number) => numberText(Math.abs(value), grain);
    const peak = peakOf(mean);
    const most = convert(mean[peak], display) ?? 0;
    const passed =
        Math.abs(most) > 1.25 * Math.abs(end) && peak < last
            ? ` At most it is ${numberText(Math.abs(most), grain)}${unit} ${word(most)}, after ${durationText(outcome.times_s[peak])}.`
            : '';
    if (low === 0 && high === 0) {
        return `${name} is the same after ${after}.${passed}`;
    }
    if (low <= 0 && high >= 0) {
        const range = `${numberText(low, grain)} to ${numberText(high, grain)}${unit}`;
        return `${name} is not clearly different after ${after} (90 %: ${range}).${passed}`;
    }
    // of a fall, the smaller amount comes first too: "4.2 lower, 3.9 to 4.6"
    const [least, largest] = end < 0 ? [high, low] : [low, high];
    return (
        `${name} is ${amount(end)}${unit} ${word(end)} after ${after} ` +
        `(90 %: ${amount(least)} to ${amount(largest)}).${passed}`
    );
}
