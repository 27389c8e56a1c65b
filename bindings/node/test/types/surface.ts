// Compiled by `tsc --strict`, never run: what a program may write, and what it may not.
import { Engine, ErrorNumber, Flag, Metric, RollgateError, Timer, packKeys } from 'rollgate';
import type { Evaluation, JournalRecord, RolloutStatus, Scorecard } from 'rollgate';

const engine: Engine = Engine.open('plan.yaml', { clock: 'manual', at: new Date(), seed: { A: '10%', B: false } });
Engine.open(new URL('file:///plan.yaml'), { store: null, seedFromEnv: true });
Engine.fromConfig({ version: 1 });
Engine.fromText('version: 1', { format: 'toml', at: 7 });
const attached: Engine = Engine.attach(engine.share());

const on: boolean = engine.isOn('A', 'user', true);
const flag: Flag = engine.flag('A');
const { isOn } = flag;
const answers: Uint8Array = flag.isOnMany(['a', 'b']);
const packed = packKeys(['a']);
flag.isOnMany(packed.keys, packed.offsets);
const evaluation: Evaluation = flag.evaluate('user', { country: 'DE', age: 4, beta: true, teams: ['a'] });
engine.evaluate('A', undefined, { targetingKey: 'user' });
const size: number = engine.value('SIZE', 'user', 10);
const name: string = flag.value('user', 'none');
const truth: boolean = flag.value('user', false);

const metric: Metric = engine.metric('latency');
metric.record(1, 2);
metric.recordFor('user', 1);
metric.recordOutcome(true);
metric.recordOutcomes(1, 2);
metric.count();
metric.recordPoints(3);
const timer: Timer = metric.time();
const ms: number = timer.stop();
const given: string = metric.time(() => 'text');
const later: Promise<number> = metric.timeFor('user', async () => 7);

engine.start().stop().tick();
engine.decide('go', { by: 'lead', rationale: 'fine', override: 'late' });
engine.decide('rollback', { by: 'lead', to: 'zero' });
engine.attest('trained', { passed: 44, of: 44 });
engine.attest('trained', { value: false, by: 'ann', role: 'lead' });
engine.setShares({ A: 0.1 }, { by: 'on_call', reason: 'why' });
engine.command({ command: 'pause', by: 'on_call' });
const status: RolloutStatus = engine.status();
const card: Scorecard = engine.scorecard();
const text: string = engine.scorecard('markdown', 'weekly');
const journal: JournalRecord[] = engine.journal(7);
engine.on('rolledBack', (record) => record.seq.toFixed());
engine.once('record', ({ kind }) => kind === 'rolled_back');
const number: 500 = ErrorNumber.Refused;
try {
  engine.close();
} catch (error) {
  if (error instanceof RollgateError && error.kind === 'Refused') console.log(error.number, error.code);
}

// @ts-expect-error A key is a string.
engine.isOn('A', 7);
// @ts-expect-error A fallback is a boolean.
engine.isOn('A', 'user', 'yes');
// @ts-expect-error Packed keys need offsets.
flag.isOnMany(new Uint8Array(1));
// @ts-expect-error Engines are opened.
new Engine();
// @ts-expect-error There are three choices.
engine.decide('maybe');
// @ts-expect-error A count of a signature needs both numbers.
engine.attest('trained', { passed: 44 });
// @ts-expect-error A text is no number.
const wrong: number = flag.value('user', 'none');
// @ts-expect-error There is no such report.
engine.report('nothing');
// @ts-expect-error Records are read only by their fields' types.
engine.on('rolledBack', (record: number) => record);

export { answers, attached, card, evaluation, given, isOn, journal, later, ms, name, number, on, size, status, text, truth, wrong };
