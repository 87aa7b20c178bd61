// The same lanes under another decision: a scenario of the world, or one change made up here.

import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { api, type Question, type ScenarioResult, type Value } from '../api';
import { answer } from '../answer';
import { durationText } from '../format';
import { charted, displayFor, knownAddress, parameters, values, world } from '../store';
import { asDifference, toSi } from '../units';
import { Futures } from './futures';

interface Asked {
    title: string;
    result: ScenarioResult;
}

const asked = signal<Asked | null>(null);
const running = signal<string | null>(null);
const trouble = signal<string | null>(null);

const most_fields = 4;
const points = 120;
const most_listed = 60; // more addresses than this are typed, not picked

/** Futures are asked of what is forecast and of what the reader looks at. */
function wantedFields(): string[] {
    const looked = charted.value.filter((address) => !/parameter|input/.test(values.value.get(address)?.role ?? ''));
    const forecast = (world.value?.forecast?.fields ?? []).map(knownAddress);
    return [...new Set([...looked, ...forecast])].slice(0, most_fields);
}

async function ask(title: string, question: Question): Promise<void> {
    running.value = title;
    trouble.value = null;
    const fields = wantedFields();
    try {
        const result = await api.ask({ ...question, points, ...(fields.length > 0 ? { fields } : {}) });
        asked.value = { title, result };
    } catch (problem) {
        trouble.value = (problem as Error).message;
    } finally {
        running.value = null;
    }
}

/** What a decision may change: first what the twin had to learn, then inputs, then the other parameters. */
function changeable(): Value[] {
    const learned = new Set(parameters.value.map(({ address }) => address));
    const rank = ({ address, role }: Value) => (learned.has(address) ? 0 : role === 'input' ? 1 : 2);
    return [...values.value.values()]
        .filter(({ role }) => role === 'parameter' || role === 'input')
        .sort((a, b) => rank(a) - rank(b));
}

type Way = 'times' | 'to' | 'add'; // as a world file spells them

function OwnQuestion() {
    const options = changeable();
    const [picked, setPicked] = useState('');
    const [way, setWay] = useState<Way>('times');
    const [amount, setAmount] = useState('2');
    const [at, setAt] = useState('5');
    const [lasting, setLasting] = useState('');
    const [horizon, setHorizon] = useState('30');

    const address = picked === '' ? (options[0]?.address ?? '') : picked;
    const chosen = values.value.get(address);
    const shown = displayFor(address, chosen?.unit ?? '1');
    const display = way === 'add' ? asDifference(shown) : shown;
    const listed = options.length <= most_listed;

    const submit = (event: Event) => {
        event.preventDefault();
        const value = way === 'times' ? Number(amount) : toSi(Number(amount), display);
        const change = {
            at: `+${Number(at)} min`,
            [way]: value,
            ...(lasting === '' ? {} : { for: `${Number(lasting)} min` }),
        };
        const what = way === 'times' ? `× ${amount}` : `${way === 'add' ? '+' : '='} ${amount} ${display.unit}`;
        void ask(`${address} ${what}`, { set: { [address]: change }, for: `${Number(horizon)} min` });
    };

    const minutes = (label: string, value: string, set: (value: string) => void, required: boolean, hint: string) => (
        <label>
            {label}
            <span class="with-unit">
                <input type="number" min="0" step="any" value={value} required={required} placeholder={hint}
                    onInput={(event) => set(event.currentTarget.value)} />
                min
            </span>
        </label>
    );

    return (
        <form class="line own" onSubmit={submit} aria-label="Ask your own what-if" data-testid="whatif-form">
            <label class="wide">
                change
                {listed ? (
                    <select value={address} onChange={(event) => setPicked(event.currentTarget.value)}
                        data-testid="whatif-address">
                        {options.map((option) => <option key={option.address}>{option.address}</option>)}
                    </select>
                ) : (
                    <>
                        <input list="changeable" value={picked} required placeholder="system/class/element/field"
                            data-testid="whatif-address"
                            onInput={(event) => setPicked(event.currentTarget.value)} />
                        <datalist id="changeable">
                            {options.map((option) => <option key={option.address} value={option.address} />)}
                        </datalist>
                    </>
                )}
            </label>
            <label>
                how
                <select value={way} onChange={(event) => setWay(event.currentTarget.value as Way)}>
                    <option value="times">times</option>
                    <option value="to">set to</option>
                    <option value="add">add</option>
                </select>
            </label>
            <label>
                value
                <span class="with-unit">
                    <input type="number" step="any" required value={amount} data-testid="whatif-value"
                        onInput={(event) => setAmount(event.currentTarget.value)} />
                    {way === 'times' ? '' : display.unit}
                </span>
            </label>
            {minutes('in', at, setAt, true, '')}
            {minutes('for', lasting, setLasting, false, 'ever')}
            {minutes('look ahead', horizon, setHorizon, true, '')}
            <button type="submit" disabled={running.value !== null} data-testid="whatif-run">ask</button>
        </form>
    );
}

function Answer({ title, result }: Asked) {
    const [picked, setPicked] = useState<string | null>(null);
    const field = result.fields.find((one) => one.address === picked) ?? result.fields[0];
    if (field === undefined) {
        return <p class="note">The server named no field that both futures have.</p>;
    }
    return (
        <div class="answer" data-testid="whatif-result">
            <p class="sentences" role="status">
                <b>{title}:</b>{' '}
                {result.fields.map((one) => answer(one, displayFor(one.address, one.unit))).join(' ')}
            </p>
            {(result.notes ?? []).map((note) => <p key={note} class="note">{note}</p>)}
            {result.fields.length < 2 ? null : (
                <div class="tabs" role="group" aria-label="Field drawn">
                    {result.fields.map(({ address }) => (
                        <button key={address} type="button" class="quiet" aria-pressed={address === field.address}
                            onClick={() => setPicked(address)}>{address}</button>
                    ))}
                </div>
            )}
            <Futures key={`${result.from} ${title} ${field.address}`} outcome={field} />
        </div>
    );
}

export function WhatIf() {
    const scenarios = world.value?.scenarios ?? [];
    return (
        <section class="panel whatif" aria-labelledby="whatif-title" aria-busy={running.value !== null}>
            <h2 id="whatif-title">What if?</h2>
            <div class="choices">
                {scenarios.map(({ name, about, horizon_s }) => (
                    <button key={name} type="button" class="choice" disabled={running.value !== null}
                        data-testid={`whatif-run-${name}`} title={about ?? ''}
                        onClick={() => void ask(name, { name })}>
                        <b>{running.value === name ? 'running …' : name}</b>
                        <small>{[about, horizon_s ? `looks ${durationText(horizon_s)} ahead` : ''].filter(Boolean).join(' · ')}</small>
                    </button>
                ))}
            </div>
            <OwnQuestion />
            {trouble.value === null ? null : (
                <p class="told bad" role="alert" data-testid="whatif-trouble">{trouble.value}</p>
            )}
            {asked.value === null ? null : <Answer {...asked.value} />}
        </section>
    );
}
