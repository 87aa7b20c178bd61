// A small chart of what history keeps and the page has seen: its title and numbers above, redrawn as cycles come.

import { effect, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { seconds } from '../api';
import { type Layout, type Span } from '../chart';
import { clockText } from '../format';
import { events, si, time_s, window_s } from '../store';
import { behind, emptyTrace, type Trace } from '../traces';
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
    /** What the page has seen. */
    seen: () => Trace;
    /** What history keeps from a time on; none without it. */
    past?: (from_s: number) => Promise<Trace>;
    data: (trace: Trace) => uPlot.AlignedData;
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

export function TraceChart({ title, note, label, testid, height = small_height, layout, seen, past, data, describe, subject, anew = [] }: Props) {
    const chart = useRef<uPlot | null>(null);
    const newest = useRef({ seen, past, data, describe, subject });
    newest.current = { seen, past, data, describe, subject };
    const under = useSignal('');
    const kept = useSignal<Trace>(emptyTrace(0));

    const table = () => newest.current.data(behind(kept.value, newest.current.seen()));

    const range = (): [number, number] => {
        const now = time_s.value ?? Date.now() / 1000;
        const first = (chart.current?.data[0] ?? table()[0])[0] ?? now;
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
            void [time_s.value, window_s.value, events.value, si.value, kept.value];
            timer ??= window.setTimeout(() => {
                timer = undefined;
                chart.current?.setData(table());
            }, redraw_ms);
        });
        return () => {
            clearTimeout(timer);
            stop();
        };
    }, []);

    useEffect(() => {
        let wanted = 0;
        const load = async () => {
            const own = ++wanted;
            const from = (time_s.peek() ?? Date.now() / 1000) - window_s.value; // not again with every cycle
            const found = await newest.current.past?.(from).catch(() => undefined);
            if (found !== undefined && own === wanted) {
                kept.value = found;
            }
        };
        // a hidden page misses rows
        const shown = () => void (document.visibilityState === 'visible' && load());
        document.addEventListener('visibilitychange', shown);
        kept.value = emptyTrace(0);
        const stop = effect(() => void load());
        return () => {
            wanted = -1;
            document.removeEventListener('visibilitychange', shown);
            stop();
        };
    }, [anew.join('\n')]);

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
                data={table}
                hold={(made) => (chart.current = made)}
                anew={[si.value, ...anew]}
            />
        </article>
    );
}
