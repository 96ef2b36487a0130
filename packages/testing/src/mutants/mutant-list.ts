/**
 * The mutants. Anchors are short, and what they stand in is the promise itself: when one is not found any
 * more, the promise has moved, and its mutant must follow.
 */
import { chunkMutants } from './chunk-mutants.ts';
import { effectMutants } from './effect-mutants.ts';
import type { Mutant } from './mutant.ts';
import { gateMutants } from './gate-mutants.ts';
import { turnMutants } from './turn-mutants.ts';

const node = 'placement-node/src/';

const nodeMutants: readonly Mutant[] = [
  {
    rule: 'P1',
    name: 'commits without compare-and-set',
    edits: [{ file: `${node}commit.ts`, find: 'if (!ports.fenced)', replace: 'if (ports.fenced)' }],
    run: { workload: 'ledger' },
    shows: 'the cursor falls',
    quick: true,
  },
  {
    rule: 'P2',
    name: 'a stale read of the mailbox trusted',
    edits: [
      {
        file: `${node}mailbox.ts`,
        find: '(newest === undefined || newest.seq <= reached)',
        replace: 'newest !== null',
      },
    ],
    run: { workload: 'ledger' },
    shows: 'is missing',
    quick: true,
  },
  {
    rule: 'P3',
    name: 'every delivery trusted without a mailbox read',
    edits: [
      {
        file: `${node}mailbox.ts`,
        find: 'this.#run !== this.#partition.run || delivery.deliveries > 1',
        replace: 'this.#run === -2',
      },
    ],
    run: { workload: 'ledger' },
    shows: 'is missing',
    quick: true,
  },
  {
    rule: 'P3',
    name: 'gaps in the deliveries not seen',
    edits: [{ file: `${node}partitions.ts`, find: '+ 1) partition.run += 1', replace: '+ 1) partition.run += 0' }],
    run: { workload: 'ledger' },
    shows: 'is missing',
  },
  {
    rule: 'P3',
    name: 'an error taken as an empty mailbox',
    edits: [
      {
        file: `${node}mailbox.ts`,
        find: 'this.#inbox.last(this.#filter)',
        replace: 'this.#inbox.last(this.#filter).catch(() => undefined)',
      },
      {
        file: `${node}mailbox.ts`,
        find: 'this.#inbox.read(this.#filter, this.#cursor + 1, READ_LIMIT)',
        replace: 'this.#inbox.read(this.#filter, this.#cursor + 1, READ_LIMIT).catch(() => [])',
      },
      {
        file: `${node}mailbox.ts`,
        find: '(await this.#showsAllDelivered(before, reached));',
        replace: 'before !== null;',
      },
    ],
    run: { workload: 'ledger' },
    shows: 'left the inbox while the durable cursor was',
  },
  {
    rule: 'P4',
    name: 'acknowledged first',
    edits: [
      {
        file: `${node}mailbox.ts`,
        find: 'this.addDoorbell(delivery, nowMs);',
        replace: 'this.addDoorbell(delivery, nowMs); this.#inbox.ack(delivery.ackToken);',
      },
    ],
    run: { workload: 'ledger' },
    shows: 'left the inbox while the durable cursor was',
    quick: true,
  },
  {
    rule: 'P4',
    name: 'acknowledged before the outputs are handed over',
    edits: [
      {
        file: `${node}session.ts`,
        find: 'isOwing || handOver.needsWitness, (seq) => handOver.isDone(seq)',
        replace: 'isOwing, () => true',
      },
      { file: `${node}session.ts`, find: ' || handOver.keepsAll) return;', replace: ') return;' },
    ],
    run: { workload: 'ledger' },
    shows: 'left before its message to',
  },
  {
    rule: 'P5',
    name: 'a timeout taken as success',
    edits: [
      {
        file: `${node}commit.ts`,
        find: "if (outcome.kind !== 'full') {",
        replace:
          "if (outcome.kind === 'unknown') return { kind: 'committed', revision: request.expectedRevision + 1 };\n    if (outcome.kind !== 'full') {",
      },
    ],
    run: { workload: 'ledger' },
    shows: 'is missing',
    quick: true,
  },
  {
    rule: 'P5',
    name: "another's commit taken for one's own",
    edits: [{ file: `${node}commit.ts`, find: '.commit === request.commit', replace: ".commit !== ''" }],
    run: { workload: 'ledger' },
    shows: 'left the inbox while the durable cursor was',
  },
  {
    rule: 'P6',
    name: 'answers before the commit',
    edits: [
      {
        file: `${node}activation.ts`,
        find: 'const outcome = await this.#commitTurn(turn, request, startedMs, running);',
        replace:
          'for (const { subject, body } of turn.replies) this.#context.ports.messenger.publish(subject, body);\n    const outcome = await this.#commitTurn(turn, request, startedMs, running);',
      },
    ],
    run: { workload: 'ledger' },
    shows: 'was answered with place',
  },
  {
    rule: 'P6',
    name: 'messages before the commit',
    edits: [
      {
        file: `${node}activation.ts`,
        find: 'const outcome = await this.#commitTurn(turn, request, startedMs, running);',
        replace:
          'this.handOver.relay(turn.outbox);\n    const outcome = await this.#commitTurn(turn, request, startedMs, running);',
      },
    ],
    run: { workload: 'ledger' },
    shows: 'was sent before a commit had made it',
    quick: true,
  },
  {
    rule: 'P7',
    name: 'random keys of outputs',
    edits: [
      {
        file: `${node}hand-over.ts`,
        find: 'incarnation: entry.incarnation,',
        replace: 'incarnation: entry.incarnation + Math.floor(this.#context.ports.random.fraction() * 1e9),',
      },
      { file: `${node}hand-over.ts`, find: 'previous: entry.previous,', replace: 'previous: 0,' },
      {
        file: `${node}hand-over.ts`,
        find: 'const messageId = wireMessageId(entry.to, ',
        replace: 'const messageId = wireMessageId(entry.to, this.#context.ports.random.id() + ',
      },
    ],
    run: { workload: 'ledger' },
    shows: 'was processed twice',
    quick: true,
  },
  {
    rule: 'P10',
    name: 'a lease that never ends',
    edits: [
      {
        file: `${node}membership.ts`,
        find: 'return this.#ports.clock.monotonicMs() < this.#deadlineMs;',
        replace: 'return this.#deadlineMs > 0;',
      },
    ],
    run: { workload: 'ledger' },
    shows: 'without a lease',
    quick: true,
  },
  {
    rule: 'P10',
    name: 'a lease by the wall clock',
    edits: [
      {
        file: `${node}membership.ts`,
        find: 'return this.#ports.clock.monotonicMs() < this.#deadlineMs;',
        replace: 'return this.#ports.clock.wallMs() < this.#deadlineMs;',
      },
      {
        file: `${node}membership.ts`,
        find: 'const startedMs = clock.monotonicMs();',
        replace: 'const startedMs = clock.wallMs();',
      },
    ],
    run: { workload: 'ledger' },
    shows: 'without a lease',
  },
  {
    rule: 'P10',
    name: 'the lease not looked at before an output',
    edits: [
      {
        file: `${node}hand-over.ts`,
        find: 'this.#context.membership.mayAct() ? await',
        replace: 'this.#key !== undefined ? await',
      },
    ],
    run: { workload: 'crowd', faults: { pause: 0.003, full: 0.1 } },
    shows: 'without a lease',
  },
  {
    rule: 'P11',
    name: 'the count of attempts in memory',
    edits: [
      {
        file: `${node}activation.ts`,
        find: 'return this.stand({ attempt:',
        replace: 'if (count > 0) return Promise.resolve(true);\n      return this.stand({ attempt:',
      },
    ],
    run: { workload: 'killing', operations: 60, maxSteps: 200_000 },
    shows: 'never came to rest',
  },
  {
    rule: 'P11',
    name: 'a dead letter after the commit that passes it',
    edits: [{ file: `${node}activation.ts`, find: 'await storeDeadLetters(', replace: 'void storeDeadLetters(' }],
    run: { workload: 'killing', operations: 100, faults: { requestLost: 0.3, crash: 0.003 } },
    shows: 'always fails and is not in the dead letters',
  },
  {
    rule: 'P11',
    name: 'a turn that was stopped run again before it is counted',
    edits: [
      { file: `${node}isolation/isolated-turn.ts`, find: 'poison.set(run.seq,', replace: 'poison.set(-run.seq,' },
    ],
    run: { workload: 'looping', operations: 60, maxSteps: 200_000 },
    shows: 'never came to rest',
  },
  {
    rule: 'P13',
    name: 'an absence taken as a birth',
    edits: [
      {
        file: `${node}birth.ts`,
        find: 'return stillThere ? birth : undefined;',
        replace: 'return stillThere ? birth : birth;',
      },
    ],
    run: { workload: 'damage' },
    shows: 'its record was lost, and it is',
    quick: true,
  },
  {
    rule: 'P14',
    name: 'a session that waits for nothing after a lost commit',
    edits: [{ file: `${node}session.ts`, find: 'return this.#activation === undefined || (', replace: 'return (' }],
    run: { workload: 'damage', maxSteps: 300_000 },
    shows: 'never came to rest',
  },
  {
    rule: 'P14',
    name: 'what a dead node owed is not looked for',
    edits: [
      {
        file: `${node}activation.ts`,
        find: 'this.handOver.resume(this.record);',
        replace: 'this.handOver.resume({ ...this.record, outbox: [], timers: [] });',
      },
    ],
    run: { workload: 'ledger', operations: 40, faults: { crash: 0.003, requestLost: 0.2, replyLost: 0.1 } },
    shows: 'is missing',
  },
  {
    rule: 'P14',
    name: 'a timer without a schedule',
    edits: [{ file: `${node}turn-outputs.ts`, find: 'handOver.arm(turn.armed);', replace: 'handOver.arm([]);' }],
    run: { workload: 'ledger' },
    shows: 'has not fired',
    quick: true,
  },
  {
    rule: 'P15',
    name: 'streams not looked at before the start',
    edits: [
      {
        file: `${node}nats/stream-differences.ts`,
        find: 'if (actualText === neededText) return;',
        replace: 'if (field !== field + is) return;',
      },
    ],
    run: { workload: 'start-up gate' },
    shows: 'a placement node started on an inbox',
    quick: true,
  },
  {
    rule: 'P15',
    name: 'production without durability',
    edits: [
      {
        file: `${node}nats/check-deployment.ts`,
        find: 'if (options.production === true)',
        replace: 'if (options.production === undefined)',
      },
    ],
    run: { workload: 'start-up gate' },
    shows: 'a placement node started in production',
  },
  {
    rule: 'P16',
    name: 'claims of others not honoured',
    edits: [
      {
        file: `${node}wake.ts`,
        find: "if (!cause.force && holder !== ''",
        replace: "if (!cause.force && holder === '-'",
      },
    ],
    run: { workload: 'calm' },
    shows: 'which lives and did not give it up',
    quick: true,
  },
  {
    rule: 'P16',
    name: 'an answer to the request to release not waited for',
    edits: [
      {
        file: `${node}session.ts`,
        find: 'await this.#owner.waking.outside(() => this.#owner.requestRelease(',
        replace: 'void this.#owner.waking.outside(() => this.#owner.requestRelease(',
      },
    ],
    run: { workload: 'calm' },
    shows: 'which lives and did not give it up',
  },
];

export const mutants: readonly Mutant[] = [
  ...nodeMutants,
  ...turnMutants,
  ...gateMutants,
  ...effectMutants,
  ...chunkMutants,
];
