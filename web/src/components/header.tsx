// Who the twin is and how it does: name, connection, mode, time, cycle, lanes; the switch of units.

import { clockText, dateText, durationText, nothing } from '../format';
import { connection, lanesLeft, si, time_s, toggleUnits, world, type Connection } from '../store';

const states: Record<Connection, { text: string; title: string }> = {
    connecting: { text: 'connecting', title: 'Opening the live connection' },
    live: { text: 'connected', title: 'Changes arrive as they are published' },
    polling: { text: 'polling', title: 'The live connection is away; values are asked for once a cycle' },
    offline: { text: 'offline', title: 'The server does not answer; trying again' },
};

function Fact({ label, value, name }: { label: string; value: string; name: string }) {
    return (
        <div class="fact">
            <dt>{label}</dt>
            <dd data-testid={name}>{value}</dd>
        </div>
    );
}

export function Header() {
    const told = world.value;
    const state = states[connection.value];
    const lanes = told === null ? nothing : `${lanesLeft.value ?? nothing} / ${told.lanes}`;
    const thin = told !== null && lanesLeft.value !== null && lanesLeft.value < told.lanes;
    return (
        <header class="top">
            <div class="name">
                <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
                    <circle cx="12" cy="16" r="7" />
                    <circle cx="20" cy="16" r="7" />
                </svg>
                <div>
                    <h1>{told?.name ?? 'gemel'}</h1>
                    {told?.about ? <p title={told.about}>{told.about}</p> : null}
                </div>
            </div>
            <div class="badges">
                <span
                    class={`badge ${connection.value}`}
                    data-testid="connection"
                    data-state={connection.value}
                    role="status"
                    title={state.title}
                >
                    <i class="lamp" aria-hidden="true" />
                    {state.text}
                </span>
                {told === null ? null : (
                    <span class={`badge mode-${told.mode}`} data-testid="mode">
                        {told.mode}
                    </span>
                )}
            </div>
            <dl class="facts">
                <Fact label={`${dateText(time_s.value)} UTC`} value={clockText(time_s.value)} name="time" />
                <Fact label="cycle" value={told === null ? nothing : durationText(told.cycle_s)} name="cycle" />
                <div class={thin ? 'fact warn' : 'fact'}>
                    <dt>lanes left</dt>
                    <dd data-testid="lanes">{lanes}</dd>
                </div>
            </dl>
            <button class="quiet" type="button" onClick={toggleUnits} aria-pressed={si.value} data-testid="units"
                title="Show SI units as the engine holds them, or everyday ones">
                {si.value ? 'SI units' : 'everyday units'}
            </button>
        </header>
    );
}
