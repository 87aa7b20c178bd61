// uPlot as this page draws with it: colours from the style sheet, UTC ticks, bands, a line for now, shaded events.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { durationText, numberText } from './format';

export interface Colours {
    ink: string;
    muted: string;
    grid: string;
    estimate: string;
    forecast: string;
    measured: string;
    whatIf: string;
    difference: string;
    alarm: string;
    /** Of the hypotheses, in their order. */
    hypotheses: string[];
}

export function colours(): Colours {
    const style = getComputedStyle(document.documentElement);
    const named = (name: string) => style.getPropertyValue(`--${name}`).trim();
    return {
        ink: named('ink'),
        muted: named('muted'),
        grid: named('grid'),
        estimate: named('estimate'),
        forecast: named('forecast'),
        measured: named('measured'),
        whatIf: named('what-if'),
        difference: named('difference'),
        alarm: named('alarm'),
        hypotheses: [1, 2, 3, 4].map((number) => named(`hypothesis-${number}`)),
    };
}

/** The same colour, let through: `#rrggbb` with an alpha byte. */
export function faded(colour: string, alpha: number): string {
    return colour + Math.round(alpha * 255).toString(16).padStart(2, '0');
}

/** Calls back when the reader's light or dark preference changes; returns how to stop. */
export function onScheme(changed: () => void): () => void {
    const query = window.matchMedia('(prefers-color-scheme: dark)');
    query.addEventListener('change', changed);
    return () => query.removeEventListener('change', changed);
}

export interface Span {
    from: number;
    to: number;
    strong: boolean;
}

const font = '11px system-ui, sans-serif';
const label_width = 58;

function utcTicks(_: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
    const pad = (value: number) => String(value).padStart(2, '0');
    let day = '';
    return splits.map((split) => {
        const at = new Date(split * 1000);
        const date = at.toISOString().slice(5, 10);
        const clock = `${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}`;
        const fine = step < 60 ? `${clock}:${pad(at.getUTCSeconds())}` : clock;
        const text = step >= 86400 ? date : date === day ? fine : `${fine}\n${date}`;
        day = date;
        return text;
    });
}

function durationTicks(_: uPlot, splits: number[]): string[] {
    return splits.map((split) => {
        const minutes = Math.round(split / 60);
        const mixed = split > 3600 && split < 86400 && minutes % 60 !== 0;
        return split === 0 ? '0' : mixed ? `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')} h` : durationText(split);
    });
}

function valueTicks(_: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
    // labels of one axis share their decimals: 26, 26.5, 27 reads worse than 26.0, 26.5, 27.0
    let decimals = 0;
    while (decimals < 8 && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6) {
        decimals++;
    }
    const plain = splits.every((split) => Math.abs(split) < 1e7) && decimals < 7;
    return splits.map((split) => (plain ? split.toFixed(decimals).replace('-', '\u2212') : numberText(split)));
}

// Minutes and hours people count in, for axes in seconds.
const time_steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200];
const day_steps = [1, 2, 4, 7, 14, 28, 91, 182, 365].map((days) => days * 86400);

// Data that stand still (a fixed temperature) still deserve a scale on which noise does not fill the screen.
function valueRange(_: uPlot, low: number | null, high: number | null): uPlot.Range.MinMax {
    if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) {
        return [0, 1];
    }
    if (low === 0 && high === 0) {
        return [-1, 1]; // zero has no size that a scale could follow
    }
    const least = Math.max(1e-9, Math.abs(high) * 1e-3);
    const pad = Math.max(0.08 * (high - low), (least - (high - low)) / 2);
    return [low - pad, high + pad];
}

export interface Layout {
    width: number;
    height: number;
    /** True for world times, false for seconds from an instant. */
    absolute: boolean;
    series: uPlot.Series[];
    bands: uPlot.Band[];
    range: () => [number, number];
    spans: () => Span[];
    now: () => number | null;
    cursor: (chart: uPlot) => void;
    /** Charts with the same key move their cursors together. */
    sync: string;
    /** A line across at zero, for differences. */
    zero?: boolean;
    /** Dashed lines across at these values. */
    limits?: number[];
    /** What the scale of values holds at least; and what it is, whatever the data. */
    least?: [number, number];
    scale?: [number, number];
}

function shade(chart: uPlot, spans: Span[], colour: string): void {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const span of spans) {
        const from = chart.valToPos(span.from, 'x', true);
        const to = chart.valToPos(span.to, 'x', true);
        ctx.fillStyle = faded(colour, span.strong ? 0.16 : 0.07);
        // an event shorter than a pixel must still be seen
        ctx.fillRect(from, bbox.top, Math.max(to - from, 2 * devicePixelRatio), bbox.height);
    }
    ctx.restore();
}

function rule(chart: uPlot, from: [number, number], to: [number, number], colour: string, dash: number[]): void {
    const { ctx } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.strokeStyle = colour;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
    ctx.moveTo(...from);
    ctx.lineTo(...to);
    ctx.stroke();
    ctx.restore();
}

function drawNow(chart: uPlot, now: number | null, ink: Colours): void {
    const { ctx, bbox } = chart;
    if (now === null) {
        return;
    }
    const x = Math.round(chart.valToPos(now, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) {
        return;
    }
    rule(chart, [x, bbox.top], [x, bbox.top + bbox.height], ink.muted, [3, 3]);
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.fillStyle = ink.muted;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'top';
    ctx.fillText('now', x + 5 * devicePixelRatio, bbox.top + 3 * devicePixelRatio);
    ctx.restore();
}

function drawAcross(chart: uPlot, value: number, colour: string, dash: number[]): void {
    const { bbox } = chart;
    const y = Math.round(chart.valToPos(value, 'y', true));
    if (y >= bbox.top && y <= bbox.top + bbox.height) {
        rule(chart, [bbox.left, y], [bbox.left + bbox.width, y], colour, dash);
    }
}

/** The range of values: of the data, wide enough for what the layout wants shown. */
function rangeOf({ least, scale }: Layout): (chart: uPlot, low: number | null, high: number | null) => uPlot.Range.MinMax {
    return (chart, low, high) => {
        if (scale !== undefined) {
            return scale;
        }
        const ends = [low, high, ...(least ?? [])].filter((end): end is number => end !== null && Number.isFinite(end));
        return ends.length === 0 ? valueRange(chart, low, high) : valueRange(chart, Math.min(...ends), Math.max(...ends));
    };
}

export function makeChart(at: HTMLElement, layout: Layout, data: uPlot.AlignedData): uPlot {
    const ink = colours();
    const grid = { stroke: ink.grid, width: 1 };
    const axis = { stroke: ink.muted, font, grid, ticks: { ...grid, size: 4 } };
    return new uPlot(
        {
            width: layout.width,
            height: layout.height,
            padding: [8, 22, 0, 0],
            legend: { show: false },
            cursor: {
                sync: { key: layout.sync },
                points: { size: 6 },
                drag: { x: false, y: false },
            },
            scales: {
                x: { time: false, range: () => layout.range() },
                y: { range: rangeOf(layout) },
            },
            axes: [
                {
                    ...axis,
                    incrs: [...time_steps, ...day_steps],
                    space: 70,
                    size: layout.absolute ? 38 : 28,
                    values: layout.absolute ? utcTicks : durationTicks,
                },
                { ...axis, size: label_width, values: valueTicks },
            ],
            // rounded to whole pixels, a narrow band may lose one of its halves
            series: [{}, ...layout.series.map((series) => ({ ...series, pxAlign: 0 }))],
            bands: layout.bands,
            hooks: {
                drawAxes: [
                    (chart) => shade(chart, layout.spans(), ink.alarm),
                    (chart) => layout.zero === true && drawAcross(chart, 0, ink.muted, []),
                    (chart) => layout.limits?.forEach((value) => drawAcross(chart, value, ink.muted, [5, 4])),
                ],
                draw: [(chart) => drawNow(chart, layout.now(), ink)],
                setCursor: [layout.cursor],
            },
        },
        data,
        at,
    );
}

/** The two edges of a band: never stroked, they only carry the fill between them. */
export function edges(): [uPlot.Series, uPlot.Series] {
    const edge: uPlot.Series = { stroke: 'transparent', width: 0, points: { show: false } };
    return [{ ...edge }, { ...edge }];
}

export function line(label: string, colour: string, dash?: number[], marked = false): uPlot.Series {
    const points = marked ? { show: true, size: 5, fill: colour, stroke: colour } : { show: false };
    return { label, stroke: colour, width: 1.75, points, ...(dash ? { dash } : {}) };
}

export function dots(label: string, colour: string): uPlot.Series {
    return { label, stroke: colour, width: 0, paths: () => null, points: { show: true, size: 3.5, fill: colour, width: 0 } };
}
