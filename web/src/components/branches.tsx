// Named lines of states: the live one and its forks.

import { useState } from 'preact/hooks';
import { api, seconds, type Branch } from '../api';
import { bytesText, momentText } from '../format';
import { branches, refresh, time_s } from '../store';

function BranchRow({ branch, fail }: { branch: Branch; fail: (text: string) => void }) {
    const [asked, setAsked] = useState(false);
    const remove = async () => {
        try {
            await api.removeBranch(branch.name);
            await refresh.branches();
        } catch (problem) {
            fail((problem as Error).message);
        }
    };
    return (
        <tr data-testid={`branch-${branch.name}`}>
            <th scope="row">
                {branch.name} {branch.parent ? <small>of {branch.parent}</small> : null}
                {branch.note ? <p class="note">{branch.note}</p> : null}
            </th>
            <td>{momentText(seconds(branch.made), time_s.value)}</td>
            <td>{momentText(branch.name === 'live' ? time_s.value : seconds(branch.time), time_s.value)}</td>
            <td title={`${bytesText(branch.reached_bytes)} reached in all`}>{bytesText(branch.own_bytes)}</td>
            <td class="text">
                {branch.name === 'live' ? null : asked ? (
                    <>
                        <button type="button" class="danger" onClick={remove}>
                            delete it
                        </button>{' '}
                        <button type="button" class="quiet" onClick={() => setAsked(false)}>
                            keep
                        </button>
                    </>
                ) : (
                    <button type="button" class="quiet" onClick={() => setAsked(true)}
                        aria-label={`Delete branch ${branch.name}`}>
                        delete
                    </button>
                )}
            </td>
        </tr>
    );
}

export function Branches() {
    const [name, setName] = useState('');
    const [from, setFrom] = useState('live');
    const [note, setNote] = useState('');
    const [told, setTold] = useState<{ text: string; bad: boolean } | null>(null);
    const fail = (text: string) => setTold({ text, bad: true });

    const fork = async (event: Event) => {
        event.preventDefault();
        try {
            const made = await api.fork(name.trim(), from, note.trim());
            setTold({ text: `${made.name} was forked in ${(made.elapsed_us / 1000).toFixed(2)} ms.`, bad: false });
            setName('');
            setNote('');
            await refresh.branches();
        } catch (problem) {
            fail((problem as Error).message);
        }
    };

    return (
        <section class="panel branches" aria-labelledby="branches-title">
            <h2 id="branches-title">Branches</h2>
            <div class="scroll" tabIndex={0} role="region" aria-labelledby="branches-title">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">branch</th>
                            <th scope="col">made</th>
                            <th scope="col">stands at</th>
                            <th scope="col" title="memory that no other branch shares">own memory</th>
                            <th scope="col" />
                        </tr>
                    </thead>
                    <tbody>
                        {branches.value.map((branch) => (
                            <BranchRow key={branch.name} branch={branch} fail={fail} />
                        ))}
                    </tbody>
                </table>
            </div>
            <form class="line" onSubmit={fork} aria-label="Fork a branch">
                <label>
                    name
                    <input required pattern="[A-Za-z0-9_.\-]+" maxLength={64} value={name} data-testid="fork-name"
                        title="letters, digits, _ . -"
                        onInput={(event) => setName(event.currentTarget.value)} />
                </label>
                <label>
                    of
                    <select value={from} onChange={(event) => setFrom(event.currentTarget.value)}>
                        {branches.value.map((branch) => (
                            <option key={branch.name}>{branch.name}</option>
                        ))}
                    </select>
                </label>
                <label class="wide">
                    note
                    <input maxLength={200} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
                </label>
                <button type="submit" data-testid="fork">fork</button>
            </form>
            {told === null ? null : (
                <p class={told.bad ? 'told bad' : 'told'} role="status">
                    {told.text}
                </p>
            )}
        </section>
    );
}
