// Every value of the twin with its band, by system. A click puts it on the chart.

import { useMemo, useState } from 'preact/hooks';
import type { Role, Value } from '../api';
import { numberText, parseAddress, spreadText } from '../format';
import { isOnPlan } from '../planstate';
import { bandOf, charted, chartOnly, displayFor, systems, toggleChart, trailOf, values } from '../store';
import { asDifference, convert } from '../units';
import { Sparkline } from './sparkline';

const most_rows = 40; // of one system; a fleet is found by typing
const most_rows_on_plan = 8; // where the plan shows them all

const nameOf = (value: Value) => {
    const { element, field } = parseAddress(value.address);
    return { element, field: field.replace(/_/g, ' ') };
};

const order = new Intl.Collator('en', { numeric: true }); // J2 before J10

function ChartButtons({ address, title }: { address: string; title: string }) {
    const shown = charted.value.includes(address);
    return (
        <button
            type="button"
            class="pin"
            aria-pressed={shown}
            aria-label={shown ? `Take ${title} off the charts` : `Add a chart of ${title}`}
            title={shown ? 'Take off the charts' : 'Add below the charts'}
            onClick={() => toggleChart(address)}
        >
            {shown ? '−' : '+'}
        </button>
    );
}

function texts(value: Value) {
    const display = displayFor(value.address, value.unit);
    const [low, high] = bandOf(value);
    const spread = convert(value.spread, asDifference(display));
    return {
        unit: display.unit,
        mean: numberText(convert(value.mean, display), spread),
        spread: spreadText(spread),
        low: numberText(convert(low, display), spread),
        high: numberText(convert(high, display), spread),
        certain: spread === null || spread === 0,
    };
}

/** States and outputs: what a twin is looked at for. */
function Card({ value }: { value: Value }) {
    const { element, field } = nameOf(value);
    const text = texts(value);
    const title = `${element} ${field}`;
    const shown = charted.value.includes(value.address);
    return (
        <li class={shown ? 'card shown' : 'card'}>
            <button
                type="button"
                class="face"
                onClick={() => chartOnly(value.address)}
                aria-label={`Chart ${title}: ${text.mean} ${text.unit}`}
                aria-current={shown}
                title={value.address}
                data-testid={`card-${value.address}`}
            >
                <span class="what">
                    {element} <em>{field}</em>
                </span>
                <span class="figure">
                    <b data-testid={`value-${value.address}`}>{text.mean}</b> <span class="unit">{text.unit}</span>
                    {text.certain ? null : <span class="band"> ± {text.spread}</span>}
                </span>
                <Sparkline trail={trailOf(value.address)} width={104} height={26} least={value.spread ?? 0}
                    label={`recent ${title}`} />
                <span class="band" title="5 % to 95 % of the lanes">
                    {text.certain ? 'all lanes alike' : `${text.low} to ${text.high}`}
                </span>
            </button>
            <ChartButtons address={value.address} title={title} />
        </li>
    );
}

/** Inputs and parameters: one line each. */
function Row({ value }: { value: Value }) {
    const { element, field } = nameOf(value);
    const text = texts(value);
    const shown = charted.value.includes(value.address);
    return (
        <li class={shown ? 'row shown' : 'row'}>
            <button
                type="button"
                class="face"
                onClick={() => chartOnly(value.address)}
                aria-label={`Chart ${element} ${field}: ${text.mean} ${text.unit}`}
                aria-current={shown}
                title={value.address}
            >
                <span class="what">
                    {element} <em>{field}</em>
                </span>
                <span class="figure">
                    <b data-testid={`value-${value.address}`}>{text.mean}</b> <span class="unit">{text.unit}</span>
                    {text.certain ? null : <span class="band"> ± {text.spread}</span>}
                </span>
            </button>
        </li>
    );
}

const sections: { roles: Role[]; title: string; card: boolean; folded: boolean }[] = [
    { roles: ['state', 'output'], title: 'States and outputs', card: true, folded: false },
    { roles: ['input'], title: 'Inputs', card: false, folded: false },
    { roles: ['parameter'], title: 'Parameters', card: false, folded: true },
];

function SystemValues({ name, list }: { name: string; list: Value[] }) {
    const [wanted, setWanted] = useState('');
    const about = systems.value.find((system) => system.name === name);
    const needle = wanted.trim().toLowerCase();
    const most = isOnPlan(`${name}/`) ? most_rows_on_plan : most_rows;
    return (
        <section class="system" aria-label={`Values of ${name}`}>
            <h3>
                {name} <small title={about?.summary ?? ''}>{about?.domain}</small>
            </h3>
            {list.length > most ? (
                <input
                    type="search"
                    placeholder={`find among ${list.length} values`}
                    aria-label={`Find values of ${name}`}
                    value={wanted}
                    onInput={(event) => setWanted(event.currentTarget.value)}
                />
            ) : null}
            {sections.map(({ roles, title, card, folded }) => {
                const here = list.filter(
                    (value) =>
                        roles.includes(value.role ?? 'state') &&
                        (needle === '' || value.address.toLowerCase().includes(needle)),
                );
                if (here.length === 0) {
                    return null;
                }
                const shown = here.slice(0, most);
                const rows = (
                    <ul class={card ? 'cards' : 'rows'} aria-label={`${title} of ${name}`}>
                        {shown.map((value) =>
                            card ? <Card key={value.address} value={value} /> : <Row key={value.address} value={value} />,
                        )}
                    </ul>
                );
                const more = here.length - shown.length;
                const rest = more > 0 ? <p class="note">and {more} more; type to find them</p> : null;
                return folded ? (
                    <details key={title}>
                        <summary>
                            {title} <small>{here.length}</small>
                        </summary>
                        {rows}
                        {rest}
                    </details>
                ) : (
                    <div key={title}>
                        {card ? null : <h4>{title}</h4>}
                        {rows}
                        {rest}
                    </div>
                );
            })}
        </section>
    );
}

/** Addresses by system, each in its place. They only ever grow in number, so their count tells when to sort anew. */
function grouped(): [string, string[]][] {
    const groups = new Map<string, string[]>();
    for (const address of [...values.value.keys()].sort(order.compare)) {
        const { system } = parseAddress(address);
        const group = groups.get(system);
        if (group === undefined) {
            groups.set(system, [address]);
        } else {
            group.push(address);
        }
    }
    return [...groups];
}

export function Values() {
    const known = values.value;
    const groups = useMemo(grouped, [known.size]);
    return (
        <section class="panel values" aria-labelledby="values-title">
            <h2 id="values-title">Live values</h2>
            {groups.length === 0 ? <p class="note">No values yet.</p> : null}
            {groups.map(([name, addresses]) => (
                <SystemValues key={name} name={name} list={addresses.map((address) => known.get(address) as Value)} />
            ))}
        </section>
    );
}
