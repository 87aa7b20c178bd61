// A system as it lies: the network on a plan, coloured by any of its fields, and what would happen to it.

import { useRef } from 'preact/hooks';
import type { Network } from '../network';
import {
    accused, answered, chosenField, chosenSystem, measure, network, networks, offer, offerId, offers, paint, pick, picked,
    planTrouble, showNow, wordsOf,
} from '../planstate';
import { AnswerCharts, Timeline, WorstHit } from './plananswer';
import { PlanCanvas, type Camera } from './plancanvas';
import { ElementCard, Extremes } from './plancard';
import { PlanLegend } from './planlegend';

const zoom_step = 1.5;
const most_suggested = 2000; // names in the list of the search box

function colourBy(choose: () => void): void {
    showNow();
    choose();
}

function Tools({ net, camera }: { net: Network; camera: () => Camera | null }) {
    const find = (event: Event) => {
        event.preventDefault();
        const box = (event.currentTarget as HTMLFormElement).elements.namedItem('name') as HTMLInputElement;
        const wanted = box.value.trim().toLowerCase();
        const names = net.names.map((name) => name.toLowerCase());
        const exact = names.indexOf(wanted);
        const found = exact >= 0 ? exact : names.findIndex((name) => name.startsWith(wanted));
        box.setCustomValidity(found < 0 ? `${net.system} has no element of that name` : '');
        box.reportValidity();
        if (found >= 0) {
            pick(found);
            camera()?.show(found);
        }
    };
    const group = (title: string, ofLines: boolean) => {
        const list = offers.value.filter((one) => one.ofLines === ofLines);
        return list.length === 0 ? null : (
            <optgroup label={title}>
                {list.map((one) => {
                    const twin = offers.value.some((other) => other !== one && other.field === one.field);
                    return (
                        <option key={offerId(one)} value={offerId(one)}>
                            {wordsOf(one.field)}{twin ? ` (${one.classes.join(', ')})` : ''}
                        </option>
                    );
                })}
            </optgroup>
        );
    };
    const lines = net.classes.filter(({ shape }) => shape !== 'point').map(({ name }) => name);
    const dots = net.classes.filter(({ shape }) => shape === 'point').map(({ name }) => name);
    return (
        <div class="plan-tools">
            {networks.value.length < 2 ? null : (
                <label>
                    system{' '}
                    <select value={net.system} onChange={(event) => {
                        const name = event.currentTarget.value;
                        colourBy(() => {
                            pick(null);
                            chosenSystem.value = name;
                        });
                    }}>
                        {networks.value.map(({ system }) => <option key={system}>{system}</option>)}
                    </select>
                </label>
            )}
            <label>
                colour by{' '}
                <select value={offer.value === null ? '' : offerId(offer.value)} data-testid="plan-field"
                    onChange={(event) => {
                        const id = event.currentTarget.value;
                        colourBy(() => (chosenField.value = id));
                    }}>
                    {group(dots.join(', '), false)}
                    {group(lines.join(', '), true)}
                </select>
            </label>
            <div class="segments" role="group" aria-label="What of it">
                {(['mean', 'spread'] as const).map((one) => (
                    <button key={one} type="button" class="quiet" aria-pressed={measure.value === one} data-testid={`plan-${one}`}
                        onClick={() => colourBy(() => (measure.value = one))}>{one}</button>
                ))}
            </div>
            <form class="plan-find" role="search" onSubmit={find}>
                <input name="name" type="search" list="plan-names" placeholder="find an element" aria-label="Find an element"
                    data-testid="plan-find" onInput={(event) => event.currentTarget.setCustomValidity('')} required />
                <datalist id="plan-names">
                    {net.names.slice(0, most_suggested).map((name, at) => <option key={at} value={name} />)}
                </datalist>
            </form>
        </div>
    );
}

export function Plan() {
    const net = network.value;
    const camera = useRef<Camera | null>(null);
    if (net === null) {
        return null;
    }
    const element = picked.value !== null && picked.value < net.count ? picked.value : null;
    const answer = answered.value?.net === net && accused.value === null ? answered.value : null;
    return (
        <section class="panel plan" aria-labelledby="plan-heading">
            <div class="plan-head">
                <h2 id="plan-heading">Plan <small>{net.system}, {net.count.toLocaleString('en')} elements</small></h2>
                <Tools net={net} camera={() => camera.current} />
            </div>
            <div class="plan-body">
                <div class="plan-stage">
                    <div class="plan-frame">
                        <PlanCanvas key={net.system} net={net} hold={(one) => (camera.current = one)} />
                        <div class="plan-zoom" role="group" aria-label="Zoom">
                            <button type="button" class="quiet" aria-label="Nearer" onClick={() => camera.current?.zoom(zoom_step)}>+</button>
                            <button type="button" class="quiet" aria-label="Farther" onClick={() => camera.current?.zoom(1 / zoom_step)}>−</button>
                            <button type="button" class="quiet" aria-label="Show all" title="Show all" data-testid="plan-fit"
                                onClick={() => camera.current?.fit()}>
                                <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
                                    <path d="M1 5 V1 H5 M9 1 H13 V5 M13 9 V13 H9 M5 13 H1 V9" />
                                </svg>
                            </button>
                        </div>
                        {paint.value?.kind === 'now' || paint.value === null ? null : (
                            <p class="plan-mode">
                                {paint.value.kind === 'what-if' ? `what if: ${answered.value?.title ?? ''}` : 'suspects of an open event'}
                                {paint.value.kind === 'suspects' ? (
                                    <button type="button" class="quiet" onClick={showNow}>back to now</button>
                                ) : null}
                            </p>
                        )}
                    </div>
                    {answer === null ? null : <Timeline key={answer.title} shown={answer} />}
                    <PlanLegend net={net} />
                    {planTrouble.value === null ? null : <p class="told bad" role="status">{planTrouble.value}</p>}
                    {answer === null ? null : <AnswerCharts shown={answer} />}
                </div>
                <aside class="plan-side">
                    {element === null ? null : <ElementCard key={element} net={net} element={element} />}
                    {answer !== null ? <WorstHit net={net} shown={answer} /> : element === null ? <Extremes net={net} /> : null}
                </aside>
            </div>
        </section>
    );
}
