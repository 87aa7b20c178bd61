// What one chart draws, in SI, and its arrangement as uPlot wants it: one x for all series.

import uPlot from 'uplot';
import { api, seconds, type Forecast, type Quality, type Table } from './api';
import { normal50, normal90 } from './store';
import { openGaps, type Cell, type Trace } from './traces';
import { convert, type Display } from './units';

/** A field's past: mean and 90 % band by time. */
export interface Track {
    time: number[];
    mean: Cell[];
    low: Cell[];
    high: Cell[];
}

/** A sensor's measured points. */
export interface Points {
    name: string;
    time: number[];
    value: Cell[];
}

export const points_asked = 1000;
// Past this the chart asks the server again, which thins what is old.
export const most_points = 4000;

export const emptyTrack = (): Track => ({ time: [], mean: [], low: [], high: [] });

/** False for a sample that quality rules threw out: it is not what the estimate followed. */
function isUsable(quality: Quality | undefined): boolean {
    return /^(good|late)$/.test(String(quality ?? 'good'));
}

export async function loadTrack(address: string, from_s: number): Promise<Track> {
    const { rows } = await api.history(address, new Date(from_s * 1000).toISOString(), points_asked);
    const track = emptyTrack();
    for (const [time, mean, spread] of rows) {
        const half = typeof spread === 'number' ? normal90 * spread : null;
        extendTrack(track, seconds(time), mean, [
            mean === null || half === null ? null : mean - half,
            mean === null || half === null ? null : mean + half,
        ]);
    }
    return track;
}

export async function loadPoints(sensor: string, from_s: number): Promise<Points> {
    const { rows } = await api.sensorHistory(sensor, new Date(from_s * 1000).toISOString(), points_asked);
    const points: Points = { name: sensor, time: [], value: [] };
    for (const [time, value, quality] of rows) {
        if (isUsable(quality)) {
            extendPoints(points, seconds(time), value);
        }
    }
    return points;
}

/** Columns of a history by their names; one that it does not have is empty. */
function traceFrom({ columns, rows }: Table, names: string[]): Trace {
    return {
        time: rows.map(([time]) => seconds(time) ?? 0),
        columns: names.map((name) => {
            const at = columns.indexOf(name);
            return rows.map((row) => (at < 1 ? null : (row[at] as Cell | undefined) ?? null));
        }),
    };
}

/** The weights of the hypotheses about a system. */
export async function loadWeights(system: string, names: string[], from_s: number): Promise<Trace> {
    return traceFrom(await api.weightHistory(system, new Date(from_s * 1000).toISOString(), points_asked), names);
}

/** Mean and 90 % band of a parameter or an unknown input, where history keeps it by itself. */
export async function loadLearned(address: string, from_s: number): Promise<Trace | null> {
    const kept = await api.learnedHistory(address, new Date(from_s * 1000).toISOString(), points_asked);
    return kept.recorded ? traceFrom(kept, ['mean', 'q05', 'q95']) : null;
}

/** Appends a value; what is not newer than the last one is what the server already told. */
export function extendTrack(track: Track, time_s: Cell, mean: Cell, [low, high]: [Cell, Cell]): void {
    const last = track.time[track.time.length - 1];
    if (time_s === null || (last !== undefined && time_s <= last)) {
        return;
    }
    track.time.push(time_s);
    track.mean.push(mean);
    track.low.push(low);
    track.high.push(high);
}

export function extendPoints(points: Points, time_s: Cell, value: Cell): void {
    const last = points.time[points.time.length - 1];
    if (time_s === null || typeof value !== 'number' || (last !== undefined && time_s <= last)) {
        return;
    }
    points.time.push(time_s);
    points.value.push(value);
}

function withGaps({ time, mean, low, high }: Track): Track {
    const opened = openGaps({ time, columns: [mean, low, high] });
    const [a = [], b = [], c = []] = opened.columns;
    return { time: opened.time, mean: a, low: b, high: c };
}

/** Which of a forecast's bands, and how wide the same is of an estimate whose 90 % band is known. */
interface Band {
    low: 'q05' | 'q25';
    high: 'q75' | 'q95';
    of90: number;
}

const wide: Band = { low: 'q05', high: 'q95', of90: 1 };
const narrow: Band = { low: 'q25', high: 'q75', of90: normal50 / normal90 };

function part(mean: Cell | undefined, edge: Cell | undefined, of90: number): Cell {
    return typeof mean === 'number' && typeof edge === 'number' ? mean + of90 * (edge - mean) : null;
}

/** The forecast's cone, opened at the estimate it was issued from. */
function cone(forecast: Forecast | undefined, track: Track, band: Band): Track {
    const out = emptyTrack();
    const issued = seconds(forecast?.issued);
    if (forecast === undefined || issued === null) {
        return out;
    }
    let at = track.time.length - 1;
    while (at > 0 && (track.time[at] as number) > issued) {
        at--;
    }
    if (at >= 0) {
        const edges = [track.low[at], track.high[at]].map((edge) => part(track.mean[at], edge, band.of90));
        extendTrack(out, issued, track.mean[at] ?? null, edges as [Cell, Cell]);
    }
    for (const row of forecast.rows) {
        extendTrack(out, seconds(row.time), row.q50 ?? row.mean, [row[band.low], row[band.high]]);
    }
    return out;
}

/**
 * Everything of a chart as columns: time; each sensor; forecast high, low, median; high, low, mean; the forecast's
 * inner band, high and low.
 * Alignment leaves `undefined`, which uPlot draws across; a `null` is a real gap.
 */
export function arrange(
    track: Track,
    forecast: Forecast | undefined,
    sensors: Points[],
    display: Display,
): uPlot.AlignedData {
    const shown = (cells: Cell[]) => cells.map((cell) => convert(cell, display));
    const table = (from: Track) =>
        [from.time, shown(from.high), shown(from.low), shown(from.mean)] as uPlot.AlignedData;
    const measured = sensors.map(({ time, value }) => [time, shown(value)] as uPlot.AlignedData);
    const core = cone(forecast, track, narrow);
    return uPlot.join([
        ...measured,
        table(cone(forecast, track, wide)),
        table(withGaps(track)),
        [core.time, shown(core.high), shown(core.low)] as uPlot.AlignedData,
    ]);
}
