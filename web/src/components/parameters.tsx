// What the twin has learned: the band of each parameter and unknown input now against what the world file gave it.

import { useState } from 'preact/hooks';
import type { Parameter } from '../api';
import { doubtText, numberText, parseAddress, percentText, spreadText } from '../format';
import { bandOf, chartOnly, displayFor, learnedKey, parameters, trailOf } from '../store';
import { asDifference, convert } from '../units';
import { Sparkline } from './sparkline';

const most_rows = 20; // the others are found by typing

/** Prior above, posterior below, on one scale. */
function BandPair({ parameter }: { parameter: Parameter }) {
    const prior = { mean: parameter.initial ?? null, spread: parameter.initial_spread ?? null };
    const [priorLow, priorHigh] = bandOf(prior);
    const [low, high] = bandOf(parameter);
    const ends = [prior.mean, priorLow, priorHigh, parameter.mean, low, high].filter(
        (end): end is number => end !== null && Number.isFinite(end),
    );
    const from = Math.min(...ends);
    const range = Math.max(...ends) - from;
    if (ends.length === 0 || range <= 0) {
        return null;
    }
    const x = (value: number) => 4 + ((value - from) / range) * 102;
    const bar = (left: number | null, right: number | null, y: number, kind: string) =>
        left === null || right === null ? null : (
            <rect class={kind} x={x(left)} y={y} width={Math.max(1.5, x(right) - x(left))} height="6" rx="2" />
        );
    const mark = (mean: number | null, y: number, kind: string) =>
        mean === null ? null : <line class={kind} x1={x(mean)} x2={x(mean)} y1={y - 2} y2={y + 8} />;
    return (
        <svg class="bands" width="110" height="24" viewBox="0 0 110 24" aria-hidden="true">
            {bar(priorLow, priorHigh, 3, 'prior')}
            {bar(low, high, 15, 'posterior')}
            {mark(prior.mean, 3, 'prior')}
            {mark(parameter.mean, 15, 'posterior')}
        </svg>
    );
}

function ParameterRow({ parameter }: { parameter: Parameter }) {
    const { element, field } = parseAddress(parameter.address);
    const isInput = parameter.kind === 'input';
    const shown = displayFor(parameter.address, parameter.unit);
    const display = isInput ? asDifference(shown) : shown; // what is added has no zero of its own
    const spread = convert(parameter.spread, asDifference(display));
    const prior = { mean: parameter.initial ?? null, spread: parameter.initial_spread ?? null };
    const priorSpread = convert(prior.spread, asDifference(display));
    const change =
        prior.mean === null || prior.mean === 0 || parameter.mean === null || display.offset !== 0
            ? null
            : parameter.mean / prior.mean - 1;
    return (
        <tr>
            <th scope="row">
                <button type="button" class="link" title={`Chart ${parameter.address}`}
                    onClick={() => chartOnly(parameter.address)}>
                    {element} <em>{field.replace(/_/g, ' ')}</em>
                </button>
                {isInput ? <small title="what acts beside all that is supplied">unknown input</small> : null}
            </th>
            <td class="quiet-text">
                {numberText(convert(prior.mean, display), priorSpread)}
                {priorSpread === null ? '' : ` ± ${spreadText(priorSpread)}`}
            </td>
            <td data-testid={`parameter-${learnedKey(parameter)}`}>
                <b>{numberText(convert(parameter.mean, display), spread)}</b> {doubtText(spread)}
            </td>
            <td class="unit">{display.unit}</td>
            <td>{change === null ? '' : `${change > 0 ? '+' : ''}${percentText(change).replace('-', '−')}`}</td>
            <td>
                <BandPair parameter={parameter} />
            </td>
            <td>
                <Sparkline trail={trailOf(learnedKey(parameter))} least={0.2 * (parameter.spread ?? 0)}
                    label={`recent ${element} ${field}`} />
            </td>
        </tr>
    );
}

export function Parameters() {
    const [wanted, setWanted] = useState('');
    const needle = wanted.trim().toLowerCase();
    const all = parameters.value;
    const found = needle === '' ? all : all.filter(({ address }) => address.toLowerCase().includes(needle));
    const more = found.length - most_rows;
    return (
        <section class="panel parameters" aria-labelledby="parameters-title">
            <h2 id="parameters-title">
                {all.some(({ kind }) => kind === 'input') ? 'Learned parameters and unknown inputs' : 'Learned parameters'}
            </h2>
            {all.length <= most_rows ? null : (
                <input type="search" class="find" placeholder={`find among ${all.length} parameters`} aria-label="Find learned parameters"
                    value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
            )}
            {all.length === 0 ? (
                <p class="note">This world learns no parameters.</p>
            ) : (
                <div class="scroll" tabIndex={0} role="region" aria-labelledby="parameters-title">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">parameter</th>
                                <th scope="col">prior</th>
                                <th scope="col">now</th>
                                <th scope="col" />
                                <th scope="col">change</th>
                                <th scope="col" class="text">90 % bands</th>
                                <th scope="col" class="text">trail</th>
                            </tr>
                        </thead>
                        <tbody>
                            {found.slice(0, most_rows).map((parameter) => (
                                <ParameterRow key={learnedKey(parameter)} parameter={parameter} />
                            ))}
                        </tbody>
                    </table>
                    {more > 0 ? <p class="note">and {more} more; type to find them</p> : null}
                </div>
            )}
        </section>
    );
}
