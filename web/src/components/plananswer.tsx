// A ready-made question's answer: the moment that the plan shows, who is hit worst, and one element's two futures.

import { useEffect } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import type { Outcome } from '../api';
import { answer as sentenceOf } from '../answer';
import { durationText, numberText, signedText } from '../format';
import { className, type Network } from '../network';
import { moment, paint, pick, picked, showNow, worstAt, type PlanAnswer } from '../planstate';
import { displayFor } from '../store';
import { convert } from '../units';
import { Futures } from './futures';

const play_ms = 6000; // a whole horizon
const least_frame_ms = 60;

/** The slider over the horizon, and how to let it run. */
export function Timeline({ shown }: { shown: PlanAnswer }) {
    const playing = useSignal(false);
    const last = shown.times_s.length - 1;
    useEffect(() => {
        if (!playing.value) {
            return;
        }
        const timer = window.setInterval(() => {
            if (moment.value >= last) {
                playing.value = false;
            } else {
                moment.value++;
            }
        }, Math.max(least_frame_ms, play_ms / Math.max(1, last)));
        return () => window.clearInterval(timer);
    }, [playing.value, last]);
    const play = () => {
        if (!playing.value && moment.value >= last) {
            moment.value = 0;
        }
        playing.value = !playing.value;
    };
    const after = durationText(shown.times_s[moment.value]);
    return (
        <div class="plan-timeline" role="group" aria-label="Time of the what-if">
            <button type="button" class="quiet" onClick={play} data-testid="plan-play"
                aria-label={playing.value ? 'Pause' : 'Play the what-if'}>{playing.value ? '❚❚' : '►'}</button>
            <input type="range" min="0" max={String(last)} step="1" value={String(moment.value)} data-testid="plan-moment"
                aria-label="Time of the what-if" aria-valuetext={`after ${after}`}
                onInput={(event) => {
                    playing.value = false;
                    moment.value = Number(event.currentTarget.value);
                }} />
            <output>after <b>{after}</b></output>
            <button type="button" class="quiet" onClick={showNow} data-testid="plan-now">back to now</button>
        </div>
    );
}

/** The worst hit, with the difference at the slider's time and its band. */
export function WorstHit({ net, shown }: { net: Network; shown: PlanAnswer }) {
    const display = paint.value?.display;
    if (display === undefined || paint.value?.kind !== 'what-if') {
        return null;
    }
    const most = paint.value.high || 1;
    return (
        <section class="plan-worst" aria-label="Worst hit" data-testid="plan-worst">
            <h4>worst hit</h4>
            <ol class="plan-list">
                {worstAt(shown, moment.value).map((element) => {
                    const { mean, q05, q95 } = (shown.of.get(element) as Outcome).difference;
                    const at = moment.value;
                    const value = mean[at] ?? null;
                    const [low, high] = [convert(q05[at], display), convert(q95[at], display)];
                    const grain = low === null || high === null ? null : Math.max((high - low) / 3.29, most * display.scale / 200);
                    return (
                        <li key={element}>
                            <button type="button" class="face" onClick={() => pick(element)}
                                aria-current={picked.value === element} title={`90 %: ${numberText(low, grain)} to ${numberText(high, grain)} ${display.unit}`}>
                                <span class="what">{net.names[element]} <em>{className(net, element)}</em></span>
                                <span class="figure">
                                    <b>{signedText(convert(value, display), grain)}</b> <span class="unit">{display.unit}</span>
                                </span>
                            </button>
                        </li>
                    );
                })}
            </ol>
        </section>
    );
}

/** What is charted: the picked element's outcome, the question's own element's, or the worst hit's. */
function outcomesFor(shown: PlanAnswer): Outcome[] {
    const element = picked.value;
    if (element === shown.subject && shown.own.length > 0) {
        return shown.own;
    }
    const outcome = (element === null ? undefined : shown.of.get(element)) ?? shown.of.get(worstAt(shown, shown.times_s.length - 1)[0] as number);
    return outcome === undefined ? [] : [outcome];
}

export function AnswerCharts({ shown }: { shown: PlanAnswer }) {
    const tab = useSignal('');
    const outcomes = outcomesFor(shown);
    const outcome = outcomes.find(({ address }) => address === tab.value) ?? outcomes[0];
    const worst = shown.of.get(worstAt(shown, shown.times_s.length - 1)[0] as number);
    const size = (one: Outcome) => one.base.mean[0] ?? 0;
    return (
        <div class="answer" data-testid="plan-answer">
            <p class="sentences" role="status">
                <b>{shown.title}:</b>{' '}
                {worst === undefined ? null : sentenceOf(worst, displayFor(worst.address, worst.unit, size(worst)))}
            </p>
            {shown.notes.map((note) => <p key={note} class="note">{note}</p>)}
            {outcomes.length < 2 ? null : (
                <div class="tabs" role="group" aria-label="Field drawn">
                    {outcomes.map(({ address }) => (
                        <button key={address} type="button" class="quiet" aria-pressed={address === outcome?.address}
                            onClick={() => (tab.value = address)}>{address.slice(address.lastIndexOf('/') + 1).replace(/_/g, ' ')}</button>
                    ))}
                </div>
            )}
            {outcome === undefined ? null : (
                <>
                    <p class="note">{outcome.address}</p>
                    <Futures key={`${shown.title} ${outcome.address}`} outcome={outcome} />
                </>
            )}
        </div>
    );
}
