// Hypotheses about the model, and how much each is thought of, now and lately.

import { useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Hypotheses } from '../api';
import { colours, edges, faded } from '../chart';
import { percentText } from '../format';
import { sharesOf, verdictOf, weightText, type Share } from '../hypotheses';
import { groupKey, hypotheses } from '../store';
import { loadWeights } from '../track';
import { traceOf, type Trace } from '../traces';
import { TraceChart } from './tracechart';

const height = 190;

export const severalHypotheses = () => (hypotheses.value?.names.length ?? 0) > 1;

/** A bar of shares in the hypotheses' order, each in its colour. */
export function ShareBar({ shares }: { shares: Share[] }) {
    const inOrder = [...shares].sort((a, b) => a.index - b.index);
    const label = shares.map(({ name, weight }) => `${name} ${weightText(weight)}`).join(', ');
    return (
        <span class="shares" role="img" aria-label={label} title={label}>
            {inOrder.map(({ index, weight }) => (
                <i key={index} class={`h${index + 1}`} style={{ width: `${100 * weight}%` }} />
            ))}
        </span>
    );
}

/** Columns: time, the floor, and for each hypothesis the sum up to it, in per cent; nothing where none is known. */
function stacked({ time, columns }: Trace): uPlot.AlignedData {
    const isKnown = time.map((_, row) => columns.some((column) => (column[row] ?? null) !== null));
    const sums = columns.reduce<(number | null)[][]>((before, column) => {
        const below = before[before.length - 1] ?? [];
        return [...before, column.map((weight, row) => (isKnown[row] ? (below[row] ?? 0) + 100 * (weight ?? 0) : null))];
    }, [isKnown.map((known) => (known ? 0 : null))]);
    return [time, ...sums];
}

function WeightChart({ told: { names, groups }, index }: { told: Hypotheses; index: number }) {
    const { systems: [system = ''], weights } = groups[index] ?? { systems: [], weights: [] };
    const key = groupKey(index);
    const layout = () => {
        const ink = colours();
        const [edge] = edges();
        return {
            series: [edge, ...names.map(() => ({ ...edge }))],
            bands: names.map((_, at) => (
                { series: [at + 2, at + 1], fill: faded(ink.hypotheses[at] ?? ink.muted, 0.85) }
            )) as uPlot.Band[],
            scale: [0, 100] as [number, number],
        };
    };
    const describe = (row: number, data: uPlot.AlignedData) =>
        names.map((name, at) => {
            const [below, above] = [data[at + 1]?.[row] ?? 0, data[at + 2]?.[row] ?? 0];
            return `${name} ${percentText((above - below) / 100)}`;
        }).join('  ·  ');
    return (
        <TraceChart
            title={<span data-testid="verdict">{verdictOf(names, weights)}</span>}
            note={names.map((name, at) => <span key={name} class={`key share h${at + 1}`}>{name}</span>)}
            label="shares of the hypotheses in per cent, stacked, over time"
            testid="weights"
            height={height}
            layout={layout}
            seen={() => traceOf(key, names.length)}
            past={(from_s) => loadWeights(system, names, from_s)}
            data={stacked}
            describe={describe}
            anew={[key, names.join('\n')]}
        />
    );
}

function ShareTable({ told, index }: { told: Hypotheses; index: number }) {
    const shares = sharesOf(told.names, told.groups[index]?.weights ?? []).sort((a, b) => a.index - b.index);
    return (
        <table class="narrow">
            <thead>
                <tr>
                    <th scope="col">hypothesis</th>
                    <th scope="col">share</th>
                </tr>
            </thead>
            <tbody>
                {shares.map(({ index: at, name, weight }) => (
                    <tr key={name}>
                        <th scope="row"><span class={`key share h${at + 1}`}>{name}</span></th>
                        <td data-testid={`weight-${name}`}>{weightText(weight)}</td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

export function Weights() {
    const [picked, setPicked] = useState(0);
    const told = hypotheses.value;
    if (told === null) {
        return null;
    }
    const index = picked < told.groups.length ? picked : 0;
    return (
        <>
            {told.groups.length < 2 ? null : (
                <label class="line">
                    of{' '}
                    <select value={String(index)} onChange={(event) => setPicked(Number(event.currentTarget.value))}>
                        {told.groups.map(({ systems }, at) => (
                            <option key={systems.join(' ')} value={String(at)}>{systems.join(', ')}</option>
                        ))}
                    </select>
                </label>
            )}
            <div class="weights">
                <WeightChart told={told} index={index} />
                <ShareTable told={told} index={index} />
            </div>
        </>
    );
}
