// What the monitors raised: open ones first.

import { seconds, type TwinEvent } from '../api';
import { durationText, figureText, momentText } from '../format';
import { events, si, time_s } from '../store';
import { asDifference, convert, displayOf } from '../units';

const most_shown = 30;

function EventRow({ event }: { event: TwinEvent }) {
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
        <section class="panel events" aria-labelledby="events-title">
            <h2 id="events-title">
                Events {open > 0 ? <span class="tag bad" role="status">{open} open</span> : null}
            </h2>
            {list.length === 0 ? <p class="note">Nothing out of the ordinary so far.</p> : null}
            <ul>
                {list.slice(0, most_shown).map((event) => (
                    <EventRow key={event.id} event={event} />
                ))}
            </ul>
            {list.length > most_shown ? <p class="note">and {list.length - most_shown} older</p> : null}
        </section>
    );
}
