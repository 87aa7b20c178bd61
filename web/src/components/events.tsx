// What the monitors raised: open ones first.

import type { ComponentChildren } from 'preact';
import { seconds, type Suspicion, type TwinEvent } from '../api';
import { durationText, figureText, momentText, percentText } from '../format';
import { accused, isOnPlan, least_told, showNow, showSuspects, suspicions } from '../planstate';
import { events, si, time_s } from '../store';
import { accusationOf } from '../suspects';
import { asDifference, convert, displayOf } from '../units';

const most_shown = 30;
const most_suspects = 5;

/** What could be behind an open event, the likeliest first. */
function Suspects({ event, told }: { event: string; told: Suspicion }) {
    const likely = told.suspects.filter(({ probability }) => probability >= least_told).slice(0, most_suspects);
    const onPlan = likely.some(({ address }) => address !== null && isOnPlan(address));
    const shown = accused.value === event;
    const none = told.none ?? 0;
    const row = (key: string, title: string, what: ComponentChildren, probability: number) => (
        <li key={key} title={title}>
            <span class="what">{what}</span>
            <span class="meter" aria-hidden="true"><i style={{ width: `${100 * probability}%` }} /></span>
            <span class="share">{percentText(probability)}</span>
        </li>
    );
    return (
        <div class="suspects" data-testid="suspects">
            <ol aria-label="Suspects">
                {likely.map((suspect) => {
                    const { since } = suspect;
                    const began = since === null ? '' : `since ${momentText(seconds(since), time_s.value)}`;
                    const { key, who, what, title } = accusationOf(suspect, began, si.value);
                    return row(key, title, <>{who} <em>{what}</em></>, suspect.probability);
                })}
                {none < least_told ? null : row('none', 'Something that is not among the suspects', <em>none of these</em>, none)}
            </ol>
            {onPlan ? (
                <button type="button" class="quiet" aria-pressed={shown} data-testid="suspects-show"
                    onClick={() => {
                        shown ? showNow() : showSuspects(event);
                        document.querySelector('.plan-picture')?.scrollIntoView({ block: 'nearest' });
                    }}>
                    {shown ? 'shown on plan' : 'show on plan'}
                </button>
            ) : null}
        </div>
    );
}

/** What is told of an open event; of several that have the same suspects, the first shows them. */
function toldFor(event: TwinEvent, list: TwinEvent[]): Suspicion | undefined {
    const alike = ({ suspects }: Suspicion) => JSON.stringify(suspects);
    const told = event.end === null ? suspicions.value.get(String(event.id)) : undefined;
    const first = told === undefined ? undefined : list.find(({ id }) => {
        const other = suspicions.value.get(String(id));
        return other !== undefined && alike(other) === alike(told);
    });
    return first?.id === event.id ? told : undefined;
}

function EventRow({ event, told }: { event: TwinEvent; told: Suspicion | undefined }) {
    const start = seconds(event.start);
    const end = seconds(event.end);
    const open = event.end === null;
    // an event's size is how far something is off, never a point on a scale
    const display = asDifference(displayOf(event.unit ?? '1', null, si.value));
    const lasted = start === null ? null : (end ?? time_s.value ?? start) - start;
    return (
        <li class={open ? 'event open' : 'event'} data-testid="event-row" data-open={open}>
            <span class="mark" aria-hidden="true" />
            <div>
                <p>
                    <b>{event.subject}</b> <span class="tag">{event.kind}</span>
                    {event.size === null ? null : (
                        <span class="size">
                            {figureText(convert(event.size, display))} {display.unit}
                        </span>
                    )}
                </p>
                <p class="sentence">{event.text}</p>
                {told === undefined ? null : <Suspects event={String(event.id)} told={told} />}
                <p class="when">
                    <time dateTime={event.start}>{momentText(start, time_s.value)}</time>
                    {' – '}
                    {open ? <b>open</b> : <time dateTime={event.end ?? ''}>{momentText(end, time_s.value)}</time>}
                    {` · ${durationText(lasted)}`}
                </p>
            </div>
        </li>
    );
}

export function Events() {
    const list = events.value;
    const open = list.filter((event) => event.end === null).length;
    return (
        <section class={open > 0 ? 'panel events alert' : 'panel events'} aria-labelledby="events-title">
            <h2 id="events-title">
                Events {open > 0 ? <span class="tag bad" role="status">{open} open</span> : null}
            </h2>
            {list.length === 0 ? <p class="note">Nothing out of the ordinary so far.</p> : null}
            <ul>
                {list.slice(0, most_shown).map((event) => (
                    <EventRow key={event.id} event={event} told={toldFor(event, list)} />
                ))}
            </ul>
            {list.length > most_shown ? <p class="note">and {list.length - most_shown} older</p> : null}
        </section>
    );
}
