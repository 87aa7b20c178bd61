// A small chart of what the page has seen: its title and numbers above, redrawn as cycles come.

import { effect, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { seconds } from '../api';
import { type Layout, type Span } from '../chart';
import { clockText } from '../format';
import { events, si, time_s, window_s } from '../store';
import { Canvas } from './canvas';

const redraw_ms = 200;
export const small_height = 170;

/** Charts here end now, so the newest value stands at the right edge. */
type Drawn = Pick<Layout, 'series' | 'bands' | 'zero' | 'limits' | 'least' | 'scale'>;

interface Props {
    title: ComponentChildren;
    /** One line below the title while the cursor is elsewhere. */
    note: ComponentChildren;
    label: string;
    testid: string;
    height?: number;
    layout: () => Drawn;
    data: () => uPlot.AlignedData;
    /** The row under the cursor, in words. */
    describe: (index: number, data: uPlot.AlignedData) => string;
    /** Whose events are shaded; none without it. */
    subject?: string;
    anew?: unknown[];
}

function spansOf(subject: string | undefined): Span[] {
    const spans: Span[] = [];
    for (const event of subject === undefined ? [] : events.value) {
        const from = seconds(event.start);
        if (from !== null && event.subject === subject) {
            spans.push({ from, to: seconds(event.end) ?? time_s.value ?? from, strong: true });
        }
    }
    return spans;
}

export function TraceChart({ title, note, label, testid, height = small_height, layout, data, describe, subject, anew = [] }: Props) {
    const chart = useRef<uPlot | null>(null);
    const newest = useRef({ data, describe, subject });
    newest.current = { data, describe, subject };
    const under = useSignal('');

    const range = (): [number, number] => {
        const now = time_s.value ?? Date.now() / 1000;
        const first = (chart.current?.data[0] ?? newest.current.data()[0])[0] ?? now;
        const from = Math.max(now - window_s.value, Math.min(first, now - 60));
        return [from, now + 0.01 * (now - from)];
    };

    const cursor = (at: uPlot) => {
        const index = at.cursor.idx;
        const time = index === null || index === undefined ? undefined : at.data[0][index];
        under.value = index === null || index === undefined || time === undefined
            ? '' : `${clockText(time)} UTC  ·  ${newest.current.describe(index, at.data)}`;
    };

    useEffect(() => {
        let timer: number | undefined;
        const stop = effect(() => {
            void [time_s.value, window_s.value, events.value, si.value];
            timer ??= window.setTimeout(() => {
                timer = undefined;
                chart.current?.setData(newest.current.data());
            }, redraw_ms);
        });
        return () => {
            clearTimeout(timer);
            stop();
        };
    }, []);

    return (
        <article class="trace" aria-label={label} data-testid={testid}>
            <h3>{title}</h3>
            <p class="legend">{under.value === '' ? note : <span class="under">{under.value}</span>}</p>
            <Canvas
                height={height}
                label={label}
                layout={() => ({
                    ...layout(), absolute: true, range, spans: () => spansOf(newest.current.subject), now: () => null,
                    cursor, sync: 'estimation',
                })}
                data={() => newest.current.data()}
                hold={(made) => (chart.current = made)}
                anew={[si.value, ...anew]}
            />
        </article>
    );
}
