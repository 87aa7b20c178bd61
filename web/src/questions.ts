// The one place where the page knows names: which field offers which ready-made question, and what numbers of a field
// that is a choice mean. A field that is not named here is asked about under "What if?" like any other.

export interface Ready {
    field: string;
    /** Only of elements of this class; the first row that fits counts. */
    kind?: string;
    asks: string;
    /** What happened, after the element's name. */
    tells: string;
    /** The change, as a world file writes it. */
    way: 'add' | 'to';
    amount: number;
    /** The unit of the amount, as the world file spells it and as people read it; without one it is not asked for. */
    unit?: { spelt: string; shown: string };
    /** Fields that are set to zero with it, where the element has them: who would undo the change. */
    stops?: string[];
    /** Offered only while this holds of the field's present value. */
    when?: (value: number) => boolean;
}

/** A field whose numbers are choices. */
export interface Choice {
    field: string;
    words: string[];
    /** Those that let nothing through: drawn dashed. */
    shut: number[];
}

export const choices: Choice[] = [
    {
        field: 'status',
        words: ['closed', 'open', 'holds its setting', 'wide open', 'shut by reverse flow', 'stopped', 'cannot lift', 'cannot hold'],
        shut: [0, 4, 5, 6],
    },
];

const isShut = (field: string) => (value: number) =>
    choices.some((choice) => choice.field === field && choice.shut.includes(Math.round(value)));
const isOpen = (field: string) => (value: number) => !isShut(field)(value);

const controls = ['automatic']; // controls of the network's own would switch it back

export const questions: Ready[] = [
    {
        field: 'leak_area', asks: 'What if this bursts?', tells: 'bursts', way: 'add', amount: 20,
        unit: { spelt: 'cm2', shown: 'cm²' },
    },
    {
        field: 'status', kind: 'pump', asks: 'What if this pump trips?', tells: 'trips', way: 'to', amount: 0, stops: controls,
        when: isOpen('status'),
    },
    {
        field: 'status', kind: 'pump', asks: 'What if this pump starts?', tells: 'starts', way: 'to', amount: 1, stops: controls,
        when: isShut('status'),
    },
    {
        field: 'status', asks: 'What if this is closed?', tells: 'is closed', way: 'to', amount: 0, stops: controls,
        when: isOpen('status'),
    },
    {
        field: 'status', asks: 'What if this is opened?', tells: 'is opened', way: 'to', amount: 1, stops: controls,
        when: isShut('status'),
    },
];

export const choiceOf = (field: string) => choices.find((choice) => choice.field === field);
