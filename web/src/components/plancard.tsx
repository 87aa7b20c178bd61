// Beside the plan: all about the element that was picked, or where the coloured field is highest and lowest.

import { useState } from 'preact/hooks';
import type { Field, Value } from '../api';
import { numberText } from '../format';
import { addressOf, className, type Network } from '../network';
import { askReady, askingPlan, questionTrouble } from '../planfeed';
import { nameOf, offer, paint, pick, sensed, wordsOf } from '../planstate';
import { choiceOf, questions, type Ready } from '../questions';
import { bandOf, charted, chartOnly, displayFor, sensors, values } from '../store';
import { asDifference, convert } from '../units';

const most_listed = 5;
const horizons = [
    { span_s: 1800, label: '30 min' },
    { span_s: 7200, label: '2 h' },
    { span_s: 6 * 3600, label: '6 h' },
    { span_s: 24 * 3600, label: '24 h' },
];
const usual_horizon_s = 7200;

function FieldRow({ address, field, value }: { address: string; field: Field; value: Value | undefined }) {
    const choice = choiceOf(field.name);
    const display = displayFor(address, field.unit);
    const spread = convert(value?.spread, asDifference(display));
    const [low, high] = value === undefined ? [null, null] : bandOf(value);
    const word = choice?.words[Math.round(value?.q50 ?? value?.mean ?? -1)];
    const certain = spread === null || spread === 0;
    const counted = certain && field.unit === '1' && Number.isInteger(value?.mean);
    const shown = charted.value.includes(address);
    return (
        <tr data-testid={`plan-field-${field.name}`}>
            <th scope="row">
                <button type="button" class="link" aria-current={shown} title={`Chart ${address}${field.doc ? `: ${field.doc}` : ''}`}
                    onClick={() => chartOnly(address)}>{wordsOf(field.name)}</button>
            </th>
            <td>
                {word !== undefined ? <b>{word}</b> : (
                    <>
                        <b>{counted ? String(value?.mean) : numberText(convert(value?.mean, display), spread)}</b> <span class="unit">{display.unit}</span>
                        {certain ? null : (
                            <small class="block">
                                {numberText(convert(low, display), spread)} to {numberText(convert(high, display), spread)}
                            </small>
                        )}
                    </>
                )}
            </td>
        </tr>
    );
}

/** The ready-made questions that an element's fields offer: of each field the first that fits. */
function readyFor(net: Network, element: number): Ready[] {
    const kind = className(net, element);
    const fields = net.classes[net.classOf[element] as number]?.fields ?? [];
    const asked = fields.flatMap(({ name, role }) => {
        const address = addressOf(net, element, name);
        const value = values.value.get(address);
        const now = value?.q50 ?? value?.mean;
        const settable = (value?.role ?? role) !== 'output';
        const fits = questions.find(
            ({ field, kind: only, when }) =>
                field === name && (only === undefined || only === kind) &&
                (when === undefined || (now !== null && now !== undefined && when(now))),
        );
        return fits !== undefined && settable ? [fits] : [];
    });
    return asked.sort((a, b) => questions.indexOf(a) - questions.indexOf(b));
}

function Questions({ net, element }: { net: Network; element: number }) {
    const [horizon, setHorizon] = useState(usual_horizon_s);
    const [amounts, setAmounts] = useState<Record<string, string>>({});
    const ready = readyFor(net, element);
    if (ready.length === 0) {
        return null;
    }
    const amountOf = (one: Ready) => amounts[one.field] ?? String(one.amount);
    const submit = (event: SubmitEvent) => {
        event.preventDefault();
        const asked = ready.find(({ field }) => field === (event.submitter as HTMLButtonElement | null)?.value) ?? ready[0];
        if (asked !== undefined) {
            void askReady(net, element, asked, Number(amountOf(asked)), horizon);
        }
    };
    return (
        <form class="plan-questions" onSubmit={submit} aria-busy={askingPlan.value !== null} aria-label={`Ask what if of ${nameOf(net, element)}`}>
            {ready.map((one) => (
                <button key={one.asks} type="submit" value={one.field} disabled={askingPlan.value !== null}
                    data-testid={`plan-ask-${one.field}`}>{one.asks}</button>
            ))}
            <p class="plan-given">
                {ready.map((one) => one.unit === undefined ? null : (
                    <label key={one.field}>
                        {wordsOf(one.field)}
                        <input type="number" step="any" required value={amountOf(one)} data-testid="plan-amount"
                            onInput={(event) => setAmounts({ ...amounts, [one.field]: event.currentTarget.value })} />
                        {one.unit.shown}
                    </label>
                ))}
                <label>
                    look ahead
                    <select value={String(horizon)} data-testid="plan-horizon"
                        onChange={(event) => setHorizon(Number(event.currentTarget.value))}>
                        {horizons.map(({ span_s, label }) => <option key={span_s} value={String(span_s)}>{label}</option>)}
                    </select>
                </label>
            </p>
            {askingPlan.value === null ? null : <p class="note" role="status">Running every lane ahead …</p>}
            {questionTrouble.value === null ? null : (
                <p class="told bad" role="alert" data-testid="plan-trouble">{questionTrouble.value}</p>
            )}
        </form>
    );
}

export function ElementCard({ net, element }: { net: Network; element: number }) {
    const kind = net.classes[net.classOf[element] as number];
    const names = sensed.value.get(element) ?? [];
    const first = paint.value?.kind === 'now' ? offer.value?.field : undefined;
    const fields = [...(kind?.fields ?? [])].sort((a, b) => Number(b.name === first) - Number(a.name === first));
    const table = (rows: Field[]) => (
        <table>
            <tbody>
                {rows.map((field) => {
                    const address = addressOf(net, element, field.name);
                    return <FieldRow key={address} address={address} field={field} value={values.value.get(address)} />;
                })}
            </tbody>
        </table>
    );
    const given = fields.filter(({ role }) => role === 'parameter');
    return (
        <section class="plan-card" aria-label={nameOf(net, element)} data-testid="plan-card">
            <header>
                <h3>{net.names[element]} <small title={kind?.doc ?? ''}>{kind?.name}</small></h3>
                <button type="button" class="pin" aria-label="Close the card" onClick={() => pick(null)}>×</button>
            </header>
            <Questions net={net} element={element} />
            {names.length === 0 ? null : (
                <p class="note">
                    measured by{' '}
                    {names.map((name) => sensors.value.find((one) => one.name === name)).map((sensor) => sensor === undefined ? null : (
                        <button key={sensor.name} type="button" class="link" onClick={() => chartOnly(sensor.address)}>{sensor.name}</button>
                    ))}
                </p>
            )}
            {table(fields.filter(({ role }) => role !== 'parameter'))}
            {given.length === 0 ? null : (
                <details>
                    <summary>Parameters <small>{given.length}</small></summary>
                    {table(given)}
                </details>
            )}
        </section>
    );
}

/** Where the coloured field is highest and lowest. */
export function Extremes({ net }: { net: Network }) {
    const shown = paint.value;
    if (shown === null) {
        return null;
    }
    const known = [...shown.values.keys()].filter((element) => !Number.isNaN(shown.values[element] as number));
    const sorted = known.sort((a, b) => (shown.values[b] as number) - (shown.values[a] as number));
    const grain = (shown.high - shown.low) * shown.display.scale / 20;
    const list = (title: string, elements: number[]) => (
        <div>
            <h4>{title}</h4>
            <ul class="plan-list">
                {elements.map((element) => (
                    <li key={element}>
                        <button type="button" class="face" onClick={() => pick(element)}>
                            <span class="what">{net.names[element]} <em>{className(net, element)}</em></span>
                            <span class="figure">
                                <b>{numberText(convert(shown.values[element], shown.display), grain)}</b>{' '}
                                <span class="unit">{shown.display.unit}</span>
                            </span>
                        </button>
                    </li>
                ))}
            </ul>
        </div>
    );
    return (
        <section class="plan-extremes" aria-label="Highest and lowest">
            {list(`highest ${shown.title}`, sorted.slice(0, most_listed))}
            {sorted.length > most_listed ? list(`lowest ${shown.title}`, sorted.slice(-most_listed).reverse()) : null}
            <p class="note">Click an element for all of its fields, and to ask what if.</p>
        </section>
    );
}
