// What the plan's colours and marks mean.

import { useEffect, useState } from 'preact/hooks';
import { onScheme } from '../chart';
import { rampOf } from '../colourscale';
import { numberText } from '../format';
import type { Network } from '../network';
import { answered, fixed, paint, rankOf, sensed, shut, type Paint } from '../planstate';
import { convert, toSi } from '../units';

const bar_width = 220;
const bar_height = 10;

function useDark(): boolean {
    const query = () => window.matchMedia('(prefers-color-scheme: dark)').matches;
    const [dark, setDark] = useState(query);
    useEffect(() => onScheme(() => setDark(query())), []);
    return dark;
}

/** One end of the scale: a number, or a field to fix it. */
function End({ shown, end }: { shown: Paint; end: 'low' | 'high' }) {
    const value = convert(shown[end], shown.display);
    const text = numberText(value, (shown.high - shown.low) * shown.display.scale / 10);
    if (fixed.value === null) {
        return <output data-testid={`plan-${end}`}>{text}</output>;
    }
    return (
        <input type="number" step="any" aria-label={`${end === 'low' ? 'lowest' : 'highest'} of the colours, ${shown.display.unit}`}
            data-testid={`plan-${end}`} value={value === null ? '' : Number(value.toPrecision(4))}
            onChange={(event) => {
                const next = { low: shown.low, high: shown.high, [end]: toSi(Number(event.currentTarget.value), shown.display) };
                if (event.currentTarget.value !== '' && next.high > next.low) {
                    fixed.value = { low: next.low, high: next.high };
                }
            }} />
    );
}

function Mark({ rank, line }: { rank: number; line: boolean }) {
    const marks = line
        ? ['', 'M13 7 L4 12 L4 2 Z', 'M3 2.5 L13 11.5 L13 2.5 L3 11.5 Z']
        : ['', 'M3 2 H13 V12 H3 Z', 'M8 1 L14 12 H2 Z', 'M8 1 L13 4 V10 L8 13 L3 10 V4 Z', 'M8 1 L14 6 L12 13 H4 L2 6 Z'];
    return (
        <svg width="16" height="14" viewBox="0 0 16 14" aria-hidden="true">
            {line ? <path class="mark-line" d="M0 7 H16" /> : null}
            {!line && rank === 0 ? <circle class="mark-shape" cx="8" cy="7" r="4" /> : null}
            {rank > 0 ? <path class="mark-shape" d={marks[Math.min(rank, marks.length - 1)]} /> : null}
        </svg>
    );
}

function Marks({ net }: { net: Network }) {
    const closed = shut.value?.net === net && shut.value.marks.includes(1);
    return (
        <ul class="plan-marks" aria-label="Marks">
            {net.classes.map((kind) => (
                <li key={kind.name} title={kind.doc ?? ''}>
                    <Mark rank={rankOf(net, kind)} line={kind.shape !== 'point'} /> {kind.name}
                </li>
            ))}
            {closed ? (
                <li>
                    <svg width="16" height="14" viewBox="0 0 16 14" aria-hidden="true">
                        <path class="mark-line dashed" d="M0 7 H16" />
                    </svg> closed
                </li>
            ) : null}
            {sensed.value.size > 0 ? (
                <li>
                    <svg width="16" height="14" viewBox="0 0 16 14" aria-hidden="true">
                        <circle class="mark-ring" cx="8" cy="7" r="5" />
                    </svg> measured
                </li>
            ) : null}
            {answered.value?.net === net ? (
                <li>
                    <svg width="16" height="14" viewBox="0 0 16 14" aria-hidden="true">
                        <path class="mark-cross" d="M4 3 L12 11 M12 3 L4 11" />
                    </svg> asked about
                </li>
            ) : null}
        </ul>
    );
}

export function PlanLegend({ net }: { net: Network }) {
    const dark = useDark();
    const shown = paint.value;
    if (shown === null) {
        return null;
    }
    const ramp = rampOf(shown.ramp, dark);
    const step = bar_width / ramp.length;
    return (
        <div class="plan-legend">
            <div class="plan-scale" role="group" aria-label={`Colours: ${shown.title}`}>
                <p>
                    <b data-testid="plan-title">{shown.title}</b> <span class="unit">{shown.display.unit}</span>
                    <label class="plan-fix" title="Keep these limits; otherwise they follow the values, 2nd to 98th percentile">
                        <input type="checkbox" checked={fixed.value !== null} data-testid="plan-fix"
                            onChange={(event) => (fixed.value = event.currentTarget.checked ? { low: shown.low, high: shown.high } : null)} />
                        fixed
                    </label>
                </p>
                <svg width={bar_width} height={bar_height} viewBox={`0 0 ${bar_width} ${bar_height}`} preserveAspectRatio="none" aria-hidden="true">
                    {ramp.map((colour, at) => (
                        <rect key={at} x={at * step} width={step + 0.5} height={bar_height} fill={colour} />
                    ))}
                </svg>
                {shown.alike !== null && fixed.value === null ? (
                    <p class="plan-ends">all {numberText(convert(shown.alike, shown.display))} {shown.display.unit}</p>
                ) : (
                    <p class="plan-ends">
                        <End shown={shown} end="low" />
                        {shown.ramp === 'diverging' && fixed.value === null ? <span>0</span> : null}
                        <End shown={shown} end="high" />
                    </p>
                )}
            </div>
            <Marks net={net} />
        </div>
    );
}
