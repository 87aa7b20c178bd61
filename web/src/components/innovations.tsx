// What sensors said less what was expected of them: by its expected size, or as it is.

import { useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Sensor } from '../api';
import { colours, dots, edges, faded } from '../chart';
import { percentText, signedText } from '../format';
import { innovation_columns, judge, limit, normalised } from '../innovations';
import { displayFor, knownAddress, sensorKey, sensors } from '../store';
import { traceOf, type Trace } from '../traces';
import { asDifference, convert } from '../units';
import { Multiples } from './multiples';
import { TraceChart } from './tracechart';

const displayOf = (sensor: Sensor) => asDifference(displayFor(knownAddress(sensor.address), sensor.unit));
const traceFor = (sensor: Sensor) => traceOf(sensorKey(sensor.name), innovation_columns);

export const observers = () => sensors.value.filter(({ kind }) => kind === 'observation');

function Judged({ sensor }: { sensor: Sensor }) {
    const found = judge(normalised(traceFor(sensor)));
    return found === null ? <>too few to judge yet</> : (
        <>
            {percentText(found.outside)} beyond ±{limit} (5 % is right), mean {signedText(found.mean, 1)}
        </>
    );
}

/** Columns: time, the innovation by its expected size. */
function NormalisedChart({ sensor }: { sensor: Sensor }) {
    const layout = () => ({
        series: [dots(sensor.name, colours().estimate)],
        bands: [],
        zero: true,
        limits: [-limit, limit],
        least: [-limit - 1, limit + 1] as [number, number],
    });
    return (
        <TraceChart
            title={sensor.name}
            note={<Judged sensor={sensor} />}
            label={`innovations of ${sensor.name} in standard deviations over time`}
            testid={`innovations-${sensor.name}`}
            subject={sensor.name}
            layout={layout}
            seen={() => traceFor(sensor)}
            data={(trace) => [trace.time, normalised(trace)]}
            describe={(row, data) => `${signedText(data[1]?.[row] ?? null, 1)} standard deviations`}
            anew={[sensor.name]}
        />
    );
}

/** Columns: time, the upper and the lower limit, the innovation. */
function PlainChart({ sensor }: { sensor: Sensor }) {
    const display = displayOf(sensor);
    const data = ({ time, columns: [plain = [], expected = []] }: Trace): uPlot.AlignedData => {
        const edge = (sign: number) =>
            expected.map((size) => convert(size === null ? null : sign * limit * size, display));
        return [time, edge(1), edge(-1), plain.map((innovation) => convert(innovation, display))];
    };
    const layout = () => {
        const ink = colours();
        return {
            series: [...edges(), dots(sensor.name, ink.estimate)],
            bands: [{ series: [1, 2], fill: faded(ink.muted, 0.16) }] as uPlot.Band[],
            zero: true,
        };
    };
    return (
        <TraceChart
            title={<>{sensor.name} <small>{display.unit}</small></>}
            note={<span class="key prior">two standard deviations of noise and spread</span>}
            label={`innovations of ${sensor.name} in ${display.unit} over time`}
            testid={`innovations-${sensor.name}`}
            subject={sensor.name}
            layout={layout}
            seen={() => traceFor(sensor)}
            data={data}
            describe={(row, at) => `${signedText(at[3]?.[row] ?? null, Number(at[1]?.[row] ?? 0) / limit)} ${display.unit}`}
            anew={[sensor.name]}
        />
    );
}

export function Innovations() {
    const [plain, setPlain] = useState(false);
    return (
        <Multiples
            items={observers()}
            noun="sensors"
            each={(sensor) => (
                plain ? <PlainChart key={`plain ${sensor.name}`} sensor={sensor} />
                    : <NormalisedChart key={sensor.name} sensor={sensor} />
            )}
        >
            <span class="tabs" role="group" aria-label="Scale of innovations">
                <button type="button" class="quiet" aria-pressed={!plain} onClick={() => setPlain(false)}>
                    in standard deviations
                </button>
                <button type="button" class="quiet" aria-pressed={plain} onClick={() => setPlain(true)}>
                    as measured
                </button>
            </span>
        </Multiples>
    );
}
