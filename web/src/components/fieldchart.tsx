// One field through time: its past with a 90 % band, what its sensors measured, and the cone of its forecast.

import { effect, useSignal, type Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { seconds, type Forecast } from '../api';
import { colours, dots, edges, faded, line, type Span } from '../chart';
import { clockText, dateText, durationText, numberText, parseAddress, sameField, spreadText } from '../format';
import {
    bandOf, charted, displayFor, events, forecasts, sensors, si, time_s, toggleChart, values, window_s, windows,
} from '../store';
import { arrange, emptyTrack, extendPoints, extendTrack, loadPoints, loadTrack, most_points, type Points } from '../track';
import { asDifference, convert, type Display } from '../units';
import { Canvas } from './canvas';

const redraw_ms = 200;
// columns of arrange(), after time and the sensors'
const forecast_offset = 1;
const estimate_offset = 4;
const core_offset = 7;

const forecastOf = (address: string): Forecast | undefined =>
    forecasts.value.find((forecast) => sameField(forecast.field, address));

const sensorsOf = (address: string) =>
    sensors.value.filter((sensor) => sameField(sensor.address, address));

function displayAt(address: string): Display {
    const sensor = sensorsOf(address)[0];
    const unit = values.value.get(address)?.unit ?? forecastOf(address)?.unit ?? sensor?.unit ?? '1';
    return displayFor(address, unit, Math.abs(sensor?.last?.estimate ?? sensor?.last?.value ?? 0));
}

function eventSpans(address: string): Span[] {
    const own = new Set([address, ...sensorsOf(address).map((sensor) => sensor.name)]);
    const spans: Span[] = [];
    for (const event of events.value) {
        const from = seconds(event.start);
        if (from !== null) {
            spans.push({ from, to: seconds(event.end) ?? time_s.value ?? from, strong: own.has(event.subject) });
        }
    }
    return spans;
}

/** The cell of a column at an index, or the nearest one that exists: columns share x but not their times. */
function cellNear(column: ArrayLike<number | null | undefined> | undefined, index: number): number | null {
    const reach = 12;
    for (let off = 0; off <= reach; off++) {
        const cell = column?.[index - off] ?? column?.[index + off];
        if (cell !== null && cell !== undefined) {
            return cell;
        }
    }
    return null;
}

/** What stands under the cursor, in words. */
function describe(chart: uPlot, sensorCount: number, unit: string): string {
    const index = chart.cursor.idx;
    const at = index === null || index === undefined ? undefined : chart.data[0][index];
    if (index === null || index === undefined || at === undefined) {
        return '';
    }
    const parts = [`${dateText(at)} ${clockText(at)} UTC`];
    const banded = (name: string, offset: number) => {
        const column = sensorCount + offset;
        const mean = cellNear(chart.data[column + 2], index);
        const high = cellNear(chart.data[column], index);
        const low = cellNear(chart.data[column + 1], index);
        if (mean !== null) {
            const spread = high === null || low === null ? null : (high - low) / 3.29;
            const range = spread === null ? '' : ` (${numberText(low, spread)} to ${numberText(high, spread)})`;
            parts.push(`${name} ${numberText(mean, spread)}${range} ${unit}`);
        }
    };
    if (at <= (time_s.value ?? at)) {
        banded('estimate', estimate_offset);
        for (let column = 1; column <= sensorCount; column++) {
            const measured = cellNear(chart.data[column], index);
            if (measured !== null) {
                parts.push(`${chart.series[column]?.label ?? 'measured'} ${numberText(measured)} ${unit}`);
            }
        }
    } else {
        banded('forecast', forecast_offset);
    }
    return parts.join('  ·  ');
}

function Legend({ address, under }: { address: string; under: Signal<string> }) {
    const forecast = forecastOf(address);
    const issued = seconds(forecast?.issued);
    const age = issued === null || time_s.value === null ? null : Math.max(0, time_s.value - issued);
    return (
        <div class="legend">
            {under.value !== '' ? <span class="under">{under.value}</span> : (
                <>
                    <span class="key estimate">estimate, 90 % band</span>
                    {sensorsOf(address).map((sensor, index) => (
                        <span key={sensor.name} class={`key measured m${index % 3}`}>{sensor.name} measured</span>
                    ))}
                    {forecast === undefined ? null : (
                        <span class="key forecast">
                            forecast, 50 and 90 % bands{age === null ? '' : `, issued ${age < 1 ? 'now' : `${durationText(age)} ago`}`}
                        </span>
                    )}
                    {events.value.length > 0 ? <span class="key alarm">event</span> : null}
                </>
            )}
        </div>
    );
}

function Headline({ address, alone }: { address: string; alone: boolean }) {
    const value = values.value.get(address);
    const display = displayAt(address);
    const { element, field, system } = parseAddress(address);
    const spread = convert(value?.spread, asDifference(display));
    return (
        <div class="headline">
            <h2>
                {element} {field.replace(/_/g, ' ')} <small title={address}>{system}</small>
            </h2>
            {value === undefined ? null : (
                <p class="figure">
                    <b>{numberText(convert(value.mean, display), spread)}</b> {display.unit}
                    {spread === null || spread === 0 ? null : <span class="band"> ± {spreadText(spread)}</span>}
                </p>
            )}
            {alone ? null : (
                <button type="button" class="quiet" aria-label={`Close the chart of ${element} ${field}`}
                    onClick={() => toggleChart(address)}>×</button>
            )}
        </div>
    );
}

function FieldChart({ address, alone }: { address: string; alone: boolean }) {
    const chart = useRef<uPlot | null>(null);
    const track = useRef(emptyTrack());
    const points = useRef<Points[]>([]);
    const under = useSignal('');
    const names = sensorsOf(address).map((sensor) => sensor.name).join('\n');

    const data = () => arrange(track.current, forecastOf(address), points.current, displayAt(address));

    // the x scale ends where the farthest forecast does, the same on all charts, so that they can be compared;
    // it never gives the future more room than the past
    const range = (): [number, number] => {
        const now = time_s.value ?? Date.now() / 1000;
        const first = track.current.time[0] ?? now;
        const from = Math.max(now - window_s.value, Math.min(first, now - window_s.value / 4));
        const reach = Math.max(...charted.value.map((one) => seconds(forecastOf(one)?.rows.at(-1)?.time) ?? now));
        return [from, Math.max(now + 0.03 * (now - from), Math.min(reach, now + window_s.value))];
    };

    const layout = () => {
        const ink = colours();
        const [high, low] = edges();
        const [forecastHigh, forecastLow] = edges();
        const [coreHigh, coreLow] = edges();
        const shades = [ink.measured, ink.difference, ink.whatIf];
        const before = points.current.length;
        return {
            absolute: true,
            series: [
                // drawn in this order: the estimate must stay visible in a cloud of points and on what was forecast
                ...points.current.map(({ name }, index) => dots(name, faded(shades[index % 3] as string, 0.5))),
                forecastHigh, forecastLow, line('forecast', ink.forecast, [6, 4], true),
                high, low, line('estimate', ink.estimate),
                coreHigh, coreLow,
            ],
            bands: [
                ...[forecast_offset, core_offset].map((offset) => (
                    { series: [before + offset, before + offset + 1], fill: faded(ink.forecast, 0.2) }
                )),
                { series: [before + estimate_offset, before + estimate_offset + 1], fill: faded(ink.estimate, 0.2) },
            ] as uPlot.Band[],
            range,
            spans: () => eventSpans(address),
            now: () => time_s.value,
            cursor: (at: uPlot) => void (under.value = describe(at, points.current.length, displayAt(address).unit)),
            sync: 'fields',
        };
    };

    useEffect(() => {
        let gone = false;
        let timer: number | undefined;
        const draw = () => {
            timer ??= window.setTimeout(() => {
                timer = undefined;
                chart.current?.setData(data());
            }, redraw_ms);
        };
        const load = async () => {
            const from = (time_s.peek() ?? Date.now() / 1000) - window_s.value; // not again with every cycle
            // what is not recorded has no history: its chart grows from now on
            const past = await loadTrack(address, from).catch(emptyTrack);
            const measured = await Promise.all(
                names.split('\n').filter((name) => name !== '')
                    .map((name) => loadPoints(name, from).catch(() => ({ name, time: [], value: [] }))),
            );
            if (!gone) {
                track.current = past;
                measured.forEach((one, index) => (points.current[index] = one));
                draw();
            }
        };
        const seen = () => void (document.visibilityState === 'visible' && load());
        document.addEventListener('visibilitychange', seen);
        const stopLoading = effect(() => void (window_s.value, load()));
        const stopFollowing = effect(() => {
            const value = values.value.get(address);
            if (value !== undefined) {
                extendTrack(track.current, time_s.value, value.mean, bandOf(value));
            }
            for (const sensor of sensorsOf(address)) {
                const own = points.current.find((one) => one.name === sensor.name);
                if (own !== undefined && sensor.last !== null) {
                    extendPoints(own, seconds(sensor.last.time), sensor.last.value);
                }
            }
            if (track.current.time.length > most_points) {
                track.current = emptyTrack();
                void load();
            }
            void [forecasts.value, events.value, si.value];
            draw();
        });
        return () => {
            gone = true;
            clearTimeout(timer);
            document.removeEventListener('visibilitychange', seen);
            stopLoading();
            stopFollowing();
        };
    }, [address, names]);

    // the chart's series are fixed when it is made, so the sensors must be known by then
    if (points.current.map((one) => one.name).join('\n') !== names) {
        points.current = names.split('\n').filter((name) => name !== '').map((name) => ({ name, time: [], value: [] }));
    }
    return (
        <article class="fieldchart" aria-label={`Chart of ${address}`} data-testid={`chart-${address}`}>
            <Headline address={address} alone={alone} />
            <Legend address={address} under={under} />
            <Canvas
                height={alone ? 330 : 210}
                label={`${address}: history, measurements and forecast`}
                layout={layout}
                data={data}
                hold={(made) => (chart.current = made)}
                anew={[address, names]}
            />
        </article>
    );
}

export function Charts() {
    const shown = charted.value;
    return (
        <section class="panel charts" aria-label="Charts">
            <div class="tools">
                <span class="note">Click a value to chart it, + to add one below.</span>
                <label>
                    past{' '}
                    <select value={String(window_s.value)} data-testid="window"
                        onChange={(event) => (window_s.value = Number(event.currentTarget.value))}>
                        {windows.map(({ span_s, label }) => (
                            <option key={span_s} value={String(span_s)}>{label}</option>
                        ))}
                    </select>
                </label>
            </div>
            {shown.length === 0 ? <p class="note">No field is charted.</p> : null}
            {shown.map((address) => (
                <FieldChart key={address} address={address} alone={shown.length === 1} />
            ))}
        </section>
    );
}
