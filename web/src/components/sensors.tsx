// What was measured against what the twin held true, and how far apart the two were.

import { seconds, type Sensor } from '../api';
import { clockText, durationText, momentText, nothing, numberText, signedText, spreadText } from '../format';
import { chartOnly, displayFor, expectedSize, knownAddress, sensors, time_s } from '../store';
import { asDifference, convert, type Display } from '../units';

const silent_after = 5; // expected samples that did not come

function qualityOf(sensor: Sensor): { text: string; bad: boolean } {
    const quality = sensor.last?.quality;
    const at = seconds(sensor.last?.time);
    if (sensor.last === null || at === null) {
        return { text: 'no data', bad: false };
    }
    const age = (time_s.value ?? at) - at;
    if (sensor.every_s !== null && sensor.every_s > 0 && age > silent_after * sensor.every_s) {
        return { text: `silent ${durationText(age)}`, bad: true };
    }
    const text = String(quality ?? 'good');
    return { text, bad: !/^(good|late)$/.test(text) };
}

const isBiased = ({ bias }: Sensor) => bias !== null && bias !== undefined;

/** By how much a sensor reads too much, as far as the twin can tell. */
function Bias({ sensor, unit }: { sensor: Sensor; unit: Display }) {
    const spread = convert(sensor.bias_spread, unit);
    return (
        <td data-testid={`bias-${sensor.name}`}>
            {isBiased(sensor) ? `${signedText(convert(sensor.bias, unit), spread)} ± ${spreadText(spread)}` : nothing}
        </td>
    );
}

function SensorRow({ sensor, biases }: { sensor: Sensor; biases: boolean }) {
    const display = displayFor(knownAddress(sensor.address), sensor.unit);
    const difference = asDifference(display);
    const { last } = sensor;
    const grain = sensor.noise ?? last?.spread ?? null;
    const noise = convert(grain, difference);
    const quality = qualityOf(sensor);
    const at = seconds(last?.time);
    const innovation = last?.innovation ?? null;
    // three times what noise and spread explain together is worth an eye
    const expected = expectedSize(sensor) ?? 0;
    const surprising = innovation !== null && expected > 0 && Math.abs(innovation) > 3 * expected;
    const measured = typeof last?.value === 'number' ? numberText(convert(last.value, display), noise) : nothing;
    return (
        <tr data-testid={`sensor-${sensor.name}`}>
            <th scope="row">
                <button type="button" class="link" title={`Chart ${sensor.address}`}
                    onClick={() => chartOnly(knownAddress(sensor.address))}>
                    {sensor.name}
                </button>
                <small>{sensor.kind === 'driver' ? 'drives' : 'observes'}</small>
            </th>
            <td>{measured}</td>
            <td>{numberText(convert(last?.estimate, display), noise)}</td>
            <td class={surprising ? 'bad' : ''}>{signedText(convert(innovation, difference), noise)}</td>
            {biases ? <Bias sensor={sensor} unit={difference} /> : null}
            <td class="unit">{display.unit}</td>
            <td class="text">
                <span class={quality.bad ? 'tag bad' : 'tag'}>{quality.text}</span>
            </td>
            <td title={`${sensor.accepted} accepted, ${sensor.rejected} rejected; last at ${clockText(at)} UTC`}>
                {momentText(at, time_s.value)}
            </td>
            <td>{sensor.rejected > 0 ? <span class="bad">{sensor.rejected}</span> : 0}</td>
        </tr>
    );
}

export function Sensors() {
    const biases = sensors.value.some(isBiased);
    return (
        <section class="panel sensors" aria-labelledby="sensors-title">
            <h2 id="sensors-title">Sensors</h2>
            {sensors.value.length === 0 ? (
                <p class="note">This world has no sensors.</p>
            ) : (
                <div class="scroll" tabIndex={0} role="region" aria-labelledby="sensors-title">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">sensor</th>
                                <th scope="col">measured</th>
                                <th scope="col">estimate</th>
                                <th scope="col" title="measured minus what was expected of it">innovation</th>
                                {biases ? (
                                    <th scope="col" title="by how much the sensor is thought to read too much">bias</th>
                                ) : null}
                                <th scope="col" />
                                <th scope="col" class="text">quality</th>
                                <th scope="col">last</th>
                                <th scope="col" title="samples that quality rules refused">refused</th>
                            </tr>
                        </thead>
                        <tbody>
                            {sensors.value.map((sensor) => (
                                <SensorRow key={sensor.name} sensor={sensor} biases={biases} />
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </section>
    );
}
