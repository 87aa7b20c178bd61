// Two futures over each other, and below them their difference: the same lanes, so the difference is the decision's.

import uPlot from 'uplot';
import type { Bands, Outcome } from '../api';
import { colours, edges, faded, line, type Layout } from '../chart';
import { durationText, numberText } from '../format';
import { displayFor, si } from '../store';
import { asDifference, convert, type Display } from '../units';
import { useSignal, type Signal } from '@preact/signals';
import { Canvas } from './canvas';

interface Named {
    name: string;
    colour: string;
    bands: Bands;
}

function columns(outcome: Outcome, lines: Named[], display: Display): uPlot.AlignedData {
    const shown = (cells: (number | null)[]) => cells.map((cell) => convert(cell, display));
    const all = lines.flatMap(({ bands }) => [shown(bands.q95), shown(bands.q05), shown(bands.mean)]);
    return [outcome.times_s, ...all] as uPlot.AlignedData;
}

function describe(chart: uPlot, lines: Named[], unit: string): string {
    const index = chart.cursor.idx;
    if (index === null || index === undefined || chart.data[0][index] === undefined) {
        return '';
    }
    const parts = lines.map(({ name }, at) => {
        const [high, low, mean] = [1, 2, 3].map((column) => chart.data[3 * at + column]?.[index] ?? null);
        const spread = typeof high === 'number' && typeof low === 'number' ? (high - low) / 3.29 : null;
        return `${name} ${numberText(mean, spread)} (${numberText(low, spread)} to ${numberText(high, spread)}) ${unit}`;
    });
    return [`after ${durationText(chart.data[0][index])}`, ...parts].join('  ·  ');
}

function layoutOf(
    outcome: Outcome,
    lines: () => Named[],
    unit: string,
    under: Signal<string>,
    zero: boolean,
): Omit<Layout, 'width' | 'height'> {
    const end = outcome.times_s[outcome.times_s.length - 1] ?? 1;
    return {
        absolute: false,
        series: lines().flatMap(({ name, colour }) => [...edges(), line(name, colour)]),
        bands: lines().map(({ colour }, at) => ({
            series: [3 * at + 1, 3 * at + 2],
            fill: faded(colour, 0.2),
        })) as uPlot.Band[],
        range: () => [outcome.times_s[0] ?? 0, end],
        spans: () => [],
        now: () => null,
        cursor: (chart) => void (under.value = describe(chart, lines(), unit)),
        sync: 'futures',
        zero,
    };
}

export function Futures({ outcome }: { outcome: Outcome }) {
    const display = displayFor(outcome.address, outcome.unit, Math.abs(outcome.base.mean[0] ?? 0));
    const difference = asDifference(display);
    const under = useSignal('');
    const apart = useSignal('');
    const both = (): Named[] => {
        const ink = colours();
        return [
            { name: 'as it is', colour: ink.estimate, bands: outcome.base },
            { name: 'what if', colour: ink.whatIf, bands: outcome.what_if },
        ];
    };
    const gap = (): Named[] => [{ name: 'difference', colour: colours().difference, bands: outcome.difference }];
    return (
        <div class="futures">
            <div class="legend">
                {under.value !== '' ? <span class="under">{under.value}</span> : (
                    <>
                        <span class="key estimate">as it is, 90 % band</span>
                        <span class="key what-if">what if, 90 % band</span>
                        <span class="unit">{display.unit}</span>
                    </>
                )}
            </div>
            <Canvas height={220} label={`Both futures of ${outcome.address}`} anew={[si.value]}
                layout={() => layoutOf(outcome, both, display.unit, under, false)}
                data={() => columns(outcome, both(), display)} />
            <div class="legend">
                {apart.value !== '' ? <span class="under">{apart.value}</span> : (
                    <>
                        <span class="key difference">difference, 90 % band</span>
                        <span class="unit">{difference.unit}</span>
                    </>
                )}
            </div>
            <Canvas height={130} label={`Difference of the futures of ${outcome.address}`} anew={[si.value]}
                layout={() => layoutOf(outcome, gap, difference.unit, apart, true)}
                data={() => columns(outcome, gap(), difference)} />
        </div>
    );
}
